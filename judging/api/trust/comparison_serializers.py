"""Evaluation runs against each other."""

from typing import Any, get_args

from rest_framework import serializers

from judging.api.trust.query_comparison_serializers import (
    ComparedQuerySerializer,
    QuerySummarySerializer,
    TagDifferenceSerializer,
)
from judging.api.trust.serializers import FigureSerializer
from judging.statistics.figures import RefusedCode
from judging.trust.comparisons.run_comparison import (
    MetricComparison,
    PairComparison,
    RunComparison,
    Verdict,
    WarningCode,
)


class SignificanceSerializer(serializers.Serializer[Any]):
    """A metric of two runs over the queries that have it in both; where refused, the counts stand."""

    value_a = serializers.FloatField(allow_null=True, help_text="The mean over these queries.")
    value_b = serializers.FloatField(allow_null=True)
    difference = serializers.FloatField(allow_null=True, help_text="b - a.")
    low = serializers.FloatField(allow_null=True, help_text="Paired t interval, for queries like these.")
    high = serializers.FloatField(allow_null=True)
    p_randomisation = serializers.FloatField(allow_null=True, help_text="Sign flips, 10,000, always the same ones.")
    p_holm = serializers.FloatField(allow_null=True, help_text="With further runs: p after looking at all pairs.")
    wins = serializers.IntegerField(help_text="Queries where b has more, by over 1e-9.")
    ties = serializers.IntegerField()
    losses = serializers.IntegerField()
    minimum_detectable_difference = serializers.FloatField(allow_null=True)
    query_count = serializers.IntegerField()
    refused_code = serializers.ChoiceField(choices=get_args(RefusedCode), allow_null=True)
    is_rough = serializers.BooleanField()
    verdict = serializers.ChoiceField(
        choices=get_args(Verdict), help_text="Of these values, whoever gave the grades: see `has_ai_grades`."
    )


class PeoplesDifferenceSerializer(serializers.Serializer[Any]):
    """What people would say of the difference b - a."""

    difference = FigureSerializer()
    anytime_half_width = serializers.FloatField(
        allow_null=True, help_text="Of the interval for queries like these that holds however often one looks."
    )
    verdict = serializers.ChoiceField(choices=get_args(Verdict), help_text="From that interval alone.")


class ComparisonWarningSerializer(serializers.Serializer[Any]):
    """What to know before believing a comparison."""

    code = serializers.ChoiceField(choices=get_args(WarningCode))
    run_id = serializers.UUIDField()
    engine_model = serializers.CharField()
    judge_model = serializers.CharField()
    message = serializers.CharField()


class PairSerializer(serializers.Serializer[Any]):
    """Two of the runs."""

    a = serializers.UUIDField()
    b = serializers.UUIDField()
    significance = serializers.DictField(child=SignificanceSerializer())


class ComparisonSerializer(serializers.Serializer[Any]):
    """Run b against run a."""

    a = serializers.UUIDField()
    b = serializers.UUIDField()
    query_count = serializers.IntegerField(help_text="Queries scored in both.")
    has_ai_grades = serializers.BooleanField(
        help_text="Some grades behind these values are the AI's: all of it holds if they were people's."
    )
    significance = serializers.DictField(child=SignificanceSerializer(), help_text="By canonical name of the metric.")
    people = serializers.DictField(
        child=PeoplesDifferenceSerializer(), help_text="Where a check sample of what differs exists."
    )
    warnings = ComparisonWarningSerializer(many=True)
    pairs = PairSerializer(many=True, required=False, help_text="With further runs: all pairs, in the order given.")
    summary = QuerySummarySerializer(help_text="Of the one metric asked for, over all queries that both have.")
    by_tag = TagDifferenceSerializer(many=True, help_text="Of that metric, by the tags that most shared queries have.")
    results = ComparedQuerySerializer(many=True, help_text="A page of these queries.")
    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)


def comparison_body(found: RunComparison) -> dict[str, Any]:
    """Return a comparison as the API has it."""
    ids = [run.pk for run in found.runs]
    body: dict[str, Any] = {
        "a": ids[0],
        "b": ids[1],
        "query_count": found.query_count,
        "has_ai_grades": found.has_ai_grades,
        "significance": _significance(found.pair),
        "people": {
            name: {
                "difference": each.difference,
                "anytime_half_width": each.anytime_half_width,
                "verdict": each.verdict,
            }
            for name, each in found.people.items()
        },
        "warnings": [
            {
                "code": warning.code,
                "run_id": warning.run.pk,
                "engine_model": warning.run.engine_model,
                "judge_model": warning.judge_model,
                "message": warning.message,
            }
            for warning in found.warnings
        ],
    }
    if len(found.pairs) > 1:
        body["pairs"] = [
            {"a": ids[pair.a], "b": ids[pair.b], "significance": _significance(pair)} for pair in found.pairs
        ]
    return body


def _significance(pair: PairComparison) -> dict[str, dict[str, Any]]:
    return {each.metric: _metric(each) for each in pair.metrics}


def _metric(each: MetricComparison) -> dict[str, Any]:
    paired, figure = each.paired, each.paired.figure
    return {
        "value_a": each.value_a,
        "value_b": each.value_b,
        "difference": figure.value,
        "low": figure.low,
        "high": figure.high,
        "p_randomisation": paired.p_randomisation,
        "p_holm": each.p_holm,
        "wins": paired.wins,
        "ties": paired.ties,
        "losses": paired.losses,
        "minimum_detectable_difference": paired.minimum_detectable_difference,
        "query_count": paired.query_count,
        "refused_code": figure.refused_code,
        "is_rough": figure.is_rough,
        "verdict": each.verdict,
    }
