"""Query sets."""

from typing import Any
from uuid import UUID

from drf_spectacular.utils import OpenApiParameter
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from judging.api.base import ApiView, describe
from judging.api.search.query_sets.serializers import (
    AddedQueriesSerializer,
    QuerySetSampleSerializer,
    QuerySetSerializer,
    QuerySetUploadSerializer,
    SetQuerySerializer,
)
from judging.models import SearchQuerySet
from judging.search.query_sets import sets
from judging.search.query_sets.reads import get_query_set, query_sets, set_queries

_ARCHIVED = OpenApiParameter("archived", bool, description="Those that are archived instead.")
_SEARCH = OpenApiParameter("search", str, description="Part of the text or label.")


class QuerySetList(ApiView):
    @describe("List the query sets", answer=QuerySetSerializer, many=True, query=[_ARCHIVED])
    def get(self, request: Request) -> Response:
        is_archived = request.query_params.get("archived") == "true"
        return self.page(query_sets(is_archived=is_archived), QuerySetSerializer, order=("name", "id"))

    @describe("Make a query set", body=QuerySetSerializer, answer=QuerySetSerializer, status=201)
    def post(self, request: Request) -> Response:
        fields = self.body(QuerySetSerializer)
        is_archived = fields.pop("archived", False)
        query_set = sets.create_query_set(actor=self.user, **fields)
        if is_archived:
            query_set = sets.archive_query_set(actor=self.user, query_set=query_set)
        return Response(QuerySetSerializer(query_set).data, status=201)


class QuerySetUpload(ApiView):
    parser_classes = [MultiPartParser]
    upload = True

    @describe(
        "Make a query set of a file",
        body={"multipart/form-data": QuerySetUploadSerializer},
        answer=QuerySetSerializer,
        status=201,
        description="All or nothing: the problem names lines and properties.",
    )
    def post(self, request: Request) -> Response:
        values = self.body(QuerySetUploadSerializer)
        query_set = sets.upload_query_set(actor=self.user, **values, file_name=values["file"].name or "")
        return Response(QuerySetSerializer(query_set).data, status=201)


class QuerySetSample(ApiView):
    parser_classes = [MultiPartParser]
    upload = True

    @describe(
        "Make a query set sampled from a log",
        body={"multipart/form-data": QuerySetSampleSerializer},
        answer=QuerySetSerializer,
        status=201,
        description=(
            "Counts of the same query are added; each query of the sample has its count as weight. `stratified` takes a"
            " third each of head, torso and tail, which carry a third of the searches each, and tags them so."
        ),
    )
    def post(self, request: Request) -> Response:
        query_set = sets.sample_query_set(actor=self.user, **self.body(QuerySetSampleSerializer))
        return Response(QuerySetSerializer(query_set).data, status=201)


class QuerySetDetail(ApiView):
    @describe("Show a query set", answer=QuerySetSerializer)
    def get(self, request: Request, query_set_id: UUID) -> Response:
        return Response(QuerySetSerializer(get_query_set(query_set_id)).data)

    @describe("Replace a query set and its queries", body=QuerySetSerializer, answer=QuerySetSerializer)
    def put(self, request: Request, query_set_id: UUID) -> Response:
        return self._change(query_set_id, self.body(QuerySetSerializer, full=True))

    @describe("Change a query set", body=QuerySetSerializer, answer=QuerySetSerializer)
    def patch(self, request: Request, query_set_id: UUID) -> Response:
        return self._change(query_set_id, self.body(QuerySetSerializer, partial=True))

    @describe("Delete a query set", status=204, conflict="in_use", description="One that is in use can be archived.")
    def delete(self, request: Request, query_set_id: UUID) -> Response:
        sets.delete_query_set(actor=self.user, query_set=get_query_set(query_set_id))
        return Response(status=204)

    def _change(self, query_set_id: UUID, fields: dict[str, Any]) -> Response:
        query_set: SearchQuerySet = get_query_set(query_set_id)
        is_archived, queries = fields.pop("archived", None), fields.pop("queries", None)
        if fields or queries is not None:
            query_set = sets.change_query_set(actor=self.user, query_set=query_set, fields=fields, queries=queries)
        if is_archived is not None:
            act = sets.archive_query_set if is_archived else sets.restore_query_set
            query_set = act(actor=self.user, query_set=query_set)
        return Response(QuerySetSerializer(query_set).data)


class SetQueryList(ApiView):
    @describe("List the queries of a set", answer=SetQuerySerializer, many=True, query=[_SEARCH])
    def get(self, request: Request, query_set_id: UUID) -> Response:
        query_set = get_query_set(query_set_id)
        queries = set_queries(query_set, request.query_params.get("search", ""))
        return self.page(queries, SetQuerySerializer, order=("position",))

    @describe("Add queries to a set", body=AddedQueriesSerializer, answer=QuerySetSerializer, conflict="is_sample")
    def post(self, request: Request, query_set_id: UUID) -> Response:
        queries = self.body(AddedQueriesSerializer)["queries"]
        changed = sets.add_queries(actor=self.user, query_set=get_query_set(query_set_id), queries=queries)
        return Response(QuerySetSerializer(changed).data)
