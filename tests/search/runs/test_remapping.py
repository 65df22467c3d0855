"""Remapped and resumed runs: rows are matched by document, and nothing that was judged is lost."""

import json

import pytest
from django.test import Client
from rest_framework.test import APIClient

from judging.exports.items import export_judging_run
from judging.exports.judgments import export_judgments
from judging.exports.runs import export_run
from judging.foundation.errors import Conflict
from judging.judges.prompt_previews import first_candidates
from judging.ledger import refresh_run
from judging.models import (
    Abstention,
    Candidate,
    EvaluationRun,
    GradingHold,
    ItemStatus,
    JudgingItem,
    JudgingRun,
    Judgment,
    RunQuery,
    SearchExchange,
    User,
)
from judging.review.grid import all_grid_rows
from judging.review.handing_out import next_candidate
from judging.runs.evaluations import delete_run
from judging.search.runs.remapping import remap_search_run
from judging.trust.comparisons.queries.side_by_side import aligned_documents
from tests.databases import Standing
from tests.factories import make_judge, make_user
from tests.rest_clients import assert_problem
from tests.search.runs.searching import counts, engine, make_search_evaluation, reread, searched

pytestmark = pytest.mark.django_db

# All but the first hit, and all of them.
WITHOUT_FIRST = "{total: hits.total.value, candidates: hits.hits[1:].{id: _id, title: _source.title}}"
WHOLE = "{total: hits.total.value, candidates: hits.hits[].{id: _id, title: _source.title}}"
NOWHERE = "nowhere"


@pytest.fixture(scope="module")
def made(standing: Standing) -> tuple[EvaluationRun, User]:
    """A run of one list of five, and who searched and graded.

    Its first document has an item, a judgment, a person's "I can't tell", and a hold.
    """
    with standing(), engine() as server:
        member = make_user()
        run = searched(make_search_evaluation(server.url, queries=("red shoes",)), member)
        _refer_to(Candidate.objects.get(run=run, rank=1), run, member)
        next_candidate(run=run, actor=member)
        refresh_run(run.pk)
    return run, member


def _refer_to(first: Candidate, run: EvaluationRun, member: User) -> None:
    judging_run = JudgingRun.objects.create(
        evaluation_run=run,
        judge_version=make_judge(owner=member).versions.get(),
        status="completed",
        total_count=1,
        judged_count=1,
        max_concurrency=1,
    )
    common = {"candidate": first, "run_query_id": first.run_query_id}
    item = JudgingItem.objects.create(
        judging_run=judging_run, prompt_number=1, status=ItemStatus.JUDGED, grade=2, **common
    )
    Candidate.objects.filter(pk=first.pk).update(last_item=item, last_item_status="judged")
    Judgment.objects.create(
        corpus=run.evaluation.corpus,
        query_id=first.query_id,
        document_id=first.document_id,
        scale=run.scale,
        grade=2,
        author_kind="member",
        member=member,
    )
    Abstention.objects.create(candidate=first, user=member, reason="no idea")


@pytest.fixture
def run(db: None, made: tuple[EvaluationRun, User]) -> EvaluationRun:
    return reread(made[0])


@pytest.fixture
def member(db: None, made: tuple[EvaluationRun, User]) -> User:
    return User.objects.get(pk=made[1].pk)


def remap(run: EvaluationRun, member: User, mapping: str) -> None:
    remap_search_run(run=reread(run), actor=member, candidates_mapping=mapping)


def keys(run: EvaluationRun) -> list[str]:
    return list(Candidate.objects.filter(run=run).order_by("rank").values_list("document__external_id", flat=True))


@pytest.mark.on_both
def test_a_judged_document_that_falls_out_leaves_every_list(run: EvaluationRun, member: User, client: Client) -> None:
    first, *others = keys(run)
    assert (run.judged_count, run.metric_values) == (1, {"P@5": 0.2})
    remap(run, member, WITHOUT_FIRST)
    now = reread(run)
    assert keys(run) == others
    assert (now.candidate_count, now.judged_count, RunQuery.objects.get(run=run).candidate_count) == (4, 0, 4)
    # No judgment is left in the list; its query still has one, of a document that is not returned.
    assert now.metric_values == {"P@5": 0.0}
    assert [row.document_key for row in all_grid_rows(now, viewer=member)] == others
    query = RunQuery.objects.get(run=run)
    assert [each.document.external_id for each in first_candidates(query, 10)] == others
    assert len(aligned_documents(query, query, depth=10)) == 4
    line = json.loads("".join(export_run(now, "jsonl")))
    assert [each["id"] for each in line["candidates"]] == others
    client.force_login(member)
    assert first not in client.get(f"/evaluations/runs/{run.pk}/review").content.decode()


