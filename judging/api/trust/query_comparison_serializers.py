"""Two evaluation runs query by query, one query of them side by side, and judging what decides."""

from typing import Any, get_args

from rest_framework import serializers

from judging.api.judging_runs.serializers import JudgingRunSerializer
from judging.api.review.serializers import CandidateSerializer, FieldsField
from judging.api.runs.serializers import QueryField
from judging.foundation.limits import MAX_BIG_INTEGER, MAX_CONCURRENCY
from judging.metrics.names import MAX_CUTOFF
from judging.rest.fields import IntegerField, Serializer, UUIDField
from judging.trust.comparisons.queries.noise import Noise
from judging.trust.comparisons.queries.query_rows import QueryRow
from judging.trust.comparisons.queries.query_table import TableSummary
from judging.trust.comparisons.queries.side_by_side import Mark


class RangeSerializer(serializers.Serializer[Any]):
    """The least and the greatest a difference can be, whatever the unjudged documents are worth."""

    low = serializers.FloatField()
    high = serializers.FloatField()


class ComparedQuerySerializer(serializers.Serializer[Any]):
    """A query of both runs; values and delta are null without judgments."""

    query_key = serializers.CharField(source="key", help_text="Names the query in the corpus.")
    query = QueryField(help_text="As run b has it.")
    label = serializers.CharField()  # type: ignore[assignment]
    tags = serializers.ListField(child=serializers.CharField(), help_text="As run b has them, else run a.")
    query_id_a = serializers.UUIDField(source="run_query_a")
    query_id_b = serializers.UUIDField(source="run_query_b")
    value_a = serializers.FloatField(allow_null=True)
    value_b = serializers.FloatField(allow_null=True)
    delta = serializers.FloatField(allow_null=True, help_text="b - a.")
    rbo = serializers.FloatField(help_text="Rank-biased overlap of the whole lists, extrapolated.")
    jaccard = serializers.FloatField()
    entered = serializers.IntegerField(help_text="In b's first k and not in a's.")
    left = serializers.IntegerField(help_text="In a's first k and not in b's.")
    moved = serializers.IntegerField(help_text="In both, at another rank.")
    unjudged_a = serializers.IntegerField(help_text="Among a's first k.")
    unjudged_b = serializers.IntegerField()
    range = RangeSerializer(allow_null=True, help_text="null for a metric that has no exact one, such as MAP.")
    judged_only_delta = serializers.FloatField(
        allow_null=True, help_text="delta, had the runs returned their judged documents alone, in the same order."
    )
    has_ties = serializers.BooleanField(help_text="A list has equal scores, whose order is taken as it came.")
    is_failed = serializers.BooleanField(help_text="Its search failed in a run: it is counted nowhere.")


class NoiseSerializer(serializers.Serializer[Any]):
    """How a second run of a's configuration differs from a."""

    run_id = serializers.UUIDField()
    level = serializers.FloatField(help_text="Differences up to here may be the engine's own noise.")
    mean_delta = serializers.FloatField(allow_null=True)
    mean_rbo = serializers.FloatField(allow_null=True)
    mean_jaccard = serializers.FloatField(allow_null=True)
    is_noise = serializers.BooleanField(help_text="`mean_delta` of b against a is no larger than that.")


class QuerySummarySerializer(serializers.Serializer[Any]):
    """All queries that both runs have, those with a failed search left out."""

    metric = serializers.CharField()
    k = serializers.IntegerField()
    p = serializers.FloatField()
    query_count = serializers.IntegerField()
    scored_count = serializers.IntegerField(help_text="With a value in both: what mean_delta is a mean of.")
    failed_count = serializers.IntegerField()
    only_a_count = serializers.IntegerField(help_text="Queries that b does not have, which are left out.")
    only_b_count = serializers.IntegerField()
    tied_count = serializers.IntegerField(help_text="Queries with equal scores in a list.")
    mean_delta = serializers.FloatField(allow_null=True)
    low = serializers.FloatField(source="interval.low", allow_null=True, help_text="Paired t interval of mean_delta.")
    high = serializers.FloatField(source="interval.high", allow_null=True)
    mean_rbo = serializers.FloatField(allow_null=True)
    mean_jaccard = serializers.FloatField(allow_null=True)
    wins = serializers.IntegerField()
    ties = serializers.IntegerField()
    losses = serializers.IntegerField()
    unjudged_a = serializers.IntegerField()
    unjudged_b = serializers.IntegerField()
    undecided_count = serializers.IntegerField(help_text="Unjudged among the first k of either, each once.")
    range = RangeSerializer(allow_null=True, help_text="What mean_delta would be if the unjudged all went one way.")
    judged_only_delta = serializers.FloatField(
        allow_null=True,
        help_text="mean_delta over lists without their unjudged documents (condensed lists): one far from `mean_delta` says"
        " that what is unjudged, counted as not relevant, makes part of the difference.",
    )
    judged_only_low = serializers.FloatField(
        source="judged_only_interval.low", allow_null=True, help_text="Paired t interval of judged_only_delta."
    )
    judged_only_high = serializers.FloatField(source="judged_only_interval.high", allow_null=True)
    judged_only_count = serializers.IntegerField(help_text="Queries with judged documents in both lists.")
    noise = NoiseSerializer(allow_null=True)


