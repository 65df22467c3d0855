"""Golden sets from their drawing to a check's outcome: once against a provider on the loopback, else with set replies."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from judging.foundation.errors import Conflict, Invalid
from judging.golden.acts import (
    cancel_golden_check,
    create_golden_set,
    delete_golden_set,
    reschedule_golden_set,
    start_golden_check,
)
from judging.judges.judges import delete_judge, save_judge
from judging.management.rescuing import rescue_all
from judging.models import (
    AuditEvent,
    Call,
    Candidate,
    EvaluationRun,
    GoldenCheck,
    GoldenItem,
    GoldenPair,
    GoldenSet,
    JudgingItem,
    Judgment,
    Lane,
    User,
)
from judging.runs.evaluations import delete_run
from tests.draining import drain
from tests.factories import make_judge
from tests.golden.golden_sets import MODEL, answer, check, golden_run, golden_set, watched_set
from tests.stub.fixtures import Stub
from tests.stub.script import expected_grade

pytestmark = pytest.mark.django_db


def outcomes(watched: GoldenSet) -> list[str]:
    return list(watched.checks.order_by("created_at").values_list("outcome", flat=True))


def drawn(watched: GoldenSet) -> list[tuple[str, str]]:
    pairs = watched.pairs.order_by("position")
    return list(pairs.values_list("run_query__query__text", "document_version__document__external_id"))


@pytest.mark.on_both
@pytest.mark.django_db(transaction=True)
def test_a_steady_judge_is_quiet_beside_its_four_judgings(stub: Stub, member: User) -> None:
    watched = golden_set(stub, member)
    baseline = watched.checks.get()
    assert (baseline.is_baseline, baseline.baseline_reason, baseline.total_count) == (True, "first", 80)
    candidates = list(Candidate.objects.order_by("pk").values())
    drain()
    assert outcomes(watched) == ["baseline"]
    started = start_golden_check(golden_set=watched, actor=member)
    drain()
    found = GoldenCheck.objects.get(pk=started.pk)
    assert (found.status, found.outcome, found.total_count, found.compared_count) == ("completed", "quiet", 20, 20)
    # It never strayed, so there is nothing to measure a shift by.
    assert (found.z, found.shift, found.flip_count) == (None, 0.0, 0)
    assert found.models_returned == [MODEL]
    assert found.baseline == baseline
    # Nothing of it becomes a judgment or touches a candidate.
    assert Judgment.objects.count() == JudgingItem.objects.count() == 0
    assert list(Candidate.objects.order_by("pk").values()) == candidates


def test_a_deterministic_judge_is_caught_by_its_first_flip(member: User) -> None:
    watched = watched_set(member)
    query, document = drawn(watched)[0]
    found = check(watched, member, {document: (expected_grade(query, document) + 1) % 5})
    assert (found.outcome, found.flip_count) == ("alarm", 1)


def test_a_noisy_judge_is_measured_by_its_own_spread(member: User) -> None:
    watched = golden_set(None, member, query_count=12, per_query=3)
    documents = [document for _, document in drawn(watched)]
    grades = dict.fromkeys(documents, 2)
    baseline = answer(watched.checks.get(), grades)
    # One judging of the baseline saw three documents otherwise.
    GoldenItem.objects.filter(golden_check=baseline, repeat=2, pair__position__in=[0, 10, 20]).update(grade=3)
    quiet = check(watched, member, grades)
    assert quiet.outcome == "quiet"
    assert quiet.z is not None
    assert -3 < quiet.z < 0
    drifted = check(watched, member, {**grades, **dict.fromkeys(documents[:20], 3)})
    assert drifted.outcome == "alarm"
    assert drifted.z is not None
    assert drifted.z > 3
    # Sums of small shifts go on from the check before.
    assert drifted.cusum_up == pytest.approx(quiet.cusum_up + drifted.z - 0.5)


@pytest.mark.django_db(transaction=True)
def test_a_failed_call_is_no_grade(stub: Stub, member: User) -> None:
    watched = watched_set(member, stub=stub)
    stub.script(by_candidate={drawn(watched)[0][1]: "prose"})
    started = start_golden_check(golden_set=watched, actor=member)
    drain()
    found = GoldenCheck.objects.get(pk=started.pk)
    assert (found.outcome, found.failed_count, found.compared_count, found.flip_count) == ("quiet", 2, 18, 0)
    found = check(watched, member, failed=[document for _, document in drawn(watched)[:6]])
    assert (found.outcome, found.failed_count, found.compared_count, found.z) == ("incomplete", 6, 14, None)


def test_a_baseline_that_lacks_answers_is_begun_anew(member: User) -> None:
    watched = golden_set(None, member)
    answer(watched.checks.get(), failed=[document for _, document in drawn(watched)])
    assert outcomes(watched) == ["incomplete"]
    again = check(watched, member)
    assert (again.is_baseline, again.baseline_reason, again.outcome) == (True, "incomplete", "baseline")


def test_another_model_s_name_begins_a_new_baseline_and_says_so(member: User) -> None:
    watched = watched_set(member)
    found = check(watched, member, model="stub-model-2026-06-01")
    assert (found.outcome, found.models_returned) == ("model_changed", ["stub-model-2026-06-01"])
    following = watched.checks.order_by("created_at").last()
    assert following is not None
    answer(following, model="stub-model-2026-06-01")
    following.refresh_from_db()
    assert (following.baseline_reason, following.outcome, following.created_by) == ("model_changed", "baseline", None)
    assert check(watched, member, model="stub-model-2026-06-01").outcome == "quiet"
    assert outcomes(watched) == ["baseline", "model_changed", "baseline", "quiet"]


def test_a_new_judge_version_begins_a_new_baseline(member: User, admin: User) -> None:
    watched = watched_set(member)
    save_judge(actor=admin, judge=watched.judge, fields={"temperature": 0.5})
    found = check(watched, member)
    assert (found.baseline_reason, found.outcome, found.judge_version.number) == ("version_changed", "baseline", 2)
    assert check(watched, member).outcome == "quiet"


@pytest.mark.on_both
def test_the_same_run_draws_the_same_pairs(member: User) -> None:
    run = golden_run()
    first, second = (golden_set(None, member, run=run, name=name) for name in ("one", "two"))
    assert drawn(first) == drawn(second)
    assert len({query for query, _ in drawn(first)}) == 10


def test_what_can_t_be_made_says_why(member: User) -> None:
    judge, run = make_judge(), golden_run()
    make: dict[str, Any] = {"judge": judge, "actor": member, "name": "x"}
    with pytest.raises(Conflict) as refused:
        create_golden_set(evaluation_run=run, **make)
    assert refused.value.code == "too_few_candidates"
    with pytest.raises(Conflict) as refused:
        create_golden_set(evaluation_run=golden_run(status="running"), **make)
    assert refused.value.code == "run_not_completed"
    for wrong in ({"query_count": 9}, {"per_query": 0}, {"every_days": 0}, {"every_days": 366}, {"name": " "}):
        with pytest.raises(Invalid):
            create_golden_set(evaluation_run=run, **{**make, **wrong})
    assert GoldenSet.objects.count() == GoldenCheck.objects.count() == 0


@pytest.mark.on_both
def test_one_check_of_a_set_at_a_time(member: User) -> None:
    watched = golden_set(None, member)
    with pytest.raises(Conflict) as refused:
        start_golden_check(golden_set=watched, actor=member)
    assert refused.value.code == "check_under_way"


def test_a_cancelled_check_says_nothing(member: User) -> None:
    watched = watched_set(member)
    started = start_golden_check(golden_set=watched, actor=member)
    cancelled = cancel_golden_check(check=started, actor=member)
    assert (cancelled.status, cancelled.outcome, cancelled.skipped_count) == ("cancelled", "incomplete", 20)
    assert cancel_golden_check(check=started, actor=member).status == "cancelled"
    with pytest.raises(Conflict) as refused:
        cancel_golden_check(check=watched.checks.earliest("created_at"), actor=member)
    assert refused.value.code == "already_ended"


@pytest.mark.on_both
def test_the_same_request_makes_one_set_and_one_check(member: User) -> None:
    run = golden_run()
    first = golden_set(None, member, run=run, idempotency_key="k")
    same: dict[str, Any] = {
        "evaluation_run": run,
        "judge": first.judge,
        "actor": member,
        "query_count": 10,
        "per_query": 2,
    }
    assert create_golden_set(name="Watched", idempotency_key="k", **same) == first
    answer(first.checks.get())
    started = start_golden_check(golden_set=first, actor=member, idempotency_key="c")
    assert start_golden_check(golden_set=first, actor=member, idempotency_key="c") == started
    with pytest.raises(Conflict) as refused:
        create_golden_set(name="Other", idempotency_key="k", **same)
    assert refused.value.code == "idempotency_key_reused"


@pytest.mark.on_both
def test_the_supervisor_s_tick_checks_what_is_due_once(member: User) -> None:
    watched, by_hand = watched_set(member, every_days=7), watched_set(member, name="By hand")
    rescue_all()
    assert watched.checks.count() == 1, "the baseline is younger than seven days"
    GoldenCheck.objects.update(created_at=timezone.now() - timedelta(days=7, minutes=1))
    rescue_all()
    rescue_all()
    assert (watched.checks.count(), by_hand.checks.count()) == (2, 1)
    latest = watched.checks.latest("created_at")
    assert (answer(latest).outcome, latest.created_by) == ("quiet", None)


def test_sets_of_a_deleted_judge_are_never_due(member: User, admin: User) -> None:
    watched = watched_set(member, every_days=1)
    GoldenCheck.objects.update(created_at=timezone.now() - timedelta(days=2))
    assert delete_judge(actor=admin, judge=watched.judge), "it is archived"
    rescue_all()
    assert watched.checks.count() == 1


def test_a_conclusion_that_was_cut_short_is_caught_up_on(member: User) -> None:
    watched = watched_set(member)
    GoldenCheck.objects.update(outcome="")
    rescue_all()
    assert outcomes(watched) == ["baseline"]


@pytest.mark.on_both
def test_a_set_is_rescheduled_and_deleted_with_all_its_checks(member: User) -> None:
    watched = golden_set(None, member)
    with pytest.raises(Conflict):
        delete_golden_set(golden_set=watched, actor=member)
    answer(watched.checks.get())
    assert reschedule_golden_set(golden_set=watched, actor=member, every_days=30).every_days == 30
    delete_golden_set(golden_set=watched, actor=member)
    for rows in (GoldenSet, GoldenPair, GoldenCheck, GoldenItem, Call, Lane):
        assert rows.objects.count() == 0
    actions = list(AuditEvent.objects.order_by("pk").values_list("action", flat=True))
    assert actions == [
        "golden_set_created", "golden_baseline_started", "golden_set_rescheduled", "golden_set_deleted",
    ]  # fmt: skip


def test_a_run_is_deleted_with_its_golden_sets(member: User, admin: User) -> None:
    run = golden_run()
    watched = golden_set(None, member, run=run)
    with pytest.raises(Conflict):
        delete_run(actor=admin, run=run)
    answer(watched.checks.get())
    delete_run(actor=admin, run=run)
    assert EvaluationRun.objects.count() == GoldenSet.objects.count() == GoldenItem.objects.count() == 0
