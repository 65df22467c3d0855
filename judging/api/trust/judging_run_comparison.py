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
from judging.statistics.agreement.consensus import CONSENSUS_METHODS, DEFAULT_METHOD
from judging.trust.comparisons.judged_sides import SIDES, ComparedSide, find_side
from judging.trust.comparisons.judging_run_comparison import compare_judging
from judging.trust.comparisons.run_order import ORDER_OF, order_runs, runs_to_order
from judging.trust.consensus import read_method

_SIDE = " or ".join(SIDES)


class JudgedSideSerializer(serializers.Serializer[Any]):
    """One side of the comparison."""

    judging_run_id = serializers.UUIDField(
        allow_null=True, help_text="null: all that the judge version said, or a consensus."
    )
    evaluation_run_id = serializers.UUIDField(help_text="A consensus has that of its first judge.")
    ai_judge_id = serializers.UUIDField(allow_null=True, help_text="null: a consensus.")
    judge_label = serializers.CharField()


class OrderedRunSerializer(serializers.Serializer[Any]):
    """An evaluation run that is put into an order."""

    id = serializers.UUIDField()
    name = serializers.CharField()
    graded_share = serializers.FloatField(
        help_text="Share of its candidates that both sides graded, 0 to 1; the others count as not relevant."
    )


class SwappedPairSerializer(serializers.Serializer[Any]):
    """Two evaluation runs that the sides put into opposite orders."""

    first = serializers.UUIDField()
    second = serializers.UUIDField()
    old = FigureSerializer(help_text="Second minus first by the old side's grades.")
    new = FigureSerializer()
    is_real = serializers.BooleanField(help_text="One of the two intervals excludes 0.")


class MetricOrderSerializer(serializers.Serializer[Any]):
    """The order of the evaluation runs by one metric."""

    old = serializers.ListField(child=serializers.FloatField(), help_text="By run, by the old side's grades.")
    new = serializers.ListField(child=serializers.FloatField())
    tau_b = serializers.FloatField(
        allow_null=True, help_text="1: the same order, -1: the opposite. null: one side sees no difference at all."
    )
    swapped = SwappedPairSerializer(many=True)


class RunOrderSerializer(serializers.Serializer[Any]):
    """Whether the judge versions of both sides put evaluation runs into one order."""

    runs = OrderedRunSerializer(many=True)
    query_count = serializers.IntegerField(help_text="Queries that all of the runs have, with a pair both graded.")
    metrics = serializers.DictField(child=MetricOrderSerializer(), help_text="By metric of the new side's run.")


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
    order = RunOrderSerializer(
        required=False,
        allow_null=True,
        help_text="When asked for. null: fewer than three runs, or the same judge versions on both sides.",
    )


class JudgingRunComparisonDetail(ApiView):
    @describe(
        "Compare two AI judging runs",
        answer=JudgingRunComparisonSerializer,
        conflict="scales_differ, corpora_differ, relevant_from_differs, run_not_completed",
        query=[
            OpenApiParameter("old", str, required=True, description=_SIDE),
            OpenApiParameter("new", str, required=True, description=_SIDE),
            OpenApiParameter("run_id", UUID, description="The evaluation run that judge versions are compared on."),
            OpenApiParameter(
                "method", str, enum=CONSENSUS_METHODS, default=DEFAULT_METHOD, description="Of a consensus."
            ),
            OpenApiParameter(
                "order_of",
                str,
                description=f"Whether both put evaluation runs into one order: {ORDER_OF}. `graded`: the newest, at most"
                " eight, that all of their judge versions graded.",
            ),
        ],
        description=(
            "Across evaluation runs by (query, document). A judge version counts with its newest grade of each "
            "candidate, trials included. Counts stand also where figures are refused."
        ),
    )
    def get(self, request: Request) -> Response:
        given = request.query_params
        run = get_evaluation_run(_run_id(given["run_id"])) if "run_id" in given else None
        method = read_method(given.get("method", DEFAULT_METHOD))
        old, new = (find_side(given.get(name, ""), run=run, method=method) for name in ("old", "new"))
        found = compare_judging(old, new)
        body = {**found.as_dict(), "old": _described(old), "new": _described(new)}
        if "order_of" in given:
            order = order_runs(old, new, runs_to_order(old, new, given["order_of"]))
            body["order"] = order.as_dict() if order else None
        return Response(JudgingRunComparisonSerializer(body).data)


def _described(side: ComparedSide) -> dict[str, Any]:
    return {
        "judging_run_id": side.judging_run.pk if side.judging_run else None,
        "evaluation_run_id": side.run.pk,
        "ai_judge_id": side.version.judge_id if side.version else None,
        "judge_label": side.label,
    }


def _run_id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise Invalid("which run?", errors={"run_id": ["the id of an evaluation run"]}) from None
