"""The views of the review grid that the user keeps."""

from typing import Any
from uuid import UUID

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from judging.api.base import ApiView, describe
from judging.foundation.limits import MAX_OWN_VIEWS, MAX_VIEW_NAME, MAX_VIEW_QUERY
from judging.rest.fields import CharField, Serializer
from judging.review.own_views import delete_view, own_views, save_view


class NewViewSerializer(Serializer):
    """A filter and an order to keep under a name."""

    name = CharField(max_length=MAX_VIEW_NAME)
    query = CharField(
        max_length=MAX_VIEW_QUERY,
        help_text="As in the address of the review grid: `status=failed&ordering=-ai_grade`. Not of a single query.",
    )


class OwnViewSerializer(serializers.Serializer[Any]):
    """A view of the review grid that you keep."""

    id = serializers.UUIDField()
    name = serializers.CharField()
    query = serializers.CharField(help_text="The filters and the order of `/candidates`, as a query string.")
    created_at = serializers.DateTimeField()


class OwnViewsSerializer(serializers.Serializer[Any]):
    """The views that you keep, by name."""

    results = OwnViewSerializer(many=True)


class OwnViewList(ApiView):
    @describe(
        "List the views of the review grid that you keep",
        answer=OwnViewsSerializer,
        description=f"At most {MAX_OWN_VIEWS}, for whatever run you review.",
    )
    def get(self, request: Request) -> Response:
        return Response(OwnViewsSerializer({"results": own_views(self.user)}).data)

    @describe(
        "Keep a view of the review grid",
        body=NewViewSerializer,
        answer=OwnViewSerializer,
        status=201,
        conflict="view_name_taken, too_many_views",
    )
    def post(self, request: Request) -> Response:
        return Response(OwnViewSerializer(save_view(**self.body(NewViewSerializer), actor=self.user)).data, status=201)


class OwnViewDetail(ApiView):
    @describe("Delete a view that you keep", status=204)
    def delete(self, request: Request, view_id: UUID) -> Response:
        delete_view(view_id=view_id, actor=self.user)
        return Response(status=204)
