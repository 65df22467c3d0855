"""Queries assigned to people: who gets which, what Evaluate offers then, and who gives theirs back."""

from collections import Counter
from uuid import uuid4

import pytest

from judging.foundation.errors import Conflict, Invalid, NotFound
from judging.models import Assignment, AuditEvent, EvaluationRun, Role, User
from judging.people.accounts import update_member
from judging.records.roles import SYSTEM
from judging.review.handing_out import abstain, next_candidate
from judging.review.own_grades import open_candidates, progress_of
from judging.review.team.assigning import assign_queries, share_out
from judging.review.team.people import assignees, people_at_work, unassigned
from judging.runs.locks import lock_run
from tests.factories import candidate, make_run, make_user
from tests.review.test_grid import grade

pytestmark = [pytest.mark.django_db, pytest.mark.on_both]


@pytest.fixture
def run(db: None) -> EvaluationRun:
    """Queries of 3, 2, 1, 1 and 1 candidates."""
    return make_run({"a": ["d1", "d2", "d3"], "b": ["d1", "d2"], "c": ["d1"], "d": ["d1"], "e": ["d1"]})


@pytest.fixture
def ada(db: None) -> User:
    return make_user(Role.RATER)


@pytest.fixture
def bob(db: None) -> User:
    return make_user(Role.RATER)


def assign(run: EvaluationRun, actor: User, texts: str, *people: User) -> None:
    queries = run.run_queries.filter(text__in=list(texts)).values_list("pk", flat=True)
    assign_queries(run=run, run_query_ids=list(queries), people=[user.pk for user in people], actor=actor)


def share(run: EvaluationRun, actor: User, *people: User, only_unassigned: bool = False) -> None:
    share_out(run=run, people=[user.pk for user in people], actor=actor, only_unassigned=only_unassigned)


def assigned(run: EvaluationRun, user: User) -> str:
    return "".join(
        Assignment.objects.filter(run=run, user=user)
        .order_by("run_query__position")
        .values_list("run_query__text", flat=True)
    )


def offered(run: EvaluationRun, user: User) -> str:
    return "".join(dict.fromkeys(open_candidates(run, user).values_list("run_query__text", flat=True)))


def test_where_nothing_is_assigned_everybody_is_offered_everything(run: EvaluationRun, ada: User) -> None:
    assert offered(run, ada) == "abcde"


def test_one_is_offered_the_own_queries_and_others_the_rest(
    run: EvaluationRun, member: User, ada: User, bob: User
) -> None:
    assign(run, member, "bd", ada)
    assert [offered(run, user) for user in (ada, bob, member)] == ["bd", "ace", "ace"]
    assert (progress_of(run, ada).open_count, progress_of(run, bob).open_count) == (3, 5)


def test_an_assignment_in_one_run_limits_no_other(run: EvaluationRun, member: User, ada: User) -> None:
    assign(run, member, "b", ada)
    other = make_run({"a": ["d1"], "b": ["d1"]}, evaluation=run.evaluation)
    assert offered(other, ada) == "ab"


def test_what_is_done_of_an_assignment_is_not_open_any_more(run: EvaluationRun, member: User, ada: User) -> None:
    assign(run, member, "bc", ada)
    grade(run, ada, "b", "d1", 2)
    abstain(candidate=candidate(run, "c", "d1"), actor=ada, reason="in Finnish")
    progress = progress_of(run, ada)
    assert (progress.graded_count, progress.abstained_count, progress.open_count) == (1, 1, 1)
    grade(run, ada, "b", "d2", 2)
    assert next_candidate(run=run, actor=ada) is None


def test_who_is_not_assigned_may_grade_all_the_same(run: EvaluationRun, member: User, ada: User, bob: User) -> None:
    assign(run, member, "abcde", ada)
    grade(run, bob, "a", "d1", 3)
    assert progress_of(run, bob).graded_count == 1
    assert next_candidate(run=run, actor=bob) is None


