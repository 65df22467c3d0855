"""AI judging and the lock of an evaluation run."""

import pytest

from judging.foundation.errors import Conflict
from judging.judging_runs.starting import cancel_judging_run
from judging.models import JudgingRun, JudgingRunStatus, User
from judging.runs.evaluations import delete_run
from judging.runs.locks import lock_run, unlock_run
from judging.work.slices import work_slice
from tests.draining import drain
from tests.judging_runs.judging import (
    Start,
    cached_grades,
    grades_of_record,
    in_background,
    reread,
    small_run,
    wait_until,
)
from tests.review.giving import GivenGrade, record_judgments
from tests.stub.fixtures import Stub


@pytest.mark.on_both
def test_a_lock_ends_judging_under_way_and_late_replies_are_kept_without_a_judgment(
    start: Start, stub: Stub, member: User
) -> None:
    stub.script(delay_ms=300)
    run = start(small_run(10, 10), max_concurrency=4)
    with in_background(work_slice, run.lanes.get().pk):
        wait_until(lambda: JudgingRun.objects.get(pk=run.pk).judged_count > 0 and stub.in_flight > 0)
        lock_run(run=run.evaluation_run, actor=member)
        judged = len(grades_of_record(run.evaluation_run))
    run = reread(run)
    assert (run.status, run.error_code) == (JudgingRunStatus.FAILED, "run_locked")
    assert run.judged_count == judged == len(grades_of_record(run.evaluation_run))
    assert run.call_count > run.judged_count, "the late replies are kept with their calls"
    assert run.items.filter(status="skipped", call__isnull=False).count() == run.call_count - run.judged_count
    assert run.pending_count == 0


@pytest.mark.on_both
def test_replies_that_land_after_a_cancel_and_a_lock_change_nothing_of_the_locked_run(
    start: Start, stub: Stub, member: User
) -> None:
    stub.script(delay_ms=600, by_candidate={"d0-1": "prose"})
    run = start(small_run(1, 4), max_concurrency=4, max_reasks=0)
    with in_background(work_slice, run.lanes.get().pk):
        wait_until(lambda: stub.in_flight == 4)
        cancel_judging_run(judging_run=run, actor=member)
        lock_run(run=run.evaluation_run, actor=member)
    run = reread(run)
    assert (run.status, run.judged_count, run.failed_count, run.skipped_count) == ("cancelled", 0, 0, 4)
    assert run.call_count == 4, "the late replies are kept with their calls"
    assert not run.evaluation_run.candidates.exclude(last_item_status="").exists()
    unlock_run(run=run.evaluation_run, actor=member)
    assert grades_of_record(run.evaluation_run) == {}


@pytest.mark.on_both
def test_deleting_a_run_with_calls_in_flight_ends_the_slice_in_silence(
    start: Start, stub: Stub, member: User, caplog: pytest.LogCaptureFixture
) -> None:
    stub.script(delay_ms=600)
    run = start(small_run(1, 4), max_concurrency=4)
    with in_background(work_slice, run.lanes.get().pk):
        wait_until(lambda: stub.in_flight == 4)
        cancel_judging_run(judging_run=run, actor=member)
        delete_run(run=run.evaluation_run, actor=member)
    assert not JudgingRun.objects.exists()
    assert [record for record in caplog.records if record.levelname == "ERROR"] == []


def test_a_locked_run_is_refused_everywhere_and_stands_still(start: Start, member: User) -> None:
    one = small_run()
    other = small_run(evaluation=one.evaluation)
    start(one)
    drain()
    query = one.run_queries.get(position=1)
    record_judgments(grades=[GivenGrade(query.pk, "d0-0", 3, saw_ai_grade=False)], actor=member)
    one.refresh_from_db()
    before = (cached_grades(one), one.metric_values)
    lock_run(run=one, actor=member)
    with pytest.raises(Conflict) as caught:
        record_judgments(grades=[GivenGrade(query.pk, "d0-0", 0)], actor=member)
    assert caught.value.code == "run_locked"
    with pytest.raises(Conflict) as caught:
        start(one)
    assert caught.value.code == "run_locked"
    with pytest.raises(Conflict):
        lock_run(run=one, actor=member)
    # given elsewhere in the corpus: accepted, and not seen here
    other_query = other.run_queries.get(position=1)
    record_judgments(grades=[GivenGrade(other_query.pk, "d0-0", 0)], actor=member)
    one.refresh_from_db()
    assert (cached_grades(one), one.metric_values) == before
    assert one.locked_judgments.get(external_id="d0-0", author_kind="member").grade == 3
    assert cached_grades(other)["d0-0"][1] == 0
    unlock_run(run=one, actor=member)
    assert cached_grades(one)["d0-0"][1] == 0
    assert not one.locked_judgments.exists()


@pytest.mark.on_both
def test_a_judging_run_on_one_run_leaves_a_locked_run_of_the_corpus_alone(start: Start, member: User) -> None:
    one = small_run()
    locked = small_run(evaluation=one.evaluation)
    lock_run(run=locked, actor=member)
    start(one)
    drain()
    assert set(cached_grades(locked).values()) == {(None, None)}
