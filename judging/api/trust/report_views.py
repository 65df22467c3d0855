"""What a run's Trust tab says."""

from typing import Any
from uuid import UUID

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from judging.api.base import ApiView, describe
from judging.api.trust.serializers import FigureSerializer, FiguresOfAgreementSerializer
from judging.runs.run_lists import get_evaluation_run
from judging.trust.reports import run_report


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


class TrustSerializer(serializers.Serializer[Any]):
    """Whether a run's grades can be believed."""

    agreement = FiguresOfAgreementSerializer(help_text="a: the AI's grades of record; b: people's blind grades.")
    people = PeopleSerializer()
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
        report = run_report(get_evaluation_run(run_id))
        assert report is not None
        body = {**report.figures, "as_of": report.computed_at, "is_stale": report.is_stale}
        return Response(TrustSerializer(body).data)
