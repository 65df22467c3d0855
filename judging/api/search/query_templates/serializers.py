"""Query templates, and what they make of queries."""

from typing import Any

from rest_framework import serializers

from judging.api.search.query_sets.serializers import QueriesField
from judging.foundation.limits import (
    DEFAULT_DEPTH,
    MAX_CONTENT_TYPE,
    MAX_DEPTH,
    MAX_ELEMENTS,
    MAX_QUERY_STRING,
    MAX_TEXT,
)
from judging.models import DEFAULT_CONTENT_TYPE, QueryTemplate, QueryTemplateVersion
from judging.records.searching.templates import compiled_template
from judging.rest.fields import BooleanField, CharField, IntegerField, ListField, ModelSerializer, Serializer, UUIDField

# White space is part of a template.
_BODY = {"trim_whitespace": False}


def _headers(**options: Any) -> serializers.DictField:
    return serializers.DictField(child=CharField(allow_blank=True, max_length=MAX_QUERY_STRING), **options)


class QueryTemplateSerializer(ModelSerializer):
    headers = _headers(required=False)
    variables = serializers.SerializerMethodField(help_text="What it reads of a query, and of paging.")
    archived = BooleanField(write_only=True, required=False)

    class Meta:
        model = QueryTemplate
        fields = [
            "id",
            "name",
            "description",
            "body",
            "query_string",
            "content_type",
            "headers",
            "variables",
            "version",
            "archived",
            "archived_at",
            "created_by",
            "created_at",
            "updated_at",
        ]
        read_only_fields = ["id", "version", "archived_at", "created_by", "created_at", "updated_at"]
        extra_kwargs = {"body": _BODY}

    def get_variables(self, template: QueryTemplate) -> list[str]:
        return sorted(compiled_template(template).variables)


class QueryTemplateVersionSerializer(ModelSerializer):
    version = serializers.IntegerField(source="number")
    headers = _headers()

    class Meta:
        model = QueryTemplateVersion
        fields = [
            "id",
            "version",
            "name",
            "body",
            "query_string",
            "content_type",
            "headers",
            "created_by",
            "created_at",
        ]


class TemplateIdsSerializer(Serializer):
    ids = ListField(child=UUIDField(), min_length=1, max_length=MAX_ELEMENTS)


class WrittenTemplateSerializer(Serializer):
    """A template as it is written, not stored."""

    body = CharField(required=False, allow_blank=True, trim_whitespace=False, max_length=MAX_TEXT)
    query_string = CharField(required=False, allow_blank=True, max_length=MAX_QUERY_STRING)
    content_type = CharField(required=False, max_length=MAX_CONTENT_TYPE, help_text=f"Default: {DEFAULT_CONTENT_TYPE}.")
    headers = _headers(required=False)


class SetTestSerializer(WrittenTemplateSerializer):
    """A template to try: its fields, those of a stored one where they are left out."""

    query_template_id = UUIDField(required=False)
    depth = IntegerField(required=False, default=DEFAULT_DEPTH, min_value=1, max_value=MAX_DEPTH)


class TemplateTestSerializer(SetTestSerializer):
    queries = QueriesField(required=False, help_text="The first five are rendered. Default: one of two words.")


class TemplateRequestSerializer(Serializer):
    query = serializers.JSONField()
    body = serializers.CharField(source="request.body")
    query_string = serializers.CharField(source="request.query_string")
    headers = serializers.DictField(child=serializers.CharField(), source="request.headers")


class TemplateProblemSerializer(Serializer):
    position = serializers.IntegerField(help_text="Of the query, from 1; 0: of the template as a whole.")
    query = serializers.CharField()
    place = serializers.CharField(help_text="body, query_string, content_type, headers or variables.")
    message = serializers.CharField()


class TemplatePreviewSerializer(Serializer):
    """The first five requests, and what is wrong with the first hundred."""

    format = serializers.ChoiceField(choices=["text", "json"])
    query_templates = TemplateRequestSerializer(many=True, source="rendered")
    problems = TemplateProblemSerializer(many=True)
    problem_count = serializers.IntegerField()
    checked_count = serializers.IntegerField()
    variables = serializers.ListField(child=serializers.CharField())
