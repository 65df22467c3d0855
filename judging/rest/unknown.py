"""The answer to unknown routes."""

from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from judging.foundation.errors import NotFound
from judging.rest.views import RestView


class UnknownView(RestView):
    """Answer 404 to every method: an unknown path or a malformed id, signed in or not."""

    authentication_classes = []
    permission_classes = []

    def dispatch(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        self.http_method_names = [*self.http_method_names, str(request.method).lower()]
        self.http_method_not_allowed = self._unknown  # type: ignore[method-assign]
        return super().dispatch(request, *args, **kwargs)

    def _unknown(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        raise NotFound(f"there is nothing at {request.path[:200]}")
