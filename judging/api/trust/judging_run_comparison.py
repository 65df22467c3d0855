"""Two judging runs or judge versions against each other."""

from typing import Any
from uuid import UUID

from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from judging.api.base import ApiView, describe
from judging.api.trust.serializers import FigureSerializer
from judging.foundation.errors import Invalid
from judging.runs.run_lists import get_evaluation_run
from judging.trust.comparisons.judging_run_comparison import SIDES, compare_judging, find_side

_SIDE = " or ".join(SIDES)


class JudgedSideSerializer(serializers.Serializer[Any]):
    """One side of the comparison."""

    judging_run_id = serializers.UUIDField(allow_null=True, help_text="null: all that the judge version said.")
    evaluation_run_id = serializers.UUIDField()
    ai_judge_id = serializers.UUIDField()
    judge_label = serializers.CharField()


class JudgingRunComparisonSerializer(serializers.Serializer[Any]):
    """What changed from the old side to the new one, on the (query, document) pairs that both graded."""

    old = JudgedSideSerializer()
    new = JudgedSideSerializer()
    compared_count = serializers.IntegerField()
    changed_count = serializers.IntegerField()
    up_count = serializers.IntegerField()
    down_count = serializers.IntegerField()
    only_old_count = serializers.IntegerField(help_text="Graded by the old side alone, and not compared.")
    only_new_count = serializers.IntegerField()
    matrix = serializers.ListField(
        child=serializers.ListField(child=serializers.IntegerField()), help_text="Rows old, columns new."
    )
    kappa_quadratic = FigureSerializer(help_text="Agreement between the two.")
    signed_change = FigureSerializer(help_text="New minus old in grades; interval over queries.")
    distribution_p = serializers.FloatField(
        allow_null=True, help_text="Hotelling over queries: do both use the grades alike? null: cannot be told."
    )
    metrics = serializers.DictField(
        child=FigureSerializer(),
        help_text=(
            "By metric of the new side's evaluation run: new minus old on its rankings, when that side's grades of "
            "the compared pairs alone count."
        ),
    )


class JudgingRunComparisonDetail(ApiView):
    @describe(
        "Compare two AI judging runs",
        answer=JudgingRunComparisonSerializer,
        conflict="scales_differ",
        query=[
            OpenApiParameter("old", str, required=True, description=_SIDE),
            OpenApiParameter("new", str, required=True, description=_SIDE),
            OpenApiParameter("run_id", UUID, description="The evaluation run that judge versions are compared on."),
        ],
        description=(
            "Across evaluation runs by (query, document). A judge version counts with its newest grade of each "
            "candidate, trials included. Counts stand also where figures are refused."
        ),
    )
    def get(self, request: Request) -> Response:
        given = request.query_params
        run = get_evaluation_run(_run_id(given["run_id"])) if "run_id" in given else None
        old, new = (find_side(given.get(name, ""), run=run) for name in ("old", "new"))
        found = compare_judging(old, new)
        body = {**found.as_dict(), "old": _described(old), "new": _described(new)}
        return Response(JudgingRunComparisonSerializer(body).data)


def _described(side: Any) -> dict[str, Any]:
    return {
        "judging_run_id": side.judging_run.pk if side.judging_run else None,
        "evaluation_run_id": side.run.pk,
        "ai_judge_id": side.version.judge_id,
        "judge_label": side.label,
    }


def _run_id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise Invalid("which run?", errors={"run_id": ["the id of an evaluation run"]}) from None