def test_queries_change_hands_and_are_taken_back(run: EvaluationRun, member: User, ada: User, bob: User) -> None:
    for _ in range(2):
        assign(run, member, "ab", ada)
    assign(run, member, "bc", ada, bob)
    assert (assigned(run, ada), assigned(run, bob)) == ("abc", "bc")
    assign(run, member, "ac")
    assert (assigned(run, ada), assigned(run, bob)) == ("b", "b")


@pytest.mark.parametrize("wanted", [1, 2])
def test_shares_are_fair_by_candidates_and_each_query_has_enough_people(
    run: EvaluationRun, member: User, ada: User, bob: User, wanted: int
) -> None:
    EvaluationRun.objects.update(judgments_wanted=wanted)
    run.refresh_from_db()
    people = [ada, bob, member]
    share(run, member, *people)
    shares = {user: assigned(run, user) for user in people}
    assert Counter("".join(shares.values())) == dict.fromkeys("abcde", wanted)
    sizes = dict(run.run_queries.values_list("text", "candidate_count"))
    loads = [sum(sizes[text] for text in share) for share in shares.values()]
    assert max(loads) - min(loads) <= 1
    share(run, member, *reversed(people))
    assert {user: assigned(run, user) for user in people} == shares


def test_one_person_alone_gets_everything_however_many_are_wanted(run: EvaluationRun, member: User, ada: User) -> None:
    EvaluationRun.objects.update(judgments_wanted=3)
    run.refresh_from_db()
    share(run, member, ada)
    assert assigned(run, ada) == "abcde"


def test_the_rest_is_shared_without_taking_anything_away(
    run: EvaluationRun, member: User, ada: User, bob: User
) -> None:
    assign(run, member, "ab", ada)
    share(run, member, bob, only_unassigned=True)
    assert (assigned(run, ada), assigned(run, bob)) == ("ab", "cde")
    share(run, member)
    assert not Assignment.objects.exists()


def test_who_leaves_gives_theirs_back_and_keeps_their_grades(
    run: EvaluationRun, admin: User, ada: User, bob: User
) -> None:
    share(run, admin, ada, bob)
    grade(run, ada, "a", "d1", 3)
    given_back = assigned(run, ada)
    update_member(actor=admin, member_id=ada.pk, is_active=False)
    assert assigned(run, ada) == ""
    assert assigned(run, bob) != ""
    assert offered(run, admin) == given_back
    assert next(each for each in people_at_work(run) if each.user == ada).graded_count == 1


def test_only_open_runs_known_queries_and_open_accounts_are_taken(run: EvaluationRun, member: User, ada: User) -> None:
    closed = make_user(is_active=False)
    for people in ([closed.pk], [uuid4()]):
        with pytest.raises(Invalid):
            share_out(run=run, people=people, actor=member)
    with pytest.raises(Invalid):
        share(run, member, only_unassigned=True)
    with pytest.raises(Invalid):
        assign_queries(run=run, run_query_ids=[], people=[ada.pk], actor=member)
    other = make_run({"x": ["d1"]}).run_queries.get()
    with pytest.raises(NotFound):
        assign_queries(run=run, run_query_ids=[other.pk], people=[ada.pk], actor=member)
    lock_run(run=run, actor=member)
    with pytest.raises(Conflict):
        share(run, member, ada)
    assert not Assignment.objects.exists()


def test_assigning_is_audited_with_who_got_how_much(run: EvaluationRun, ada: User) -> None:
    share_out(run=run, people=[ada.pk], actor=SYSTEM)
    event = AuditEvent.objects.get(action="queries_assigned")
    assert (event.subject_id, event.detail) == (str(run.pk), {"queries": 5, "people": [ada.email]})


def test_what_nobody_has_is_counted(run: EvaluationRun, member: User, ada: User) -> None:
    grade(run, member, "a", "d1", 3)
    free = unassigned(run)
    assert (free.query_count, free.left_count) == (5, 7)
    assign(run, member, "ab", ada)
    free = unassigned(run)
    assert (free.query_count, free.left_count) == (3, 3)
    (query,) = run.run_queries.filter(text="a")
    assert assignees([query.pk]) == {query.pk: [ada]}
