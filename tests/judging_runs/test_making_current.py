"""Whose grades count is chosen: by the act, by REST, and however often the process that writes them is killed."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone
from django_q.models import OrmQ
from rest_framework.test import APIClient

from judging import ledger
from judging.foundation.errors import Conflict
from judging.judging_runs import finishing_current, making_current
from judging.judging_runs.making_current import make_judging_run_current, preview_making_current
from judging.judging_runs.starting import JudgingOptions, cancel_judging_run
from judging.ledger import Effect, Replaced
from judging.management.rescuing import rescue_all
from judging.models import AuditEvent, Candidate, EvaluationRun, JudgingRun, Judgment, RunQuery, User
from judging.runs.locks import lock_run
from judging.work.store import Store
from tests.draining import drain
from tests.factories import make_run
from tests.judging_runs.judging import Start, cached_grades, grades_of_record, items_by_document, small_run
from tests.rest_clients import assert_problem
from tests.review.giving import GivenGrade, record_judgments
from tests.review.test_grid import ai_grades
from tests.stub.fixtures import Stub

pytestmark = pytest.mark.django_db

TRIAL = JudgingOptions(trial=True)


def answer(stub: Stub, grade: int, **others: str) -> None:
    """Let the service give one grade to every candidate; `others`: what it does with documents, - written as _."""
    grades = {f"d{q}-{c}": grade for q in range(10) for c in range(10)}
    stub.script(grades=grades, by_candidate={name.replace("_", "-"): fault for name, fault in others.items()})


def rest(judging_run: JudgingRun) -> str:
    return f"/api/v1/ai-judging-runs/{judging_run.pk}/make-current"


def counted_state(run: EvaluationRun) -> list[Any]:
    """Read what counts on a run: judgments, cached grades, metrics."""
    run.refresh_from_db()
    judgments = Judgment.objects.filter(corpus=run.evaluation.corpus).order_by("pk")
    return [
        list(judgments.values_list("pk", "grade", "reasoning", "judge_label", "judge_version", "judging_run_id")),
        list(
            Candidate.objects.filter(run=run)
            .order_by("pk")
            .values_list("ai_grade", "effective_grade", "ai_judgment_id", "last_item_id", "last_item_status")
        ),
        list(RunQuery.objects.filter(run=run).order_by("pk").values_list("metric_values", "judged_count")),
        run.metric_values,
        run.judged_count,
    ]


@pytest.fixture
def judged_twice(start: Start, stub: Stub) -> tuple[EvaluationRun, JudgingRun, JudgingRun]:
    """Judge a run of 4 queries x 5 with grade 1, and as a trial with grade 3."""
    run = small_run()
    answer(stub, 1)
    first = start(run, batch_size=5)
    drain()
    answer(stub, 3, d1_2="prose")
    trial = start(run, options=TRIAL)
    drain()
    return run, first, trial


@pytest.mark.on_both
def test_its_grades_count_and_the_same_back_restores_all(
    judged_twice: tuple[EvaluationRun, JudgingRun, JudgingRun], member: User
) -> None:
    run, first, trial = judged_twice
    person = GivenGrade(run.run_queries.get(position=1).pk, "d0-0", 0)
    record_judgments(grades=[person], actor=member)
    drain()
    before = counted_state(run)
    trial.refresh_from_db()
    foreseen = preview_making_current(trial)
    effect = make_judging_run_current(judging_run=trial, actor=member)
    drain()
    assert effect == foreseen
    assert effect == Effect(
        changed_count=19,
        added_count=0,
        unchanged_count=0,
        replaced=(Replaced(first.pk, first.judge_version.label, 19),),
        back_to_id=first.pk,
    )
    grades = cached_grades(run)
    assert grades.pop("d0-0") == (3, 0)
    assert grades.pop("d1-2") == (1, 1)
    assert set(grades.values()) == {(3, 3)}
    run.refresh_from_db()
    assert run.metric_values != before[3]
    assert not RunQuery.objects.filter(run=run, has_stale_metrics=True).exists()

    back = make_judging_run_current(judging_run=JudgingRun.objects.get(pk=first.pk), actor=member)
    drain()
    assert (back.changed_count, back.added_count, back.unchanged_count) == (19, 0, 1)
    assert counted_state(run) == before


def test_the_candidates_last_word_is_that_of_the_run_whose_grades_count(
    judged_twice: tuple[EvaluationRun, JudgingRun, JudgingRun], member: User
) -> None:
    run, first, trial = judged_twice
    Candidate.objects.filter(run=run).update(last_item_status="failed", failure_code="unparseable")
    make_judging_run_current(judging_run=trial, actor=member)
    said = items_by_document(trial)
    for row in Candidate.objects.filter(run=run).select_related("document"):
        name = row.document.external_id
        if name == "d1-2":  # it failed on this one, which keeps what it had
            assert (row.last_item_id, row.last_item_status) == (items_by_document(first)[name].pk, "failed")
        else:
            assert (row.last_item_id, row.last_item_status, row.failure_code) == (said[name].pk, "judged", "")


def test_rest_answers_what_changed_and_foretells_it_once_more_nothing(
    start: Start, stub: Stub, as_member: APIClient, member: User
) -> None:
    run = small_run(2, 2)
    with transaction.atomic():
        ai_grades(run, {("query 0", "d0-0"): 3})
    Judgment.objects.update(judging_run_id=None, judging_run_created_at=None, judge_label="Imported")
    answer(stub, 1)
    old = start(run, options=JudgingOptions(scope="unjudged", query_limit=1))
    drain()
    answer(stub, 3)
    trial = start(run, options=TRIAL)
    drain()
    foretold = as_member.get(rest(trial)).json()
    assert foretold == as_member.post(rest(trial)).json()
    counted = old.items.filter(status="judged").count()
    assert (foretold["changed_count"], foretold["unchanged_count"]) == (counted, 1)
    assert foretold["added_count"] == 3 - counted
    assert {(each["judging_run_id"], each["judge_label"], each["count"]) for each in foretold["replaced"]} == {
        (None, "Imported", 1),
        (str(old.pk), old.judge_version.label, counted),
    }
    assert foretold["back_to_id"] is None
    found = as_member.get(f"/api/v1/ai-judging-runs/{trial.pk}").json()
    assert (found["trial"], found["made_current_at"] is None) == (True, False)
    event = AuditEvent.objects.get(action="judging_run_made_current")
    assert (event.actor, event.subject_id) == (member, str(trial.pk))
    assert event.detail["changed"] == counted
    nothing = {"changed_count": 0, "added_count": 0, "unchanged_count": 4, "replaced": [], "back_to_id": None}
    assert as_member.get(rest(trial)).json() == as_member.post(rest(trial)).json() == nothing


@pytest.mark.on_both
def test_back_is_promised_only_where_it_is_exact(start: Start, stub: Stub, member: User) -> None:
    run = small_run(4, 2)
    answer(stub, 1)
    wide = start(run)
    drain()
    answer(stub, 2)
    start(run, options=JudgingOptions(depth=1))
    drain()
    answer(stub, 3, d0_0="prose", d1_0="prose", d2_0="prose", d3_0="prose")
    trial = start(run, options=TRIAL)
    drain()
    trial.refresh_from_db()
    # All it replaces came from `wide`; but whose other grades were replaced since, and would come back as well.
    effect = preview_making_current(trial)
    assert [each.judging_run_id for each in effect.replaced] == [wide.pk]
    assert effect.back_to_id is None


def test_an_active_run_a_locked_run_and_a_rater_are_refused(
    start: Start, member: User, as_member: APIClient, as_rater: APIClient
) -> None:
    run = small_run(1, 2)
    active = start(run)
    assert_problem(as_member.post(rest(active)), 409, "judging_run_active")
    assert_problem(as_member.get(rest(active)), 409, "judging_run_active")
    assert_problem(as_rater.post(rest(active)), 403)
    drain()
    lock_run(run=run, actor=member)
    other = make_run({"query 0": ["d0-0"]}, evaluation=run.evaluation)
    ledger.refresh_run(other.pk)
    before = counted_state(other)
    assert_problem(as_member.post(rest(active)), 409, "run_locked")
    assert_problem(as_member.get(rest(active)), 409, "run_locked")
    assert counted_state(other) == before
    assert not JudgingRun.objects.filter(made_current_at__isnull=False).exists()


@pytest.mark.on_both
def test_other_unlocked_runs_of_the_corpus_follow_and_locked_ones_stay(
    judged_twice: tuple[EvaluationRun, JudgingRun, JudgingRun], member: User
) -> None:
    run, _, trial = judged_twice
    follows, stays, coarse = (
        make_run({"query 0": ["d0-1", "d0-2"]}, evaluation=run.evaluation, scale=scale)
        for scale in ("graded", "graded", "binary")
    )
    for other in (follows, stays, coarse):
        ledger.refresh_run(other.pk)
    lock_run(run=stays, actor=member)
    make_judging_run_current(judging_run=trial, actor=member)
    drain()
    assert cached_grades(follows) == {"d0-1": (3, 3), "d0-2": (3, 3)}
    assert not RunQuery.objects.filter(run=follows, has_stale_metrics=True).exists()
    assert cached_grades(stays) == {"d0-1": (1, 1), "d0-2": (1, 1)}
    assert cached_grades(coarse) == {"d0-1": (None, None), "d0-2": (None, None)}


@pytest.mark.seldom
@pytest.mark.on_both
def test_an_older_run_still_at_work_overwrites_none_and_a_later_one_does(
    judged_twice: tuple[EvaluationRun, JudgingRun, JudgingRun], start: Start, stub: Stub, member: User
) -> None:
    run, _, trial = judged_twice
    answer(stub, 0, d0_0="prose")
    at_work = start(run)  # created before the act, and asked after it
    # The hosts' clocks differ: it says that it was created in the future.
    JudgingRun.objects.filter(pk=at_work.pk).update(created_at=timezone.now() + timedelta(minutes=5))
    make_judging_run_current(judging_run=trial, actor=member)
    drain()
    assert grades_of_record(run) == {name: 0 if name == "d1-2" else 3 for name in grades_of_record(run)}
    last = Candidate.objects.get(run=run, document__external_id="d0-0")
    assert (last.last_item_id, last.last_item_status) == (items_by_document(trial)["d0-0"].pk, "judged")
    answer(stub, 4)
    later = start(run)
    JudgingRun.objects.filter(pk=later.pk).update(created_at=timezone.now() + timedelta(minutes=10))
    drain()
    assert set(grades_of_record(run).values()) == {4}


def test_what_lands_late_of_a_cancelled_run_counts_from_that_moment_too(
    start: Start, stub: Stub, member: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = small_run(1, 1)
    answer(stub, 3)
    trial = start(run, options=TRIAL)
    answer(stub, 1)
    start(run)
    settle = making_current_in_flight(monkeypatch, trial, member)
    answer(stub, 3)
    drain()
    assert settle == [trial.pk]
    assert set(grades_of_record(run).values()) == {3}


def making_current_in_flight(monkeypatch: pytest.MonkeyPatch, trial: JudgingRun, member: User) -> list[Any]:
    """Cancel a run and make it current between its call and the write of its reply."""
    done: list[Any] = []
    flush: Callable[..., Any] = Store.flush

    def late(self: Any, outcomes: Any, *args: Any, **kwargs: Any) -> Any:
        if not done and self._job_id == trial.pk and outcomes.calls:
            done.append(trial.pk)
            cancelled = cancel_judging_run(judging_run=trial, actor=member)
            make_judging_run_current(judging_run=cancelled, actor=member)
        return flush(self, outcomes, *args, **kwargs)

    monkeypatch.setattr(Store, "flush", late)
    return done


# Killed on the way


@pytest.fixture
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("judging.ledger.making_current.CHUNK", 3)


@contextmanager
def killed_after(chunks: int) -> Iterator[None]:
    """Let the process die between two chunks."""
    chunk = ledger.make_chunk_current
    left = [chunks]

    def dying(*args: Any, **kwargs: Any) -> Any:
        if not left[0]:
            raise SystemExit("killed")
        left[0] -= 1
        return chunk(*args, **kwargs)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ledger, "make_chunk_current", dying)
        with pytest.raises(SystemExit):
            yield


@pytest.mark.seldom
@pytest.mark.on_both
@pytest.mark.usefixtures("small_chunks")
def test_a_killed_process_leaves_what_the_housekeeping_finishes(
    judged_twice: tuple[EvaluationRun, JudgingRun, JudgingRun], member: User
) -> None:
    run, _, trial = judged_twice
    trial.refresh_from_db()
    with killed_after(2):
        make_judging_run_current(judging_run=trial, actor=member)
    assert sorted(grades_of_record(run).values()) == [1] * 14 + [3] * 6
    rescue_all()
    assert not OrmQ.objects.exists(), "somebody may still be at it"

    made_at = timezone.now() - timedelta(minutes=1)
    JudgingRun.objects.filter(pk=trial.pk).update(made_current_at=made_at)
    Judgment.objects.filter(judging_run_id=trial.pk).update(judging_run_created_at=made_at)
    JudgingRun.objects.filter(made_current_at=None).update(created_at=made_at - timedelta(minutes=1))
    Judgment.objects.exclude(judging_run_id=trial.pk).update(judging_run_created_at=made_at - timedelta(minutes=1))
    EvaluationRun.objects.update(judgments_at=made_at)
    # Killed once more, after one more chunk: whoever comes next goes on there.
    rescue_all()
    with killed_after(1):
        drain()
    assert sorted(grades_of_record(run).values()) == [1] * 11 + [3] * 9
    EvaluationRun.objects.update(judgments_at=made_at)
    rescue_all()
    drain()
    assert sorted(grades_of_record(run).values()) == [1] + [3] * 19
    assert not RunQuery.objects.filter(run=run, has_stale_metrics=True).exists()
    rescue_all()
    assert not OrmQ.objects.exists()
    assert any(key == trial.pk for key, _ in finishing_current._finished)


@pytest.mark.usefixtures("small_chunks")
def test_a_large_run_goes_on_in_the_background(
    judged_twice: tuple[EvaluationRun, JudgingRun, JudgingRun], member: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, _, trial = judged_twice
    monkeypatch.setattr(making_current, "PATIENCE_SECONDS", 0.0)
    assert make_judging_run_current(judging_run=trial, actor=member).changed_count == 19
    assert sorted(grades_of_record(run).values()) == [1] * 17 + [3] * 3
    drain()
    assert sorted(grades_of_record(run).values()) == [1] + [3] * 19


@pytest.mark.seldom
@pytest.mark.usefixtures("small_chunks")
def test_the_later_of_two_at_once_wins_whichever_ends_first(
    judged_twice: tuple[EvaluationRun, JudgingRun, JudgingRun], member: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, first, trial = judged_twice
    monkeypatch.setattr(making_current, "PATIENCE_SECONDS", 0.0)
    make_judging_run_current(judging_run=trial, actor=member)
    make_judging_run_current(judging_run=JudgingRun.objects.get(pk=first.pk), actor=member)
    drain()
    assert set(grades_of_record(run).values()) == {1}


@pytest.mark.seldom
@pytest.mark.on_both
@pytest.mark.usefixtures("small_chunks")
def test_a_lock_on_the_way_keeps_the_run_as_it_was_then(
    judged_twice: tuple[EvaluationRun, JudgingRun, JudgingRun], member: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, _, trial = judged_twice
    follows = make_run({"query 3": ["d3-4"]}, evaluation=run.evaluation)
    ledger.refresh_run(follows.pk)
    monkeypatch.setattr(making_current, "PATIENCE_SECONDS", 0.0)
    make_judging_run_current(judging_run=trial, actor=member)
    lock_run(run=run, actor=member)
    locked = cached_grades(run)
    drain()
    assert cached_grades(run) == locked
    assert cached_grades(follows) == {"d3-4": (3, 3)}
    with pytest.raises(Conflict):
        make_judging_run_current(judging_run=trial, actor=member)


def test_statements_do_not_grow_with_the_run_but_by_the_chunk(
    start: Start, member: User, django_assert_max_num_queries: Any
) -> None:
    run = small_run(10, 10)
    trial = start(run, options=TRIAL, batch_size=10)
    drain()
    trial.refresh_from_db()
    with django_assert_max_num_queries(5):
        preview_making_current(trial)
    with django_assert_max_num_queries(40):
        make_judging_run_current(judging_run=trial, actor=member)
