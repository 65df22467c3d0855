"""Evaluations."""

from typing import Any
from uuid import UUID

from rest_framework.request import Request
from rest_framework.response import Response

from judging.api.base import ApiView, describe
from judging.api.runs.evaluation_serializers import EvaluationSerializer
from judging.api.runs.query_filters import ARCHIVED, asks_for_archived
from judging.foundation.errors import NotFound
from judging.models import Evaluation
from judging.records.searching.inputs import INPUTS
from judging.runs import evaluations
from judging.runs.archiving import archive_evaluation, restore_evaluation


class EvaluationList(ApiView):
    @describe("List the evaluations, newest first", answer=EvaluationSerializer, many=True, query=[ARCHIVED])
    def get(self, request: Request) -> Response:
        listed = Evaluation.objects.filter(archived_at__isnull=not asks_for_archived(request))
        return self.page(listed, EvaluationSerializer, order=("-created_at", "id"))

    @describe("Make an evaluation", body=EvaluationSerializer, answer=EvaluationSerializer, status=201)
    def post(self, request: Request) -> Response:
        values = self.body(EvaluationSerializer)
        is_archived = values.pop("is_archived", False)
        evaluation = evaluations.create_evaluation(actor=self.user, **_arguments(values))
        if is_archived:
            evaluation = archive_evaluation(actor=self.user, evaluation=evaluation)
        return Response(EvaluationSerializer(evaluation).data, status=201)


class EvaluationDetail(ApiView):
    @describe("Show an evaluation", answer=EvaluationSerializer)
    def get(self, request: Request, evaluation_id: UUID) -> Response:
        return Response(EvaluationSerializer(get_evaluation(evaluation_id)).data)

    @describe("Change an evaluation", body=EvaluationSerializer, answer=EvaluationSerializer)
    def patch(self, request: Request, evaluation_id: UUID) -> Response:
        evaluation = get_evaluation(evaluation_id)
        values = self.body(EvaluationSerializer, partial=True)
        is_archived = values.pop("is_archived", None)
        changed = evaluations.update_evaluation(actor=self.user, evaluation=evaluation, **_arguments(values))
        if is_archived is not None:
            act = archive_evaluation if is_archived else restore_evaluation
            changed = act(actor=self.user, evaluation=changed)
        return Response(EvaluationSerializer(changed).data)

    @describe(
        "Delete an evaluation with its runs",
        status=204,
        conflict="run_locked, run_being_judged, run_being_imported",
        description="The judgments stay with the corpus.",
    )
    def delete(self, request: Request, evaluation_id: UUID) -> Response:
        evaluations.delete_evaluation(actor=self.user, evaluation=get_evaluation(evaluation_id))
        return Response(status=204)


def _arguments(body: dict[str, Any]) -> dict[str, Any]:
    """Return a body's values as the acts take them: what runs are executed with stands together."""
    inputs = {name: body.pop(name) for name in INPUTS if name in body}
    return {**body, "search_inputs": inputs}


def get_evaluation(evaluation_id: UUID) -> Evaluation:
    evaluation = Evaluation.objects.filter(pk=evaluation_id).first()
    if evaluation is None:
        raise NotFound("no such evaluation")
    return evaluation
