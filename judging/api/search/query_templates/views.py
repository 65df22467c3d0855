"""Query templates."""

from typing import Any
from uuid import UUID

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from judging.api.base import ApiView, describe
from judging.api.search.query_templates.serializers import (
    QueryTemplateSerializer,
    QueryTemplateVersionSerializer,
    SetTestSerializer,
    TemplateIdsSerializer,
    TemplatePreviewSerializer,
    TemplateTestSerializer,
)
from judging.foundation.errors import Invalid
from judging.models import QueryTemplate
from judging.search.query_sets.files import read_sent
from judging.search.query_sets.reads import get_query_set
from judging.search.query_templates import templates
from judging.search.query_templates.previews import preview_of_queries, preview_over_set
from judging.search.query_templates.reads import get_query_template, query_templates

_ARCHIVED = OpenApiParameter("archived", bool, description="Those that are archived instead.")
_IDS = OpenApiParameter("ids", str, description="With commas between them.")
_EXAMPLES = ["red shoes"]


class QueryTemplateList(ApiView):
    @describe("List the query templates", answer=QueryTemplateSerializer, many=True, query=[_ARCHIVED])
    def get(self, request: Request) -> Response:
        is_archived = request.query_params.get("archived") == "true"
        return self.page(query_templates(is_archived=is_archived), QueryTemplateSerializer, order=("name", "id"))

    @describe("Make a query template", body=QueryTemplateSerializer, answer=QueryTemplateSerializer, status=201)
    def post(self, request: Request) -> Response:
        fields = self.body(QueryTemplateSerializer)
        is_archived = fields.pop("archived", False)
        template = templates.save_query_template(actor=self.user, fields=fields)
        if is_archived:
            template = templates.archive_query_template(actor=self.user, template=template)
        return Response(QueryTemplateSerializer(template).data, status=201)

    @extend_schema(operation_id="query_templates_destroy_many")
    @describe(
        "Delete query templates",
        status=204,
        conflict="in_use",
        query=[_IDS],
        description="All of them or none. `ids` may be in a JSON body, too. Those that are in use can be archived.",
    )
    def delete(self, request: Request) -> Response:
        named = [part for text in request.query_params.getlist("ids") for part in text.split(",")]
        given = TemplateIdsSerializer(data={"ids": named} if named else request.data)
        given.is_valid(raise_exception=True)
        templates.delete_query_templates(actor=self.user, ids=given.validated_data["ids"])
        return Response(status=204)


class QueryTemplateDetail(ApiView):
    @describe("Show a query template", answer=QueryTemplateSerializer)
    def get(self, request: Request, query_template_id: UUID) -> Response:
        return Response(QueryTemplateSerializer(get_query_template(query_template_id)).data)

    @describe(
        "Replace a query template's fields",
        body=QueryTemplateSerializer,
        answer=QueryTemplateSerializer,
        conflict="template_changed",
        description="A change of anything but the description makes a version.",
    )
    def put(self, request: Request, query_template_id: UUID) -> Response:
        return self._change(query_template_id, self.body(QueryTemplateSerializer, full=True))

    @describe(
        "Change a query template",
        body=QueryTemplateSerializer,
        answer=QueryTemplateSerializer,
        conflict="template_changed",
        description="A change of anything but the description makes a version.",
    )
    def patch(self, request: Request, query_template_id: UUID) -> Response:
        return self._change(query_template_id, self.body(QueryTemplateSerializer, partial=True))

    @describe("Delete a query template", status=204, conflict="in_use", description="One in use can be archived.")
    def delete(self, request: Request, query_template_id: UUID) -> Response:
        template = get_query_template(query_template_id)
        templates.delete_query_templates(actor=self.user, ids=[template.pk])
        return Response(status=204)

    def _change(self, query_template_id: UUID, fields: dict[str, Any]) -> Response:
        template: QueryTemplate = get_query_template(query_template_id)
        is_archived = fields.pop("archived", None)
        if fields:
            template = templates.save_query_template(actor=self.user, fields=fields, template=template)
        if is_archived is not None:
            act = templates.archive_query_template if is_archived else templates.restore_query_template
            template = act(actor=self.user, template=template)
        return Response(QueryTemplateSerializer(template).data)


class QueryTemplateVersionList(ApiView):
    @describe("List the versions of a query template, newest first", answer=QueryTemplateVersionSerializer, many=True)
    def get(self, request: Request, query_template_id: UUID) -> Response:
        versions = get_query_template(query_template_id).versions.all()
        return self.page(versions, QueryTemplateVersionSerializer, order=("-number",))


class QueryTemplateTest(ApiView):
    @extend_schema(operation_id="query_templates_test_draft")
    @describe(
        "Render a template over given queries",
        body=TemplateTestSerializer,
        answer=TemplatePreviewSerializer,
        description="Nothing is sent and nothing stored.",
    )
    def post(self, request: Request) -> Response:
        given = self.body(TemplateTestSerializer)
        depth, queries = given.pop("depth"), given.pop("queries", _EXAMPLES)
        rows = read_sent(queries).rows
        preview = preview_of_queries(_draft(self, given), [row.body for row in rows], depth=depth)
        return Response(TemplatePreviewSerializer(preview).data)


class QueryTemplateSetTest(ApiView):
    @describe(
        "Render a template over the first queries of a set",
        body=SetTestSerializer,
        answer=TemplatePreviewSerializer,
        description="Nothing is sent and nothing stored.",
    )
    def post(self, request: Request, query_set_id: UUID) -> Response:
        query_set = get_query_set(query_set_id)
        given = self.body(SetTestSerializer)
        depth = given.pop("depth")
        return Response(TemplatePreviewSerializer(preview_over_set(_draft(self, given), query_set, depth=depth)).data)


def _draft(view: ApiView, given: dict[str, Any]) -> QueryTemplate:
    settings: dict[str, Any] = {}
    if template_id := given.pop("query_template_id", None):
        stored = QueryTemplate.objects.filter(pk=template_id).first()
        if stored is None:
            message = "There is no such query template."
            raise Invalid(message, errors={"query_template_id": [message]})
        settings = stored.settings_dict()
    return templates.draft_query_template(actor=view.user, fields={**settings, **given})
