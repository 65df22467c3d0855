"""Evaluation runs against each other: is one better, and could it be chance?"""

from uuid import UUID

from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request
from rest_framework.response import Response

from judging.api.base import ApiView, describe
from judging.api.trust.comparison_serializers import ComparisonSerializer, comparison_body
from judging.foundation.errors import Invalid
from judging.trust.comparisons.run_comparison import read_comparison


class RunComparisonDetail(ApiView):
    @describe(
        "Compare two runs",
        answer=ComparisonSerializer,
        conflict="scales_differ, corpora_differ, relevant_from_differs, run_not_completed",
        query=[
            OpenApiParameter(
                "with", str, description="Ids of further runs with commas between them, eight runs in all."
            )
        ],
        description="b against a, over the queries scored in both, in the metrics that both have.",
    )
    def get(self, request: Request, run_id: UUID, other_run_id: UUID) -> Response:
        further = _run_ids(request.query_params.get("with", ""))
        found = read_comparison([run_id, other_run_id, *further])
        return Response(ComparisonSerializer(comparison_body(found)).data)


def _run_ids(text: str) -> list[UUID]:
    try:
        return [UUID(part.strip()) for part in text.split(",") if part.strip()]
    except ValueError:
        raise Invalid("which runs?", errors={"with": ["ids of evaluation runs, with commas between them"]}) from None
