"""Search endpoints. Authentication goes in and never comes out."""

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from judging.api.judges.serializers import ObjectField, QueryBodyField
from judging.foundation.limits import (
    DEFAULT_DEPTH,
    MAX_CONTENT_TYPE,
    MAX_DEPTH,
    MAX_MAPPING,
    MAX_QUERY_STRING,
    MAX_TEXT,
)
from judging.models import SearchEndpoint
from judging.rest.fields import BooleanField, CharField, IntegerField, ModelSerializer, Serializer, UUIDField
from judging.search.endpoints.drafts import ENDPOINT_FIELDS

REQUEST_FIELDS = ("query_template_id", "query", "body", "query_string", "content_type", "depth")
_WORDING: dict[str, Any] = {"trim_whitespace": False}


class EndpointSerializer(ModelSerializer):
    corpus_id = UUIDField()
    headers = ObjectField(required=False)
    paging = ObjectField(required=False)
    authentication = ObjectField(
        write_only=True,
        required=False,
        help_text='Such as {"type": "bearer", "token": "..."}. Left out: what is stored stays. {"type": "none"}: it is'
        " removed.",
    )
    authentication_type = serializers.CharField(read_only=True)
    has_credentials = serializers.BooleanField(read_only=True)
    archived = BooleanField(source="is_archived", required=False, help_text="Out of the lists; what uses it goes on.")

    class Meta:
        model = SearchEndpoint
        fields = [
            "id",
            *ENDPOINT_FIELDS,
            "authentication",
            "authentication_type",
            "has_credentials",
            "archived",
            "archived_at",
            "created_at",
            "updated_at",
        ]
        read_only_fields = ["id", "archived_at", "created_at", "updated_at"]
        extra_kwargs = {
            # Told by the act, which runs no query for what it can't be sure of anyway.
            "name": {"validators": []},
            "candidates_mapping": {"required": False, **_WORDING},
            "ca_certificate": _WORDING,
        }


@extend_schema_field(OpenApiTypes.ANY)
class AnyJSONField(serializers.Field):  # type: ignore[type-arg]
    """Any JSON value."""

    def to_internal_value(self, data: Any) -> Any:
        return data

    def to_representation(self, value: Any) -> Any:
        return value


class SampleSerializer(Serializer):
    sample = AnyJSONField(help_text="An answer of the endpoint, as JSON.")


class MappingPreviewSerializer(Serializer):
    id = serializers.CharField()
    title = serializers.CharField()


class SuggestedMappingSerializer(Serializer):
    candidates_mapping = serializers.CharField(source="expression", max_length=MAX_MAPPING)
    path = serializers.CharField(help_text="Where the list stands in the sample.")
    count = serializers.IntegerField()
    preview = MappingPreviewSerializer(many=True)


class SuggestionsSerializer(Serializer):
    mappings = SuggestedMappingSerializer(many=True)


class SentRequestSerializer(Serializer):
    method = serializers.CharField()
    url = serializers.CharField()
    headers = serializers.DictField(child=serializers.CharField())
    body = serializers.CharField()


class MappedCandidateSerializer(Serializer):
    rank = serializers.IntegerField()
    id = serializers.CharField()
    id_kind = serializers.CharField(help_text="text, number, null, empty, repeated or unusable, as the engine sent it.")
    title = serializers.CharField()
    image = serializers.CharField()
    score = serializers.FloatField(allow_null=True)
    fields = serializers.DictField()  # type: ignore[assignment]


class MappedAnswerSerializer(Serializer):
    """What came of a test. `problems` is empty when the search of a run would have this list."""

    request = SentRequestSerializer(allow_null=True, help_text="As sent, secrets blanked.")
    status = serializers.IntegerField(allow_null=True)
    milliseconds = serializers.IntegerField(allow_null=True)
    raw = serializers.CharField()
    is_truncated = serializers.BooleanField()
    failure_code = serializers.CharField(allow_blank=True)
    total = serializers.IntegerField(allow_null=True)
    candidates = MappedCandidateSerializer(many=True)
    problems = serializers.ListField(child=serializers.CharField())


class EndpointTestSerializer(EndpointSerializer):
    """An endpoint as it is typed (or what differs from the stored one), and what to ask it; nothing is stored.

    Body, query string and headers are those of a template, rendered with `query`.
    """

    name = CharField(required=False, allow_blank=True)
    corpus_id = UUIDField(required=False)
    headers = ObjectField(required=False, help_text="Sent besides those of a stored endpoint.")
    paging = ObjectField(required=False)
    query_template_id = UUIDField(required=False, allow_null=True, help_text="What is given beside it takes its place.")
    query = QueryBodyField(required=False)
    body = CharField(required=False, allow_blank=True, max_length=MAX_TEXT, **_WORDING)
    query_string = CharField(required=False, allow_blank=True, max_length=MAX_QUERY_STRING)
    content_type = CharField(required=False, max_length=MAX_CONTENT_TYPE)
    depth = IntegerField(required=False, min_value=1, max_value=MAX_DEPTH, help_text=f"{DEFAULT_DEPTH} if left out.")

    class Meta(EndpointSerializer.Meta):
        fields = [*EndpointSerializer.Meta.fields, *REQUEST_FIELDS]
