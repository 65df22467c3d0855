"""The query lab."""

from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from judging.api.base import ApiView, describe
from judging.api.search.lab.serializers import LabAnswerSerializer, LabSerializer
from judging.foundation.errors import Invalid, NotFound
from judging.search.endpoints.reads import get_endpoint
from judging.search.endpoints.trying import template_of
from judging.search.lab.asking import Side, ask_sides


class QueryLab(ApiView):
    @describe(
        "Ask several sides one query",
        body=LabSerializer,
        answer=LabAnswerSerializer,
        description="All at the same time, within the limits of their endpoints. A side that fails says why in its"
        " `failure_code` and `failure_message`, and the others answer. Nothing is stored.",
    )
    def post(self, request: Request) -> Response:
        given = self.body(LabSerializer)
        sides = [self._side(number, values) for number, values in enumerate(given["sides"])]
        answers = ask_sides(actor=self.user, query=given["query"], sides=sides)
        return Response(LabAnswerSerializer({"query": given["query"], "sides": answers}).data)

    def _side(self, number: int, values: dict[str, Any]) -> Side:
        try:
            endpoint = get_endpoint(self.user, values["endpoint_id"])
            template = template_of(template_id=values.get("query_template_id"), **values.get("template", {}))
        except NotFound as error:
            raise Invalid(error.message, errors={f"sides.{number}": [error.message]}) from None
        return Side(endpoint, template, values["depth"])
