"""Candidates handed to human judges: in order, to one person at a time, until each has graded what is wanted."""

import threading
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from judging.foundation.errors import Conflict, Invalid
from judging.ledger import PersonGrade
from judging.models import Abstention, Candidate, EvaluationRun, GradingHold, User
from judging.review.handing_out import abstain, hold, next_candidate
from judging.review.own_grades import own_grades, progress_of
from judging.review.reviewing import confirm_ai_grades, grade_candidates
from judging.runs.locks import lock_run
from tests.factories import make_run, make_user
from tests.review.test_grid import ai_grades, grade


@pytest.fixture
def run(db: None) -> EvaluationRun:
    return make_run({"a": ["d1", "d2"], "b": ["d1", "d3"]})


def shown(run: EvaluationRun, user: User, after: Candidate | None = None) -> Candidate:
    candidate = next_candidate(run=run, actor=user, after=after)
    assert candidate is not None
    return candidate


def name(candidate: Candidate | None) -> str:
    return f"{candidate.run_query.text}{candidate.document.external_id}" if candidate else "nothing"


def give(run: EvaluationRun, user: User, candidate: Candidate, value: int | None = 1) -> list[PersonGrade]:
    return grade_candidates(run=run, grades=[PersonGrade(candidate.pk, value)], actor=user)


@pytest.mark.on_both
def test_candidates_come_in_query_and_rank_order_until_none_is_open(run: EvaluationRun, member: User) -> None:
    seen, after = [], None
    while (candidate := next_candidate(run=run, actor=member, after=after)) is not None:
        seen.append(name(candidate))
        give(run, member, candidate)
        after = candidate
    assert seen == ["ad1", "ad2", "bd1", "bd3"]
    assert not GradingHold.objects.exists()


def test_only_candidates_that_want_more_people_are_shown(run: EvaluationRun) -> None:
    ada, grace = make_user(), make_user()
    give(run, ada, shown(run, ada))
    assert name(shown(run, ada)) == "ad2"
    assert name(shown(run, grace)) == "bd1"
    EvaluationRun.objects.filter(pk=run.pk).update(judgments_wanted=2)
    run.refresh_from_db()
    assert name(shown(run, grace)) == "ad1"
    assert name(shown(run, ada)) == "ad2"


def test_an_ai_grade_does_not_close_a_candidate(run: EvaluationRun, member: User) -> None:
    ai_grades(run, {("a", "d1"): 4})
    assert name(shown(run, member)) == "ad1"


def test_two_people_get_different_ones_for_five_minutes(run: EvaluationRun) -> None:
    ada, grace = make_user(), make_user()
    first = shown(run, ada)
    assert name(shown(run, grace)) == "ad2"
    assert shown(run, ada) == first
    GradingHold.objects.filter(user=ada).update(until=timezone.now() - timedelta(seconds=1))
    assert shown(run, grace) == first
    assert name(shown(run, ada)) == "ad2"


def test_going_on_lets_go_of_the_one_before(run: EvaluationRun) -> None:
    ada, grace = make_user(), make_user()
    first = shown(run, ada)
    shown(run, ada, after=first)
    assert GradingHold.objects.filter(user=ada).count() == 1
    assert shown(run, grace) == first


@pytest.mark.on_both
def test_a_candidate_held_by_others_comes_when_nothing_else_is_left(db: None) -> None:
    run, ada, grace = make_run({"a": ["d1"]}), make_user(), make_user()
    only = shown(run, ada)
    assert shown(run, grace) == only
    assert GradingHold.objects.get().user == ada


@pytest.mark.on_both
def test_what_was_skipped_comes_back_last(run: EvaluationRun, member: User) -> None:
    first = shown(run, member)
    second = shown(run, member, after=first)
    seen = [name(second)]
    give(run, member, second)
    for _ in range(2):
        following = shown(run, member, after=second)
        seen.append(name(following))
        give(run, member, following)
        second = following
    assert seen == ["ad2", "bd1", "bd3"]
    assert shown(run, member, after=second) == first
    assert shown(run, member, after=first) == first


