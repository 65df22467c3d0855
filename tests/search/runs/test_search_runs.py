"""Executed runs from start to end against an engine on the loopback, the queue driven inline."""

import pytest

from judging.demo_search.server import Server
from judging.foundation.errors import Conflict, Forbidden, Invalid
from judging.models import (
    Abstention,
    Candidate,
    Document,
    EvaluationRun,
    Judgment,
    RunQuery,
    SearchEndpoint,
    SearchItem,
    SearchRun,
    SetQuery,
    User,
)
from judging.runs.evaluations import delete_run
from judging.search.runs.making import clone_search_run, create_search_run
from judging.search.runs.remapping import remap_search_run
from judging.search.runs.starting import resume_search_run, start_search_run, stop_search_run
from judging.work.slices import work_slice
from judging.work.words import Turn
from tests.draining import drain
from tests.factories import make_evaluation, make_run
from tests.search.runs.searching import (
    counts,
    engine,
    fail_search,
    make_search_evaluation,
    reread,
    search_of,
    searched,
    start_run,
)

pytestmark = pytest.mark.django_db(transaction=True)


def grade(member: User, run: EvaluationRun, row: RunQuery, document: Document) -> None:
    Judgment.objects.create(
        corpus=run.evaluation.corpus,
        query_id=row.query_id,
        document=document,
        scale=run.scale,
        grade=3,
        author_kind="member",
        member=member,
    )


@pytest.mark.on_both
def test_known_documents_are_judged_from_the_start(search_engine: Server, member: User) -> None:
    evaluation = make_search_evaluation(search_engine.url)
    first = searched(evaluation, member)
    candidate = Candidate.objects.filter(run=first, rank=1).select_related("run_query", "document").first()
    assert candidate is not None
    grade(member, first, candidate.run_query, candidate.document)
    second = searched(evaluation, member)
    assert second.judged_count == 1


def test_later_edits_change_no_started_run(search_engine: Server, member: User) -> None:
    evaluation = make_search_evaluation(search_engine.url)
    run = start_run(evaluation, member)
    SetQuery.objects.all().delete()
    SearchEndpoint.objects.update(candidates_mapping="`null`", name="another")
    evaluation.query_template.versions.update(body="broken")
    drain()
    assert (reread(run).status, search_of(run).answered_count) == ("completed", 3)
    assert search_of(run).endpoint_name != "another"


def test_another_address_gets_nothing(search_engine: Server, member: User) -> None:
    run = start_run(make_search_evaluation(search_engine.url), member)
    SearchEndpoint.objects.update(url="http://127.0.0.1:9/products/_search")
    drain()
    assert (reread(run).status, reread(run).error_code) == ("failed", "endpoint_changed")
    assert not search_engine.requests


def test_a_template_that_renders_nothing_is_refused(search_engine: Server, member: User) -> None:
    evaluation = make_search_evaluation(search_engine.url, body='{"query": {{query}}}')
    with pytest.raises(Invalid) as refused:
        start_run(evaluation, member)
    assert refused.value.code == "template_invalid"
    assert not EvaluationRun.objects.exists()


def test_a_metric_cut_below_the_depth_is_refused(search_engine: Server, member: User) -> None:
    with pytest.raises(Invalid) as refused:
        start_run(make_search_evaluation(search_engine.url), member, depth=5, metrics=["NDCG@10"])
    assert "metrics" in refused.value.errors


@pytest.mark.on_both
def test_a_stop_keeps_what_came_and_sends_no_more(search_engine: Server, member: User) -> None:
    evaluation = make_search_evaluation(search_engine.url, queries=tuple(f"red {number}" for number in range(40)))
    run = start_run(evaluation, member)
    stop_search_run(run=run, actor=member)
    drain()
    assert (reread(run).status, counts(run)) == ("cancelled", {"skipped": 40})
    assert not search_engine.requests
    with pytest.raises(Invalid) as refused:
        stop_search_run(run=reread(run), actor=member)
    assert refused.value.code == "not_active"


def test_resume_asks_again_what_was_skipped(search_engine: Server, member: User) -> None:
    evaluation = make_search_evaluation(search_engine.url)
    run = start_run(evaluation, member)
    stop_search_run(run=run, actor=member)
    drain()
    resume_search_run(run=reread(run), actor=member)
    drain()
    assert (reread(run).status, counts(run)) == ("completed", {"answered": 3, "empty": 1})
    with pytest.raises(Conflict) as refused:
        resume_search_run(run=reread(run), actor=member)
    assert refused.value.code == "nothing_to_resume"


