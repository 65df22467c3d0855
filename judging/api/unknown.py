"""The answer to unknown routes."""

from drf_spectacular.utils import extend_schema

from judging.api.base import ApiView
from judging.rest.unknown import UnknownView


@extend_schema(exclude=True)
class Unknown(UnknownView, ApiView):
    pass
