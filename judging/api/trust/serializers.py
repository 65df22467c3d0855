"""Figures of trust: never a number without its interval and its basis, or the reason why there is none."""

from typing import Any, get_args

from rest_framework import serializers

from judging.statistics.agreement.coefficients import AGREEMENT_FIGURES
from judging.statistics.agreement.consensus import CONSENSUS_METHODS
from judging.statistics.figures import Method, RefusedCode


class FigureSerializer(serializers.Serializer[Any]):
    """A value with two intervals; where it is refused, these five are null and the counts stand."""

    value = serializers.FloatField(allow_null=True)
    low = serializers.FloatField(allow_null=True, help_text="For these queries.")
    high = serializers.FloatField(allow_null=True)
    low_total = serializers.FloatField(allow_null=True, help_text="For queries like these.")
    high_total = serializers.FloatField(allow_null=True)
    method = serializers.ChoiceField(choices=get_args(Method))
    level = serializers.FloatField()
    query_count = serializers.IntegerField()
    grade_count = serializers.IntegerField()
    refused_code = serializers.ChoiceField(choices=get_args(RefusedCode), allow_null=True)
    is_rough = serializers.BooleanField()


class BlindnessSerializer(serializers.Serializer[Any]):
    """How many of people's grades were given without the AI's in sight, and what seeing it did."""

    blind_count = serializers.IntegerField()
    shown_count = serializers.IntegerField()
    unknown_count = serializers.IntegerField()
    unblind_share = serializers.FloatField(allow_null=True, help_text="shown / (shown + blind); null without either.")
    anchoring = FigureSerializer(
        help_text="How much more often people gave the AI's grade where they saw it: a difference of two shares."
    )


class FiguresOfAgreementSerializer(BlindnessSerializer):
    """Every figure of agreement by name, and the confusion matrix: rows a, columns b."""

    confusion = serializers.ListField(child=serializers.ListField(child=serializers.IntegerField()))

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        figures = {str(figure.name): FigureSerializer() for figure in AGREEMENT_FIGURES}
        return {**figures, **super().get_fields()}


class QueryAgreementSerializer(serializers.Serializer[Any]):
    """Two sides on one query."""

    query_id = serializers.UUIDField()
    query = serializers.CharField()
    pair_count = serializers.IntegerField()
    exact_count = serializers.IntegerField()
    bias = serializers.FloatField(help_text="Mean of a - b, in grades.")


class ConsensusJudgeSerializer(serializers.Serializer[Any]):
    """A judge of a consensus."""

    judge = serializers.CharField(help_text="judging_run:ID or judge_version:ID.")
    judge_label = serializers.CharField()
    kappa_quadratic = FigureSerializer(help_text="With the other side.")


class ConsensusPairSerializer(serializers.Serializer[Any]):
    """Two judges of a consensus with each other."""

    first = serializers.CharField()
    second = serializers.CharField()
    kappa_quadratic = FigureSerializer()


class ConsensusSerializer(serializers.Serializer[Any]):
    """What a consensus is made of. Judges that agree closely have little to correct each other with."""

    method = serializers.ChoiceField(choices=CONSENSUS_METHODS)
    judges = ConsensusJudgeSerializer(many=True)
    pairwise = ConsensusPairSerializer(many=True)


class AgreementSerializer(FiguresOfAgreementSerializer):
    """Two sides of a run."""

    run_id = serializers.UUIDField()
    a = serializers.CharField()
    b = serializers.CharField()
    blind = serializers.BooleanField()
    scope = serializers.ChoiceField(choices=["pairs", "this_run"])
    per_query = QueryAgreementSerializer(many=True, required=False)
    consensus = serializers.DictField(
        child=ConsensusSerializer(), required=False, help_text="By `a` or `b`, where that is a consensus."
    )
