"""Whether grades can be believed: agreement of any two sides of a run."""

from dataclasses import asdict, replace
from uuid import UUID

from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request
from rest_framework.response import Response

from judging.api.base import ApiView, describe
from judging.api.trust.serializers import AgreementSerializer
from judging.foundation.errors import Invalid
from judging.runs.run_lists import get_evaluation_run
from judging.statistics.agreement.consensus import CONSENSUS_METHODS, DEFAULT_METHOD
from judging.trust.agreement import compare_sides
from judging.trust.consensus import read_method
from judging.trust.estimates import agreement_on_run
from judging.trust.grades import check_completed, read_run_grades
from judging.trust.sides import SIDES

_SIDE = ", ".join(SIDES)
_SCOPES = ("pairs", "this_run")


class AgreementDetail(ApiView):
    @describe(
        "Compare two sides of a run",
        answer=AgreementSerializer,
        conflict="run_not_completed, scales_differ",
        query=[
            OpenApiParameter("run_id", UUID, required=True),
            OpenApiParameter("a", str, default="ai", description=_SIDE),
            OpenApiParameter("b", str, default="people", description=_SIDE),
            OpenApiParameter("blind", bool, default=True, description="false: everybody's grades as they stand now."),
            OpenApiParameter(
                "method",
                str,
                enum=CONSENSUS_METHODS,
                default=DEFAULT_METHOD,
                description="Of a consensus, whose IDs are those of AI judging runs or judge versions. An even number of"
                " grades: the lower one; several as frequent: the lowest. Only where more than half of its judges graded.",
            ),
            OpenApiParameter("per_query", bool, default=False),
            OpenApiParameter(
                "scope",
                str,
                enum=_SCOPES,
                default=_SCOPES[0],
                description="this_run: ai with people on this run's own candidates, estimated from its check sample of"
                " agreement; low and high hold for this run, low_total and high_total for queries like these.",
            ),
        ],
        description="By default people's blind grades only: given before the AI's was in sight.",
    )
    def get(self, request: Request) -> Response:
        given = request.query_params
        run = get_evaluation_run(_run_id(given.get("run_id", "")))
        check_completed(run)
        a, b = given.get("a", "ai"), given.get("b", "people")
        blind, with_queries = _flag(given, "blind", default=True), _flag(given, "per_query", default=False)
        method = read_method(given.get("method", DEFAULT_METHOD))
        grades = read_run_grades(run)
        found = compare_sides(run, grades, a=a, b=b, blind=blind, with_queries=with_queries, method=method)
        scope = _scope(given.get("scope", _SCOPES[0]), a=a, b=b, blind=blind)
        if scope == "this_run":
            found = replace(found, figures=agreement_on_run(run, grades))
        body = {"run_id": run.pk, "a": a, "b": b, "blind": blind, "scope": scope, **found.as_dict()}
        if found.per_query is not None:
            body["per_query"] = [asdict(row) for row in found.per_query]
        if found.consensus:
            body["consensus"] = {side: judges.as_dict() for side, judges in found.consensus.items()}
        return Response(AgreementSerializer(body).data)


def _scope(text: str, *, a: str, b: str, blind: bool) -> str:
    if text not in _SCOPES:
        raise Invalid("unknown scope", errors={"scope": [f"one of {', '.join(_SCOPES)}"]})
    if text == "this_run" and (a, b, blind) != ("ai", "people", True):
        message = "this_run is of a=ai and b=people, blind grades only"
        raise Invalid(message, errors={"scope": [message]})
    return text


def _run_id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise Invalid("which run?", errors={"run_id": ["the id of an evaluation run"]}) from None


def _flag(given: "dict[str, str]", name: str, *, default: bool) -> bool:
    text = given.get(name, str(default)).lower()
    if text not in ("true", "false", "1", "0"):
        raise Invalid(f"{name} is true or false", errors={name: ["true or false"]})
    return text in ("true", "1")
