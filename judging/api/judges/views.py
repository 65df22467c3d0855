"""AI judges."""

from uuid import UUID

from rest_framework.request import Request
from rest_framework.response import Response

from judging.api.base import ApiView, describe
from judging.api.judges.serializers import (
    JudgeSerializer,
    JudgeTemplateSerializer,
    JudgeTestAnswerSerializer,
    JudgeTestSerializer,
    JudgeVersionSerializer,
)
from judging.asking.judge_presets import JUDGE_PRESETS
from judging.judges import judges, trials
from judging.records.versions import changes_by_number
from judging.records.visibility import get_judge, visible_judges
from judging.rest.paging import KeysetPagination


class JudgeList(ApiView):
    @describe("List the AI judges that one sees", answer=JudgeSerializer, many=True)
    def get(self, request: Request) -> Response:
        return self.page(visible_judges(self.user), JudgeSerializer, order=("name", "id"))

    @describe("Make an AI judge", body=JudgeSerializer, answer=JudgeSerializer, status=201)
    def post(self, request: Request) -> Response:
        judge = judges.save_judge(actor=self.user, fields=self.body(JudgeSerializer))
        return Response(JudgeSerializer(judge).data, status=201)


class JudgeTemplateList(ApiView):
    @describe("List the templates that AI judges can start from", answer=JudgeTemplateSerializer, many=True)
    def get(self, request: Request) -> Response:
        rows = JudgeTemplateSerializer(JUDGE_PRESETS, many=True).data
        return Response({"next": None, "previous": None, "results": rows})


class JudgeDetail(ApiView):
    @describe("Show an AI judge", answer=JudgeSerializer)
    def get(self, request: Request, judge_id: UUID) -> Response:
        return Response(JudgeSerializer(get_judge(self.user, judge_id)).data)

    @describe(
        "Replace an AI judge's fields",
        body=JudgeSerializer,
        answer=JudgeSerializer,
        conflict="judge_archived, judge_changed",
        description="What is left out takes its default; `shared` stays as it is.",
    )
    def put(self, request: Request, judge_id: UUID) -> Response:
        judge = get_judge(self.user, judge_id)
        fields = self.body(JudgeSerializer, full=True)
        if "shared" not in self.request.data:
            fields["shared"] = judge.shared
        return Response(JudgeSerializer(judges.save_judge(actor=self.user, fields=fields, judge=judge)).data)

    @describe(
        "Change an AI judge",
        body=JudgeSerializer,
        answer=JudgeSerializer,
        conflict="judge_archived, judge_changed",
        description="A change of anything but `description` and `shared` makes a version.",
    )
    def patch(self, request: Request, judge_id: UUID) -> Response:
        judge = get_judge(self.user, judge_id)
        fields = self.body(JudgeSerializer, partial=True)
        return Response(JudgeSerializer(judges.save_judge(actor=self.user, fields=fields, judge=judge)).data)

    @describe("Delete an AI judge", status=204, description="One that has runs is archived instead.")
    def delete(self, request: Request, judge_id: UUID) -> Response:
        judges.delete_judge(actor=self.user, judge=get_judge(self.user, judge_id))
        return Response(status=204)


class JudgeVersionList(ApiView):
    @describe("List the versions of an AI judge, newest first", answer=JudgeVersionSerializer, many=True)
    def get(self, request: Request, judge_id: UUID) -> Response:
        judge = get_judge(self.user, judge_id)
        pages = KeysetPagination()
        versions = pages.page(judge.versions.all(), request, order=("-number",))
        context = {"changes": changes_by_number(versions, judge.versions.all())}
        return pages.get_paginated_response(JudgeVersionSerializer(versions, many=True, context=context).data)


class JudgeTest(ApiView):
    @describe(
        "Try an AI judge on real candidates",
        body=JudgeTestSerializer,
        answer=JudgeTestAnswerSerializer,
        conflict="undecryptable",
        description=(
            "Renders the prompt, calls the model and reads the reply; nothing is stored. Of a query of an evaluation "
            "run the first candidates are asked about, `depth` of them or as many as one prompt holds; the grades that "
            "count now, people's and the AI's, stand beside the test's. To test on several queries, ask for one after "
            "the other and add up the counts."
        ),
    )
    def post(self, request: Request, judge_id: UUID) -> Response:
        judge = get_judge(self.user, judge_id)
        given = self.body(JudgeTestSerializer)
        if "query_id" in given:
            test = trials.try_judge_on_run(judge=judge, viewer=self.user, **given)
        else:
            test = trials.try_judge_on_documents(judge=judge, **given)
        return Response(JudgeTestAnswerSerializer(test).data)