class TagDifferenceSerializer(serializers.Serializer[Any]):
    """The queries with a tag in either run, those with a failed search left out."""

    tag = serializers.CharField()
    query_count = serializers.IntegerField()
    scored_count = serializers.IntegerField()
    mean_delta = serializers.FloatField(allow_null=True)
    low = serializers.FloatField(source="interval.low", allow_null=True, help_text="null below 10 queries.")
    high = serializers.FloatField(source="interval.high", allow_null=True)
    wins = serializers.IntegerField()
    losses = serializers.IntegerField()


class AlignedDocumentSerializer(serializers.Serializer[Any]):
    """A document of either list, with its row of the review grid in each run; ranks and mark null where you are blind."""

    candidate_id = serializers.CharField(help_text="The document's id.")
    rank_a = serializers.IntegerField(allow_null=True)
    rank_b = serializers.IntegerField(allow_null=True)
    mark = serializers.ChoiceField(choices=get_args(Mark), allow_null=True)
    a = CandidateSerializer(allow_null=True)
    b = CandidateSerializer(allow_null=True)
    differing_fields = FieldsField(help_text="Fields that the runs have otherwise: {name: [in a, in b]}.")


class SideBySideSerializer(serializers.Serializer[Any]):
    """One query of two runs, both lists aligned: by rank in b, then what only a has."""

    row = ComparedQuerySerializer()
    metric = serializers.CharField()
    k = serializers.IntegerField()
    documents = AlignedDocumentSerializer(many=True)


class DecidingStartSerializer(Serializer):
    """Which judge, how deep, and the limits of each judging run."""

    ai_judge_id = UUIDField()
    k = IntegerField(required=False, default=10, min_value=1, max_value=MAX_CUTOFF)
    max_concurrency = IntegerField(required=False, allow_null=True, min_value=1, max_value=MAX_CONCURRENCY)
    max_total_tokens = IntegerField(required=False, allow_null=True, min_value=1, max_value=MAX_BIG_INTEGER)


class DecidingRunsSerializer(serializers.Serializer[Any]):
    """The judging runs that were started, one for each evaluation run with something to judge."""

    total_count = serializers.IntegerField()
    judging_runs = JudgingRunSerializer(many=True)


def row_body(row: QueryRow) -> dict[str, Any]:
    """Return a row as its serializer takes it."""
    body = {name: getattr(row, name) for name in QueryRow.__slots__}
    return body | {"range": _range(row.low, row.high)}


def summary_body(summary: TableSummary, *, metric: str, k: int, p: float, noise: Noise | None) -> dict[str, Any]:
    """Return a summary as its serializer takes it."""
    body = {name: getattr(summary, name) for name in TableSummary.__slots__}
    return body | {
        "metric": metric,
        "k": k,
        "p": p,
        "range": _range(summary.low, summary.high),
        "noise": noise
        and {
            "run_id": noise.run.pk,
            "level": noise.level,
            "mean_delta": noise.summary.mean_delta,
            "mean_rbo": noise.summary.mean_rbo,
            "mean_jaccard": noise.summary.mean_jaccard,
            "is_noise": noise.covers(summary.mean_delta),
        },
    }


def _range(low: float | None, high: float | None) -> dict[str, float] | None:
    return None if low is None or high is None else {"low": low, "high": high}
