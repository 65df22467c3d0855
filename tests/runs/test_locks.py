"""Locks: what a locked run says stands still, and nothing changes it."""

import pytest

from judging import ledger
from judging.foundation.errors import Conflict, Invalid
from judging.judging_runs.starting import cancel_judging_run, start_judging_run
from judging.models import (
    AuditEvent,
    Candidate,
    EvaluationRun,
    ItemStatus,
    JudgingRun,
    Judgment,
    LockedJudgment,
    RunQuery,
    User,
)
from judging.runs.evaluation_runs import update_run
from judging.runs.evaluations import delete_run
from judging.runs.locks import lock_run, unlock_run
from judging.work import queue
from tests.factories import candidate, make_evaluation, make_judge, make_run, make_user
from tests.review.giving import record_judgments
from tests.review.test_grid import ai_grades
from tests.review.test_judgments import given

pytestmark = [pytest.mark.django_db, pytest.mark.on_both]


@pytest.fixture
def run(db: None) -> EvaluationRun:
    return make_run({"a": ["d1", "d2"], "b": ["d1"]}, metrics=["P@1"])


def test_a_lock_keeps_who_and_when_and_a_snapshot_of_the_judgments(run: EvaluationRun, member: User) -> None:
    record_judgments(grades=[given(run, "a", "d1", 3, reasoning="good")], actor=member)
    ai_grades(run, {("a", "d2"): 1})
    locked = lock_run(run=run, actor=member)
    assert locked.is_locked
    assert locked.locked_by == member
    assert locked.locked_at is not None
    snapshot = LockedJudgment.objects.filter(run=run).order_by("author_kind")
    assert [(kept.author_label, kept.judge_label[-2:], kept.external_id, kept.grade) for kept in snapshot] == [
        ("", "v1", "d2", 1),
        (member.email, "", "d1", 3),
    ]
    event = AuditEvent.objects.get(action="run_locked")
    assert (event.actor, event.subject_id) == (member, str(run.pk))


def test_a_lock_renews_stale_metrics_first(run: EvaluationRun, member: User) -> None:
    ai_grades(run, {("a", "d1"): 3, ("b", "d1"): 0})
    assert lock_run(run=run, actor=member).metric_values == {"P@1": 0.5}
    assert not RunQuery.objects.filter(run=run, has_stale_metrics=True).exists()


def test_a_locked_run_takes_no_grade_of_a_person(run: EvaluationRun, member: User) -> None:
    record_judgments(grades=[given(run, "a", "d1", 3)], actor=member)
    lock_run(run=run, actor=member)
    for grade in (1, None):
        with pytest.raises(Conflict) as refused:
            record_judgments(grades=[given(run, "a", "d1", grade)], actor=member)
        assert refused.value.code == "run_locked"
    assert Judgment.objects.get().grade == 3


def test_a_locked_run_starts_no_ai_judging_run(run: EvaluationRun, member: User) -> None:
    lock_run(run=run, actor=member)
    with pytest.raises(Conflict) as refused:
        start_judging_run(evaluation_run=run, judge=make_judge(), actor=member)
    assert refused.value.code == "run_locked"
    assert not JudgingRun.objects.exists()


def test_grades_given_elsewhere_leave_a_locked_run_as_it_was(member: User) -> None:
    evaluation = make_evaluation()
    run, twin = (make_run({"a": ["d1"]}, evaluation=evaluation, metrics=["P@1"]) for _ in range(2))
    record_judgments(grades=[given(run, "a", "d1", 3)], actor=member)
    lock_run(run=run, actor=member)
    frozen = Candidate.objects.filter(run=run).values().get()
    record_judgments(grades=[given(twin, "a", "d1", 0)], actor=member)
    ai_grades(twin, {("a", "d1"): 1})
    ledger.renew_metrics(run.pk)
    ledger.refresh_run(run.pk)
    run.refresh_from_db()
    assert Candidate.objects.filter(run=run).values().get() == frozen
    assert (run.metric_values, run.judged_count) == ({"P@1": 1.0}, 1)
    assert LockedJudgment.objects.get(run=run).grade == 3
    assert candidate(twin, "a", "d1").effective_grade == 0


def test_unlocking_drops_the_snapshot_and_follows_the_corpus_again(member: User) -> None:
    evaluation = make_evaluation()
    run, twin = (make_run({"a": ["d1"]}, evaluation=evaluation, metrics=["P@1"]) for _ in range(2))
    record_judgments(grades=[given(run, "a", "d1", 3)], actor=member)
    lock_run(run=run, actor=member)
    record_judgments(grades=[given(twin, "a", "d1", None)], actor=member)
    ai_grades(twin, {("a", "d1"): 0})
    unlocked = unlock_run(run=run, actor=make_user())
    assert (unlocked.is_locked, unlocked.locked_at, unlocked.locked_by) == (False, None, None)
    assert (unlocked.metric_values, unlocked.judged_count) == ({"P@1": 0.0}, 1)
    row = candidate(run, "a", "d1")
    assert (row.effective_grade, row.people_count, row.ai_grade) == (0, 0, 0)
    assert not LockedJudgment.objects.exists()
    assert AuditEvent.objects.filter(action="run_unlocked").count() == 1