def test_what_was_said_of_a_fallen_document_stays_and_is_exported(
    run: EvaluationRun, member: User, as_member: APIClient
) -> None:
    first = keys(run)[0]
    remap(run, member, WITHOUT_FIRST)
    judging_run = JudgingRun.objects.get()
    item = json.loads("".join(export_judging_run(judging_run, "jsonl")))
    assert (item["doc_id"], item["grade"], item["rank"]) == (first, 2, None)
    assert first in "".join(export_judgments(reread(run), "csv"))
    assert Abstention.objects.exists()
    (listed,) = as_member.get(f"/api/v1/ai-judging-runs/{judging_run.pk}/items").json()["results"]
    assert (listed["candidate_id"], listed["rank"]) == (first, None)


def test_a_fallen_document_is_no_candidate_to_grade(run: EvaluationRun, member: User, as_member: APIClient) -> None:
    first = keys(run)[0]
    query = RunQuery.objects.get(run=run)
    remap(run, member, WITHOUT_FIRST)
    judgment = {"queries": [{"query_id": str(query.pk), "judgments": [{"candidate_id": first, "grade": 1}]}]}
    assert_problem(as_member.post("/api/v1/judgments", judgment), 400, "invalid")
    assert not GradingHold.objects.filter(candidate__document__external_id=first).exists()


@pytest.mark.on_both
def test_a_document_that_comes_back_is_the_row_that_it_was(run: EvaluationRun, member: User) -> None:
    before = list(Candidate.objects.filter(run=run).order_by("rank").values_list("pk", "rank"))
    for mapping in (WITHOUT_FIRST, NOWHERE, WHOLE):
        remap(run, member, mapping)
    after = Candidate.objects.filter(run=run).order_by("rank")
    assert after[0].pk == before[0][0]
    assert (after[0].last_item_status, after[0].effective_grade) == ("judged", 2)
    assert [each.rank for each in after] == [1, 2, 3, 4, 5]
    assert reread(run).judged_count == 1


@pytest.mark.on_both
def test_documents_that_nothing_points_to_are_deleted(run: EvaluationRun, member: User) -> None:
    remap(run, member, NOWHERE)
    assert (reread(run).candidate_count, counts(run)) == (0, {"failed": 1})
    assert Candidate.objects.filter(run_query__run=run).count() == 1


@pytest.mark.on_both
def test_a_run_is_deleted_with_documents_that_fell_out(run: EvaluationRun, member: User) -> None:
    remap(run, member, WITHOUT_FIRST)
    delete_run(actor=member, run=reread(run))
    assert not Candidate.objects.exists()
    assert Judgment.objects.exists()


def test_neither_remap_nor_resume_touches_a_locked_run(run: EvaluationRun, as_member: APIClient) -> None:
    EvaluationRun.objects.filter(pk=run.pk).update(is_locked=True, locked_at=run.created_at)
    for act in ("remap", "resume"):
        assert_problem(as_member.post(f"/api/v1/evaluations/runs/{run.pk}/{act}"), 409, "run_locked")


@pytest.mark.on_both
def test_remap_keeps_rows_of_documents_that_stay(run: EvaluationRun, member: User) -> None:
    before = dict(Candidate.objects.filter(run=run).values_list("document__external_id", "pk"))
    mapping = "{candidates: reverse(hits.hits)[].{id: _id, title: _source.description}}"
    remap_search_run(run=run, actor=member, candidates_mapping=mapping)
    assert dict(Candidate.objects.filter(run=run).values_list("document__external_id", "pk")) == before
    first = Candidate.objects.filter(run=run, rank=1).select_related("document_version").first()
    assert first is not None
    assert first.document_version.title.startswith("number")


def test_without_evidence_nothing_is_remapped(run: EvaluationRun, member: User) -> None:
    SearchExchange.objects.all().delete()
    with pytest.raises(Conflict) as refused:
        remap_search_run(run=run, actor=member)
    assert refused.value.code == "evidence_gone"
