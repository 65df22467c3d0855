"""Whether grades can be believed: agreement of any two sides of a run."""

from dataclasses import asdict
from uuid import UUID

from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request
from rest_framework.response import Response

from judging.api.base import ApiView, describe
from judging.api.trust.serializers import AgreementSerializer
from judging.foundation.errors import Invalid
from judging.runs.run_lists import get_evaluation_run
from judging.trust.agreement import compare_sides
from judging.trust.grades import check_completed, read_run_grades
from judging.trust.sides import SIDES

_SIDE = ", ".join(SIDES)


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
            OpenApiParameter("per_query", bool, default=False),
        ],
        description="By default people's blind grades only: given before the AI's was in sight.",
    )
    def get(self, request: Request) -> Response:
        given = request.query_params
        run = get_evaluation_run(_run_id(given.get("run_id", "")))
        check_completed(run)
        a, b = given.get("a", "ai"), given.get("b", "people")
        blind, with_queries = _flag(given, "blind", default=True), _flag(given, "per_query", default=False)
        found = compare_sides(run, read_run_grades(run), a=a, b=b, blind=blind, with_queries=with_queries)
        body = {"run_id": run.pk, "a": a, "b": b, "blind": blind, **found.as_dict()}
        if found.per_query is not None:
            body["per_query"] = [asdict(row) for row in found.per_query]
        return Response(AgreementSerializer(body).data)


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
