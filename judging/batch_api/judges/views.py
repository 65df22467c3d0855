"""Judges of both kinds, and evaluators."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.db.models import Q
from rest_framework.request import Request
from rest_framework.response import Response

from judging.batch_api import answers
from judging.batch_api.base import BatchApiView, MergedPagination
from judging.batch_api.filters import NOTHING, by_flag, by_text, filtered, parameters
from judging.batch_api.judges.serializers import (
    EvaluatorAnswerSerializer,
    EvaluatorWriteSerializer,
    JudgeAnswerSerializer,
    JudgeWriteSerializer,
)
from judging.foundation.errors import Forbidden, NotFound
from judging.models import AIJudge, Evaluator, ResponseJudge
from judging.records.visibility import visible_judges
from judging.responses.evaluators import delete_evaluator, save_evaluator
from judging.responses.judge_reads import evaluators, get_evaluator, response_judges
from judging.responses.response_judges import Reference, current_references, delete_response_judge, save_response_judge
from judging.rest.views import describe

_SEARCH: dict[str, Callable[[str], Q]] = {
    "search": by_text("name__icontains"),
    "name": by_text("name"),
    "project_id": lambda _: NOTHING,
}
_SEARCH_PARAMETERS = parameters(
    search="Whose name holds this text.", name="With this name.", project_id="Nothing here belongs to a project."
)


class JudgeList(BatchApiView):
    @describe(
        "List response judges and relevance judges, newest first",
        answer=JudgeAnswerSerializer,
        many=True,
        query=[
            *_SEARCH_PARAMETERS,
            *parameters(is_preset="true: those that came with the installation; false: others."),
        ],
    )
    def get(self, request: Request) -> Response:
        # No relevance judge is a preset.
        relevance = filtered(visible_judges(self.user), request, {**_SEARCH, "is_preset": by_flag(NOTHING)})
        return self.listed(
            filtered(response_judges(), request, {**_SEARCH, "is_preset": by_flag(~Q(preset=""))}),
            JudgeAnswerSerializer,
            answers.judge_answers,
            pages=MergedPagination(relevance),
        )

    @describe("Make a response judge", body=JudgeWriteSerializer, answer=JudgeAnswerSerializer, status=201)
    def post(self, request: Request) -> Response:
        fields, references = _judge_fields(self.body(JudgeWriteSerializer))
        judge = save_response_judge(actor=self.user, fields=fields, references=references or ())
        return _judge_response(judge, status=201)


class JudgeDetail(BatchApiView):
    @describe("Show a judge", answer=JudgeAnswerSerializer)
    def get(self, request: Request, judge_id: UUID) -> Response:
        return _judge_response(self._judge(judge_id))

    @describe(
        "Replace a response judge",
        body=JudgeWriteSerializer,
        answer=JudgeAnswerSerializer,
        conflict="judge_archived",
        description="Makes a version. What is left out takes its default.",
    )
    def put(self, request: Request, judge_id: UUID) -> Response:
        judge = self._response_judge(judge_id)
        fields, references = _judge_fields(self.body(JudgeWriteSerializer))
        defaults = ResponseJudge().settings_dict()
        saved = save_response_judge(
            actor=self.user, fields={**defaults, **fields}, references=references or (), judge=judge
        )
        return _judge_response(saved)

    @describe(
        "Change a response judge",
        body=JudgeWriteSerializer,
        answer=JudgeAnswerSerializer,
        conflict="judge_archived",
        description="Makes a version.",
    )
    def patch(self, request: Request, judge_id: UUID) -> Response:
        judge = self._response_judge(judge_id)
        fields, references = _judge_fields(self.body(JudgeWriteSerializer, partial=True))
        if references is None:
            references = current_references(judge)
        return _judge_response(save_response_judge(actor=self.user, fields=fields, references=references, judge=judge))

    @describe("Delete a response judge", status=204, description="One that has batches is archived instead.")
    def delete(self, request: Request, judge_id: UUID) -> Response:
        delete_response_judge(actor=self.user, judge=self._response_judge(judge_id))
        return Response(status=204)

    def _judge(self, judge_id: UUID) -> ResponseJudge | AIJudge:
        judge = response_judges().filter(pk=judge_id).first() or visible_judges(self.user).filter(pk=judge_id).first()
        if judge is None:
            raise NotFound("no such judge")
        return judge

    def _response_judge(self, judge_id: UUID) -> ResponseJudge:
        judge = self._judge(judge_id)
        if not isinstance(judge, ResponseJudge):
            raise Forbidden("this is a relevance judge: change it at /api/v1/ai-judges or in the browser")
        return judge


def _judge_fields(given: dict[str, Any]) -> tuple[dict[str, Any], list[Reference] | None]:
    references = given.pop("evaluator_references", None)
    if references is None:
        return given, None
    return given, [Reference(each["id"], each.get("version_id")) for each in references]


def _judge_response(judge: ResponseJudge | AIJudge, status: int = 200) -> Response:
    return Response(JudgeAnswerSerializer(answers.judge_answers([judge])[0]).data, status=status)


class EvaluatorList(BatchApiView):
    @describe(
        "List evaluators, newest first",
        answer=EvaluatorAnswerSerializer,
        many=True,
        query=[
            *_SEARCH_PARAMETERS,
            *parameters(is_root_evaluator="true or false; nothing here is one of the vendor's."),
        ],
    )
    def get(self, request: Request) -> Response:
        found = filtered(evaluators(), request, {**_SEARCH, "is_root_evaluator": by_flag(NOTHING)})
        return self.listed(found, EvaluatorAnswerSerializer, answers.evaluator_answers)

    @describe("Make an evaluator", body=EvaluatorWriteSerializer, answer=EvaluatorAnswerSerializer, status=201)
    def post(self, request: Request) -> Response:
        evaluator = save_evaluator(actor=self.user, fields=self.body(EvaluatorWriteSerializer))
        return _evaluator_response(evaluator, status=201)


class EvaluatorDetail(BatchApiView):
    @describe("Show an evaluator", answer=EvaluatorAnswerSerializer)
    def get(self, request: Request, evaluator_id: UUID) -> Response:
        return _evaluator_response(get_evaluator(evaluator_id))

    @describe(
        "Replace an evaluator",
        body=EvaluatorWriteSerializer,
        answer=EvaluatorAnswerSerializer,
        conflict="evaluator_archived",
        description="Makes a version. What is left out takes its default.",
    )
    def put(self, request: Request, evaluator_id: UUID) -> Response:
        return self._save(evaluator_id, self.body(EvaluatorWriteSerializer, full=True))

    @describe(
        "Change an evaluator",
        body=EvaluatorWriteSerializer,
        answer=EvaluatorAnswerSerializer,
        conflict="evaluator_archived",
        description="Makes a version.",
    )
    def patch(self, request: Request, evaluator_id: UUID) -> Response:
        return self._save(evaluator_id, self.body(EvaluatorWriteSerializer, partial=True))

    @describe(
        "Delete an evaluator",
        status=204,
        conflict="evaluator_in_use",
        description="One that has results is archived instead; one that a judge has stays.",
    )
    def delete(self, request: Request, evaluator_id: UUID) -> Response:
        delete_evaluator(actor=self.user, evaluator=get_evaluator(evaluator_id))
        return Response(status=204)

    def _save(self, evaluator_id: UUID, fields: dict[str, Any]) -> Response:
        evaluator = get_evaluator(evaluator_id)
        return _evaluator_response(save_evaluator(actor=self.user, fields=fields, evaluator=evaluator))


def _evaluator_response(evaluator: Evaluator, status: int = 200) -> Response:
    return Response(EvaluatorAnswerSerializer(answers.evaluator_answers([evaluator])[0]).data, status=status)