@pytest.mark.on_both
def test_resume_asks_failed_searches_again(member: User) -> None:
    with engine("500:1") as server:
        evaluation = make_search_evaluation(server.url, max_retries=0)
        run = searched(evaluation, member)
        assert counts(run) == {"failed": 4}
        server.faults = type(server.faults)()
        resume_search_run(run=run, actor=member)
        drain()
    assert (reread(run).status, counts(run)) == ("completed", {"answered": 3, "empty": 1})


def test_a_completed_run_asks_its_failed_searches_again(search_engine: Server, member: User) -> None:
    run = searched(make_search_evaluation(search_engine.url), member)
    fail_search(run, "red shoes")
    assert (reread(run).status, counts(run)) == ("completed", {"answered": 2, "empty": 1, "failed": 1})
    resume_search_run(run=reread(run), actor=member)
    drain()
    assert (reread(run).status, counts(run)) == ("completed", {"answered": 3, "empty": 1})


@pytest.mark.on_both
def test_a_clone_searches_with_the_pinned_inputs(search_engine: Server, member: User) -> None:
    evaluation = make_search_evaluation(search_engine.url)
    run = searched(evaluation, member)
    evaluation.query_template.versions.update(body="broken")
    SetQuery.objects.all().delete()
    clone = clone_search_run(run=run, actor=member)
    assert (clone.status, clone.cloned_from_id) == ("pending", run.pk)
    start_search_run(run=clone, actor=member)
    drain()
    assert counts(clone) == {"answered": 3, "empty": 1}


def test_remap_reads_the_kept_answers_without_asking(search_engine: Server, member: User) -> None:
    run = searched(make_search_evaluation(search_engine.url, candidates_mapping="nowhere"), member)
    assert (run.status, counts(run)) == ("failed", {"failed": 4})
    asked = len(search_engine.requests)
    mapping = "{total: hits.total.value, candidates: hits.hits[].{id: _id, title: _source.title}}"
    done = remap_search_run(run=run, actor=member, candidates_mapping=mapping)
    assert (done.remapped_count, done.not_remapped_count) == (4, 0)
    assert counts(run) == {"answered": 3, "empty": 1}
    assert len(search_engine.requests) == asked
    assert search_of(run).candidates_mapping == mapping


@pytest.mark.on_both
def test_an_active_run_is_neither_deleted_nor_remapped(search_engine: Server, member: User) -> None:
    run = start_run(make_search_evaluation(search_engine.url), member)
    for act in (
        lambda: delete_run(actor=member, run=run),
        lambda: remap_search_run(run=run, actor=member),
        lambda: resume_search_run(run=run, actor=member),
    ):
        with pytest.raises(Conflict) as refused:
            act()
        assert refused.value.code == "run_active"


def test_an_imported_run_has_no_search(member: User, rater: User) -> None:
    run = make_run()
    for act in (start_search_run, stop_search_run, resume_search_run, clone_search_run):
        with pytest.raises(Invalid) as refused:
            act(run=run, actor=member)
        assert refused.value.code == "not_executed"
        with pytest.raises(Forbidden):
            act(run=run, actor=rater)


def test_a_run_goes_on_over_several_turns(search_engine: Server, member: User) -> None:
    run = start_run(make_search_evaluation(search_engine.url), member)
    lane = search_of(run).lanes.get()
    work_slice(lane.pk, turn=Turn(shared=0.0, longest=0.0))
    drain()
    assert counts(run) == {"answered": 3, "empty": 1}


def test_an_evaluation_without_endpoint_runs_no_search(member: User) -> None:
    with pytest.raises(Invalid) as refused:
        create_search_run(evaluation=make_evaluation(), actor=member, name="run")
    assert refused.value.code == "not_executed"


def test_resume_lists_again_what_a_remap_let_fall(search_engine: Server, member: User) -> None:
    run = searched(make_search_evaluation(search_engine.url, queries=("red shoes",)), member)
    first, mapping = Candidate.objects.get(run=run, rank=1), search_of(run).candidates_mapping
    Abstention.objects.create(candidate=first, user=member, reason="no idea")
    remap_search_run(run=run, actor=member, candidates_mapping="nowhere")
    SearchRun.objects.update(candidates_mapping=mapping)
    resume_search_run(run=reread(run), actor=member)
    drain()
    now = reread(run)
    assert (now.status, now.candidate_count, counts(run)) == ("completed", 5, {"answered": 1})
    assert Candidate.objects.get(run=run, rank=1).pk == first.pk
    assert SearchItem.objects.get().returned == 5
