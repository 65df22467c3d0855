"""What every view of /api/v1 is made of.

A resource is a serializer in <subject>/serializers.py, views in <subject>/views.py, and lines in urls.py:

    class WidgetList(ApiView):
        @describe("List the widgets", answer=WidgetSerializer, many=True)
        def get(self, request: Request) -> Response:
            return self.page(visible_widgets(self.user), WidgetSerializer, order=("name", "id"))

        @describe("Make a widget", body=WidgetSerializer, answer=WidgetSerializer, status=201)
        def post(self, request: Request) -> Response:
            widget = create_widget(actor=self.user, **self.body(WidgetSerializer))
            return Response(WidgetSerializer(widget).data, status=201)

Members may come in; `permission_classes = [AnyRole]` lets raters in, too, `[AdminsOnly]` nobody but admins, and
`MethodRoles` tells methods apart. Acts raise the errors of judging/foundation/errors.py and problems.py answers them: no view
catches one. What is private to others is looked up with judging/records/visibility.py, whose NotFound is the 404.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from drf_spectacular.utils import OpenApiParameter
from rest_framework.authentication import SessionAuthentication

from judging.api.authentication import TokenAuthentication
from judging.foundation.errors import Invalid, NotFound
from judging.rest.views import RestView, describe

__all__ = ["IDEMPOTENCY_KEY", "ApiView", "describe", "named_in_body"]

IDEMPOTENCY_KEY = OpenApiParameter(
    "Idempotency-Key",
    str,
    OpenApiParameter.HEADER,
    description="The same request with the same key again answers what the first one made.",
)


class ApiView(RestView):
    """Base of all views of /api/v1: tokens and sessions."""

    authentication_classes = [TokenAuthentication, SessionAuthentication]


@contextmanager
def named_in_body(field: str) -> Iterator[None]:
    """Raise Invalid of a field of the body instead of NotFound: the address was right, what the body names is not."""
    try:
        yield
    except NotFound as error:
        raise Invalid(error.message, errors={field: [f"There is {error.message}."]}) from None
