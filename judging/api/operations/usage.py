"""What a month's AI work took."""

from typing import Any

from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from judging.api.base import ApiView, describe
from judging.operations.usage import month_of, monthly_usage


class TokenUsageSerializer(serializers.Serializer[Any]):
    """Tokens and their cost."""

    input_tokens = serializers.IntegerField()
    output_tokens = serializers.IntegerField()
    cost = serializers.FloatField(allow_null=True, help_text="By the judges' prices; null: none of them has one.")
    is_partial = serializers.BooleanField(help_text="Some of the tokens have no price.")
    is_estimated = serializers.BooleanField(help_text="Some of the tokens were counted from characters.")


class ProviderUsageSerializer(TokenUsageSerializer):
    """What was asked of one AI provider."""

    provider = serializers.CharField()


class JudgeUsageSerializer(ProviderUsageSerializer):
    """What one judge asked of one AI provider."""

    judge = serializers.CharField()


class MonthlyUsageSerializer(serializers.Serializer[Any]):
    """What a month's AI work took, most tokens first."""

    month = serializers.DateField(help_text="Its first day.")
    total = TokenUsageSerializer()
    by_provider = ProviderUsageSerializer(many=True)
    by_judge = JudgeUsageSerializer(many=True)


class MonthlyUsageDetail(ApiView):
    @describe(
        "Show a month's tokens and cost by judge and provider",
        answer=MonthlyUsageSerializer,
        query=[OpenApiParameter("month", str, description="As 2026-11; the current one if not given.")],
        description="Of judging runs, probes, golden checks and batches that began in the month, in UTC.",
    )
    def get(self, request: Request) -> Response:
        found = monthly_usage(month_of(request.query_params.get("month", "")), self.user)
        return Response(MonthlyUsageSerializer(found).data)
