"""Query sets and their queries."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from judging.foundation.limits import MAX_NAME, MAX_SAMPLE_SEED, MAX_SET_QUERIES
from judging.models import SearchQuerySet, SetQuery
from judging.rest.fields import BooleanField, ModelSerializer, Serializer
from judging.search.query_sets.reads import inclusion_probability, text_of
from judging.statistics.query_samples import METHODS

_QUERY = {
    "oneOf": [
        {"type": "string"},
        {"type": "object", "properties": {"query": {"type": "string"}}, "required": ["query"]},
        {
            "type": "object",
            "properties": {
                "body": {},
                "label": {"type": "string"},
                "weight": {"type": "number", "nullable": True},
                "tags": {"type": "array", "items": {"type": "string"}},
            },
            "required": ["body"],
        },
    ]
}


@extend_schema_field({"type": "array", "items": _QUERY, "minItems": 1, "maxItems": MAX_SET_QUERIES})
class QueriesField(serializers.Field):  # type: ignore[type-arg]
    """Queries: texts, objects with `query`, or rows that have one of these as `body`. The act reads them."""

    default_error_messages = {
        "invalid": "A list of queries is expected.",
        "max_length": "A query set has at most {most} queries.",
    }

    def to_internal_value(self, data: Any) -> list[Any]:
        if not isinstance(data, list):
            self.fail("invalid")
        if len(data) > MAX_SET_QUERIES:
            self.fail("max_length", most=f"{MAX_SET_QUERIES:,}")
        return data

    def to_representation(self, value: Any) -> Any:
        return value


class AddedQueriesSerializer(Serializer):
    queries = QueriesField(help_text="They come after those that are there.")


class QuerySetSerializer(ModelSerializer):
    queries = QueriesField(write_only=True, help_text="All texts, or all objects. A change replaces all of them.")
    archived = BooleanField(write_only=True, required=False)

    class Meta:
        model = SearchQuerySet
        fields = [
            "id",
            "name",
            "description",
            "queries",
            "kind",
            "property_types",
            "query_count",
            "content_hash",
            "source",
            "sample_report",
            "archived",
            "archived_at",
            "created_by",
            "created_at",
            "updated_at",
        ]
        read_only_fields = [name for name in fields if name not in ("name", "description", "queries", "archived")]


class SetQuerySerializer(ModelSerializer):
    text = serializers.SerializerMethodField()
    inclusion_probability = serializers.SerializerMethodField(help_text="Of a sample: how likely it was to be taken.")

    class Meta:
        model = SetQuery
        fields = ["position", "label", "text", "body", "weight", "tags", "inclusion_probability"]
        read_only_fields = fields

    def get_text(self, query: SetQuery) -> str:
        return text_of(query)

    def get_inclusion_probability(self, query: SetQuery) -> float | None:
        return inclusion_probability(query.query_set.sample_report, query)


class _FormSerializer(Serializer):
    """A multipart form."""

    name = serializers.CharField(max_length=MAX_NAME)
    description = serializers.CharField(required=False, allow_blank=True, default="")


class QuerySetUploadSerializer(_FormSerializer):
    file = serializers.FileField(
        allow_empty_file=True,
        help_text=(
            "`.txt`: a query per line. `.jsonl`: as `queries` in JSON. `.csv`: a column `query`, perhaps `label`,"
            " `weight`, `tags` (with | between them); all others become properties of objects."
        ),
    )


class QuerySetSampleSerializer(_FormSerializer):
    log = serializers.FileField(allow_empty_file=True, help_text="CSV or JSON lines with `query` and `count`.")
    method = serializers.ChoiceField(choices=METHODS)
    size = serializers.IntegerField(min_value=1, max_value=MAX_SET_QUERIES)
    seed = serializers.IntegerField(required=False, default=0, min_value=0, max_value=MAX_SAMPLE_SEED)