def test_i_cant_tell_is_kept_with_its_reason_and_not_asked_again(run: EvaluationRun, member: User) -> None:
    first = shown(run, member)
    with pytest.raises(Invalid):
        abstain(candidate=first, actor=member, reason="  ")
    with pytest.raises(Invalid):
        abstain(candidate=first, actor=member, reason="x" * 501)
    with pytest.raises(Invalid):
        abstain(candidate=first, actor=member, reason="a\x00b")
    abstain(candidate=first, actor=member, reason="in Finnish")
    abstain(candidate=first, actor=member, reason=" in Swedish ")
    assert Abstention.objects.get().reason == "in Swedish"
    assert name(shown(run, member)) == "ad2"
    assert shown(run, make_user()) == first


@pytest.mark.on_both
def test_progress_counts_ones_own_work_and_what_is_open(run: EvaluationRun) -> None:
    ada, grace = make_user(), make_user()
    assert progress_of(run, ada).open_count == 4
    give(run, ada, shown(run, ada))
    abstain(candidate=shown(run, ada), actor=ada, reason="no idea")
    for user, counts in ((ada, (1, 1, 2)), (grace, (0, 0, 3))):
        progress = progress_of(run, user)
        assert (progress.graded_count, progress.abstained_count, progress.open_count) == counts
    EvaluationRun.objects.filter(pk=run.pk).update(judgments_wanted=2)
    run.refresh_from_db()
    for user, counts in ((ada, (1, 1, 2)), (grace, (0, 0, 4))):
        progress = progress_of(run, user)
        assert (progress.graded_count, progress.abstained_count, progress.open_count) == counts
    assert progress_of(run, ada).total_count == 4


def test_a_locked_or_unfinished_run_hands_out_nothing(run: EvaluationRun, member: User) -> None:
    candidate = shown(run, member)
    lock_run(run=run, actor=member)
    run.refresh_from_db()
    candidate.refresh_from_db()
    for act in (
        lambda: next_candidate(run=run, actor=member),
        lambda: abstain(candidate=candidate, actor=member, reason="late"),
        lambda: give(run, member, candidate),
    ):
        with pytest.raises(Conflict):
            act()
    with pytest.raises(Conflict):
        next_candidate(run=make_run(status="pending"), actor=member)


def test_grading_tells_what_was_before_so_that_it_can_be_given_back(run: EvaluationRun, member: User) -> None:
    candidate = shown(run, member)
    nothing = PersonGrade(candidate.pk)
    assert give(run, member, candidate, 3) == [nothing]
    (before,) = give(run, member, candidate, 1)
    assert before.grade == 3
    grade_candidates(run=run, grades=[before], actor=member)
    assert own_grades(run, [candidate.pk], member)[candidate.pk] == before


def test_confirming_leaves_alone_what_has_no_ai_grade_or_another_by_now(run: EvaluationRun, member: User) -> None:
    ai_grades(run, {("a", "d1"): 4, ("a", "d2"): 2})
    d1, d2, d3, _ = Candidate.objects.filter(run=run)
    confirmed = confirm_ai_grades(run=run, seen={d1.pk: 4, d2.pk: 3, d3.pk: None}, actor=member)
    assert ([grade.candidate_pk for grade in confirmed.before], confirmed.without_ai_grade) == ([d1.pk], 1)
    assert confirmed.changed_meanwhile == 1
    assert own_grades(run, [d1.pk, d2.pk], member) == {
        d1.pk: PersonGrade(d1.pk, 4, "", True),
        d2.pk: PersonGrade(d2.pk),
    }
    grade(run, member, "a", "d1", None)


@pytest.mark.on_both
@pytest.mark.django_db(transaction=True)
def test_people_who_come_at_the_same_moment_get_different_candidates() -> None:
    run = make_run({f"q{number}": ["d1", "d2"] for number in range(4)})
    users = [make_user() for _ in range(4)]
    together = threading.Barrier(len(users))
    got: list[Any] = []

    def work(user: User) -> None:
        try:
            together.wait(60)
            for _ in range(2):
                candidate = next_candidate(run=run, actor=user)
                got.append(candidate.pk if candidate else None)
                if candidate is not None:
                    give(run, user, candidate)
        except Exception as error:
            got.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=work, args=[user]) for user in users]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(got, key=str) == sorted(Candidate.objects.filter(run=run).values_list("pk", flat=True), key=str)


@pytest.mark.on_both
def test_a_hold_is_taken_by_one_person_only(run: EvaluationRun) -> None:
    candidate = Candidate.objects.filter(run=run)[0]
    ada, grace = make_user(), make_user()
    assert [hold(candidate=candidate, actor=user) for user in (ada, grace, ada)] == [True, False, True]
