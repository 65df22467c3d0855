"""Golden sets, what makes them, and what each check came to."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from judging.api.job_fields import COUNT_FIELDS, END_FIELDS
from judging.foundation.limits import (
    MAX_GOLDEN_INTERVAL_DAYS,
    MAX_GOLDEN_PER_QUERY,
    MAX_GOLDEN_QUERIES,
    MAX_NAME,
    MIN_GOLDEN_QUERIES,
)
from judging.golden.acts import DEFAULT_PER_QUERY, DEFAULT_QUERIES
from judging.models import GoldenCheck, GoldenSet
from judging.rest.fields import CharField, IntegerField, ModelSerializer, Serializer, UUIDField


class GoldenCheckSerializer(ModelSerializer):
    """A check or a baseline. judged + failed + pending + skipped = total at every read."""

    golden_set_id = serializers.UUIDField(read_only=True)
    ai_judge_version = serializers.IntegerField(source="judge_version.number", read_only=True)
    baseline_id = serializers.UUIDField(read_only=True, allow_null=True, help_text="What it is compared with.")
    pending_count = serializers.IntegerField(read_only=True)
    models_returned = serializers.ListField(
        child=serializers.CharField(), read_only=True, help_text="As the service named its models."
    )

    class Meta:
        model = GoldenCheck
        fields = [
            "id",
            "golden_set_id",
            "ai_judge_version",
            "is_baseline",
            "baseline_reason",
            "baseline_id",
            "status",
            "outcome",
            "models_returned",
            "compared_count",
            "shift",
            "z",
            "flip_count",
            "cusum_up",
            "cusum_down",
            *COUNT_FIELDS,
            *END_FIELDS,
        ]
        read_only_fields = fields
        extra_kwargs = {
            "outcome": {"help_text": "Empty until it has ended; incomplete: too few answers to say anything."},
            "shift": {"help_text": "Change in grades since the baseline, on average."},
            "z": {"help_text": "The shift in standard deviations; null for a judge that never strayed by itself."},
            "flip_count": {"help_text": "Pairs whose grade differs from the baseline's rounded mean."},
        }


class GoldenSetSerializer(ModelSerializer):
    """A golden set, and the newest of its checks."""

    ai_judge_id = serializers.UUIDField(source="judge_id", read_only=True)
    evaluation_run_id = serializers.UUIDField(read_only=True)
    last_check = serializers.SerializerMethodField()

    class Meta:
        model = GoldenSet
        fields = [
            "id",
            "name",
            "ai_judge_id",
            "evaluation_run_id",
            "query_count",
            "per_query",
            "pair_count",
            "every_days",
            "last_check",
            "created_by",
            "created_at",
        ]
        read_only_fields = fields
        extra_kwargs = {"every_days": {"help_text": "null: checked by hand alone."}}

    @extend_schema_field(GoldenCheckSerializer(allow_null=True))
    def get_last_check(self, golden_set: GoldenSet) -> Any:
        found: list[GoldenCheck] = golden_set.newest  # type: ignore[attr-defined]  # read with the set
        return GoldenCheckSerializer(found[0]).data if found else None


class _EveryDays(Serializer):
    every_days = IntegerField(required=False, allow_null=True, min_value=1, max_value=MAX_GOLDEN_INTERVAL_DAYS)


class CreateGoldenSetSerializer(_EveryDays):
    """What is drawn from which run, which judge is watched, and how often by itself."""

    name = CharField(max_length=MAX_NAME)
    evaluation_run_id = UUIDField()
    ai_judge_id = UUIDField()
    query_count = IntegerField(required=False, default=DEFAULT_QUERIES, min_value=MIN_GOLDEN_QUERIES,
                               max_value=MAX_GOLDEN_QUERIES)  # fmt: skip
    per_query = IntegerField(required=False, default=DEFAULT_PER_QUERY, min_value=1, max_value=MAX_GOLDEN_PER_QUERY)


class RescheduleSerializer(Serializer):
    """How many days lie between two checks; null: checked by hand alone."""

    every_days = IntegerField(allow_null=True, min_value=1, max_value=MAX_GOLDEN_INTERVAL_DAYS)
