"""What every run says of how it is executed, and what can be chosen when one is made."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from judging.foundation.limits import MAX_CONTENT_TYPE, MAX_DEPTH, MAX_QUERY_STRING, MAX_TEXT
from judging.models import SearchRun, SearchRunStatus
from judging.rest.fields import BooleanField, CharField, IntegerField, ModelSerializer, Serializer
from judging.search.runs.holes import holes_of


class SearchOptionsSerializer(Serializer):
    """What a run that is to be executed can say beside what every run says."""

    depth = IntegerField(required=False, min_value=1, max_value=MAX_DEPTH)
    query_limit = IntegerField(required=False, min_value=1, help_text="Only the first so many queries of the set.")
    body = CharField(required=False, allow_blank=True, max_length=MAX_TEXT, help_text="In place of the template's.")
    query_string = CharField(required=False, allow_blank=True, max_length=MAX_QUERY_STRING)
    content_type = CharField(required=False, max_length=MAX_CONTENT_TYPE)
    headers = serializers.DictField(child=CharField(allow_blank=True, max_length=2000), required=False)
    start = BooleanField(required=False, default=False, help_text="Start it at once.")


SEARCH_OPTIONS = tuple(SearchOptionsSerializer._declared_fields)


class HolesSerializer(Serializer):
    """Of the first `depth` documents of each list, `count` of `total` have no grade."""

    depth = IntegerField()
    count = IntegerField()
    total = IntegerField()


class SearchRunSerializer(ModelSerializer):
    """How a run is executed. answered + empty + failed + pending + skipped = total."""

    # Empty as long as nothing is pinned.
    endpoint_type = CharField(read_only=True)
    pending_count = IntegerField(read_only=True)
    throttled_by = CharField(read_only=True, allow_null=True)
    unjudged = serializers.SerializerMethodField(
        help_text="What has no grade among the first documents of each list, down to the cut-off of the first metric,"
        " else to the depth. Null in lists of runs, and until the searches have ended."
    )

    class Meta:
        model = SearchRun
        fields = [
            "endpoint_id",
            "endpoint_name",
            "endpoint_type",
            "endpoint_url",
            "query_set_id",
            "query_template_id",
            "total_count",
            "answered_count",
            "empty_count",
            "failed_count",
            "pending_count",
            "skipped_count",
            "short_count",
            "latency_p50_ms",
            "latency_p95_ms",
            "throttled_by",
            "started_at",
            "unjudged",
        ]
        read_only_fields = fields

    @extend_schema_field(HolesSerializer(allow_null=True))
    def get_unjudged(self, search: SearchRun) -> dict[str, Any] | None:
        run = self.context.get("run")
        if run is None or search.is_active or search.status == SearchRunStatus.PENDING:
            return None
        return dict(HolesSerializer(holes_of(run)).data)
