"""What a run's Trust tab says."""

from typing import Any
from uuid import UUID

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from judging.api.base import ApiView, describe
from judging.api.trust.certificate_views import CertificateSerializer
from judging.api.trust.sample_serializers import CheckSampleSerializer
from judging.api.trust.serializers import FigureSerializer, FiguresOfAgreementSerializer
from judging.runs.run_lists import get_evaluation_run
from judging.trust.reports import run_answer


class PersonSerializer(serializers.Serializer[Any]):
    """One person beside the others, on the candidates they share."""

    author = serializers.CharField()
    candidate_count = serializers.IntegerField()
    bias = serializers.FloatField(help_text="Their grades less the others' mean, in grades.")
    kappa_quadratic = FigureSerializer()


class AltTestSerializer(serializers.Serializer[Any]):
    """The alternative annotator test, clustered by query; null with fewer than three people."""

    beaten_share = serializers.FloatField()
    mean_advantage = serializers.FloatField()
    is_passed = serializers.BooleanField()


class PeopleSerializer(serializers.Serializer[Any]):
    """People among themselves, and the AI beside them: the ceiling of any judge."""

    alpha_ordinal = FigureSerializer()
    judge_kappa = serializers.FloatField(allow_null=True, help_text="A: the AI with a person's colleagues.")
    person_kappa = serializers.FloatField(allow_null=True, help_text="B: a person with their colleagues.")
    difference = FigureSerializer(help_text="A - B.")
    ratio = serializers.FloatField(allow_null=True)
    verdict = serializers.ChoiceField(choices=["better", "as_good", "below", "cannot_tell"], allow_null=True)
    persons = PersonSerializer(many=True)
    alt_test = AltTestSerializer(allow_null=True)


class MetricEstimateSerializer(serializers.Serializer[Any]):
    """A metric three times."""

    effective = serializers.FloatField(allow_null=True, help_text="What the run shows: people's grades, else the AI's.")
    ai_alone = serializers.FloatField(allow_null=True)
    estimate = FigureSerializer(help_text="What people would say.")
    check_sample_id = serializers.UUIDField(allow_null=True, help_text="Behind the estimate.")
    width_ratio = serializers.FloatField(
        allow_null=True, help_text="How many times as wide the total interval is as if people had graded everything."
    )


class TrustSerializer(serializers.Serializer[Any]):
    """Whether a run's grades can be believed."""

    agreement = FiguresOfAgreementSerializer(help_text="a: the AI's grades of record; b: people's blind grades.")
    people = PeopleSerializer()
    estimates = serializers.DictField(child=MetricEstimateSerializer(), help_text="By the names of metrics.")
    check_samples = CheckSampleSerializer(many=True)
    certificates = CertificateSerializer(many=True)
    as_of = serializers.DateTimeField()
    is_stale = serializers.BooleanField(help_text="Judgments have changed since; newer figures are on their way.")


class TrustDetail(ApiView):
    @describe(
        "Tell whether a run's grades can be believed",
        answer=TrustSerializer,
        conflict="run_not_completed",
        description="Figures of a large run are stored, and renewed in the background after grades have changed.",
    )
    def get(self, request: Request, run_id: UUID) -> Response:
        return Response(TrustSerializer(run_answer(get_evaluation_run(run_id))).data)