def test_only_a_completed_run_locks_and_only_a_locked_one_unlocks(member: User) -> None:
    run = make_run({"a": ["d1"]}, status="pending")
    with pytest.raises(Conflict) as refused:
        lock_run(run=run, actor=member)
    assert refused.value.code == "run_not_completed"
    done = make_run({"a": ["d1"]})
    with pytest.raises(Conflict) as refused:
        unlock_run(run=done, actor=member)
    assert refused.value.code == "run_not_locked"
    lock_run(run=done, actor=member)
    with pytest.raises(Conflict) as refused:
        lock_run(run=done, actor=member)
    assert refused.value.code == "run_locked"
    assert not AuditEvent.objects.filter(subject_id=str(run.pk)).exists()


def test_a_lock_ends_ai_judging_under_way_as_failed(run: EvaluationRun, member: User) -> None:
    judging_run = start_judging_run(evaluation_run=run, judge=make_judge(), actor=member)
    lock_run(run=run, actor=member)
    judging_run.refresh_from_db()
    assert (judging_run.status, judging_run.error) == ("failed", "the evaluation run was locked")
    assert (judging_run.skipped_count, judging_run.pending_count) == (3, 0)
    assert set(judging_run.items.values_list("status", flat=True)) == {ItemStatus.SKIPPED}
    with pytest.raises(Conflict) as refused:
        cancel_judging_run(judging_run=judging_run, actor=member)
    assert refused.value.code == "already_ended"


def test_a_locked_run_is_neither_changed_nor_deleted(run: EvaluationRun, member: User) -> None:
    lock_run(run=run, actor=member)
    with pytest.raises(Conflict) as refused:
        update_run(run=run, actor=member, metrics=["P@2"])
    assert refused.value.code == "run_locked"
    with pytest.raises(Conflict) as refused:
        delete_run(run=run, actor=member)
    assert refused.value.code == "run_locked"
    assert EvaluationRun.objects.filter(pk=run.pk).exists()


def test_new_metrics_are_computed_at_once(run: EvaluationRun, member: User) -> None:
    record_judgments(grades=[given(run, "a", "d1", 1)], actor=member)
    changed = update_run(run=run, actor=member, metrics=["P@2", "MRR"], name=" Better ")
    assert (changed.name, changed.metric_values) == ("Better", {"P@2": 0.5, "MRR": 1.0})
    changed = update_run(run=run, actor=member, relevant_from=2, judgments_wanted=3)
    assert (changed.metric_values, changed.judgments_wanted) == ({"P@2": 0.0, "MRR": 0.0}, 3)
    assert RunQuery.objects.get(run=run, text="a").metric_values == {"P@2": 0.0, "MRR": 0.0}


def test_the_metrics_of_a_large_run_are_renewed_in_the_background(
    run: EvaluationRun, member: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    queued: list[object] = []
    monkeypatch.setattr("judging.runs.evaluation_runs._INLINE_QUERIES", 1)
    monkeypatch.setattr(queue, "enqueue_metrics", queued.append)
    update_run(run=run, actor=member, metrics=["P@2"])
    assert queued == [run.pk]
    assert RunQuery.objects.filter(run=run, has_stale_metrics=True).count() == 2


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"metrics": ["NDCG@0"]}, "metrics"),
        ({"metrics": []}, "metrics"),
        ({"relevant_from": 5}, "relevant_from"),
        ({"relevant_from": 0}, "relevant_from"),
        ({"judgments_wanted": 0}, "judgments_wanted"),
        ({"name": " "}, "name"),
        ({"name": "x\0"}, "name"),
    ],
)
def test_wrong_changes_are_refused_and_nothing_is_written(
    run: EvaluationRun, member: User, changes: dict[str, object], field: str
) -> None:
    with pytest.raises(Invalid) as refused:
        update_run(run=run, actor=member, **changes)  # type: ignore[arg-type]
    assert set(refused.value.errors) == {field}
    before = (run.name, run.metrics, run.relevant_from)
    run.refresh_from_db()
    assert (run.name, run.metrics, run.relevant_from) == before


def test_deleting_a_run_leaves_the_corpus_s_judgments(run: EvaluationRun, member: User) -> None:
    record_judgments(grades=[given(run, "a", "d1", 1)], actor=member)
    ai_grades(run, {("a", "d2"): 1})
    delete_run(run=run, actor=member)
    assert not EvaluationRun.objects.exists()
    assert not JudgingRun.objects.exists()
    assert Judgment.objects.count() == 2


def test_a_run_that_is_being_judged_is_not_deleted(run: EvaluationRun, member: User) -> None:
    judging_run = start_judging_run(evaluation_run=run, judge=make_judge(), actor=member)
    with pytest.raises(Conflict) as refused:
        delete_run(run=run, actor=member)
    assert refused.value.code == "run_being_judged"
    cancel_judging_run(judging_run=judging_run, actor=member)
    delete_run(run=run, actor=member)
    assert not EvaluationRun.objects.exists()
