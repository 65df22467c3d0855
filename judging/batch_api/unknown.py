"""The answer to unknown routes."""

from drf_spectacular.utils import extend_schema

from judging.batch_api.base import BatchApiView
from judging.rest.unknown import UnknownView


@extend_schema(exclude=True)
class Unknown(UnknownView, BatchApiView):
    pass
