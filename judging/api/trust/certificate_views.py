"""Certificates: issued from a check sample, read for ever."""

from typing import Any
from uuid import UUID

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from judging.api.base import ApiView, describe
from judging.api.trust.serializers import FigureSerializer
from judging.models import CertificateStatus
from judging.trust.certificates import certificate_dict, get_certificate, issue_certificate
from judging.trust.samples.states import get_check_sample


class _RunSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    name = serializers.CharField()
    evaluation = serializers.CharField()


class _CountedSerializer(serializers.Serializer[Any]):
    count = serializers.IntegerField()


class _JudgeSerializer(_CountedSerializer):
    judge = serializers.CharField(allow_blank=True, help_text="Version that graded; empty: no AI grade.")


class _PersonSerializer(_CountedSerializer):
    author = serializers.CharField()


class _RuleSerializer(serializers.Serializer[Any]):
    variance = serializers.FloatField(help_text="Of the judge's error on these queries.")
    query_variance = serializers.FloatField(help_text="What sampling of queries adds.")
    variance_share = serializers.FloatField(help_text="The first is at most this share of the second.")
    disagreements = serializers.IntegerField()
    is_exact_bound = serializers.BooleanField(required=False)
    wanted_ratio = serializers.FloatField()
    least_grades = serializers.IntegerField()


class CertificateSerializer(serializers.Serializer[Any]):
    """A record that never changes, but for becoming void once and for good."""

    id = serializers.UUIDField()
    evaluation_run_id = serializers.UUIDField()
    check_sample_id = serializers.UUIDField()
    status = serializers.ChoiceField(choices=CertificateStatus.choices)
    voided_at = serializers.DateTimeField(allow_null=True)
    void_reason = serializers.ChoiceField(
        choices=["relevant_from_changed", "judge_of_record_changed", "candidates_changed", "run_deleted"],
        allow_null=True,
    )
    goal = serializers.CharField()
    metric = serializers.CharField()
    run = _RunSerializer()
    corpus_seed = serializers.IntegerField()
    scale = serializers.CharField()
    relevant_from = serializers.IntegerField()
    judges = _JudgeSerializer(many=True)
    query_count = serializers.IntegerField()
    population_count = serializers.IntegerField()
    grade_count = serializers.IntegerField()
    graded_share = serializers.FloatField()
    skipped_share = serializers.FloatField()
    people = _PersonSerializer(many=True)
    grades_per_candidate = serializers.FloatField()
    estimate = FigureSerializer()
    width_ratio = serializers.FloatField(allow_null=True)
    rule = _RuleSerializer()
    effective = serializers.FloatField(allow_null=True)
    ai_alone = serializers.FloatField(allow_null=True)
    agreement = serializers.DictField(child=FigureSerializer())
    author = serializers.CharField()
    issued_at = serializers.DateTimeField()


class CheckSampleCertificate(ApiView):
    @describe(
        "Certify the metric of a check sample",
        answer=CertificateSerializer,
        status=201,
        conflict="not_certified, run_not_completed",
        description="`missing` of a 409 says what it would take. Each call makes a new certificate.",
    )
    def post(self, request: Request, sample_id: UUID) -> Response:
        certificate = issue_certificate(sample=get_check_sample(sample_id), actor=self.user)
        return Response(CertificateSerializer(certificate_dict(certificate)).data, status=201)


class CertificateDetail(ApiView):
    @describe("Show a certificate", answer=CertificateSerializer)
    def get(self, request: Request, certificate_id: UUID) -> Response:
        return Response(CertificateSerializer(certificate_dict(get_certificate(certificate_id))).data)
