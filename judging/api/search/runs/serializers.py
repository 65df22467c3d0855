"""Executed runs: how they are made, and their searches with evidence."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from judging.api.runs.serializers import QueryField
from judging.foundation.limits import MAX_MAPPING
from judging.models import SearchExchange, SearchItem
from judging.rest.fields import CharField, ModelSerializer, Serializer
from judging.search.runs.searches import Evidence, shown_body


class CloneSerializer(Serializer):
    name = CharField(required=False, allow_blank=True, max_length=200)


class RemapSerializer(Serializer):
    candidates_mapping = CharField(
        required=False, max_length=MAX_MAPPING, help_text="Default: the endpoint's mapping of now."
    )


class SearchItemSerializer(ModelSerializer):
    """One search of a run."""

    query_id = serializers.UUIDField(source="run_query_id", read_only=True)
    query = QueryField(source="run_query.body", read_only=True)

    class Meta:
        model = SearchItem
        fields = [
            "query_id",
            "label",
            "query",
            "status",
            "failure_code",
            "failure_message",
            "total",
            "returned",
            "page_count",
            "latency_ms",
        ]
        read_only_fields = fields


class ExchangeRequestSerializer(Serializer):
    method = CharField()
    url = CharField()
    headers = serializers.DictField(child=CharField(), source="request_headers")
    body = CharField(source="request_body")


class ExchangeSerializer(ModelSerializer):
    """One request and its answer. Secrets are blanked."""

    request = ExchangeRequestSerializer(source="*", read_only=True)
    headers = serializers.DictField(child=CharField(), source="response_headers", read_only=True)
    body = serializers.SerializerMethodField()

    class Meta:
        model = SearchExchange
        fields = ["page", "request", "status", "headers", "body", "is_truncated", "latency_ms", "received_at"]
        read_only_fields = fields

    @extend_schema_field(str)
    def get_body(self, exchange: SearchExchange) -> str:
        return shown_body(exchange)


class EvidenceSerializer(Serializer):
    """The evidence of one search."""

    exchanges = ExchangeSerializer(many=True)
    curl = CharField(help_text="The last request for a shell, secrets as $VARIABLES.")

    def to_representation(self, instance: Any) -> dict[str, Any]:
        assert isinstance(instance, Evidence)
        return super().to_representation(instance)
