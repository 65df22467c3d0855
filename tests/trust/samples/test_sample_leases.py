"""Items of a check sample handed out: never the same to two people, given back, renewed, skipped and served again."""

import threading
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from judging.foundation.errors import Conflict, Invalid
from judging.foundation.limits import LEASED_FOR
from judging.models import Abstention, CheckSample, EvaluationRun, GradingHold, Judgment, User
from judging.review.handing_out import hold, next_candidate, release_holds
from judging.runs.locks import lock_run
from judging.trust.samples.acts import item_candidate, skip_item
from judging.trust.samples.handing_out import HandedItem, leased_candidates, next_items
from tests.factories import candidate, make_evaluation, make_run, make_user
from tests.trust.sampled import grade, pair_of, start, state_of

DOCUMENTS = [f"d{rank}" for rank in range(1, 6)]
RELEVANT = {(query, document): 1 for query in ("a", "b", "c") for document in DOCUMENTS}


@pytest.fixture
def run(db: None) -> EvaluationRun:
    return make_run({"a": DOCUMENTS, "b": DOCUMENTS})


@pytest.fixture
def sample(run: EvaluationRun) -> CheckSample:
    return start(run, metric="P@5")


def take(sample: CheckSample, person: User, count: int = 40) -> list[HandedItem]:
    return next_items(sample=sample, actor=person, count=count).items


def pairs(items: list[HandedItem]) -> list[tuple[str, str]]:
    return [pair_of(item) for item in items]


@pytest.mark.on_both
def test_two_people_get_different_items_grouped_by_query(sample: CheckSample) -> None:
    ada, grace = make_user(), make_user()
    first, second = take(sample, ada, 6), take(sample, grace, 6)
    assert (len(first), len(second)) == (6, 4)
    assert not set(pairs(first)) & set(pairs(second))
    assert [item.position for item in sorted(first, key=lambda item: item.position)] == [1, 2, 3, 4, 5, 6]
    queries = [query for query, _ in pairs(first)]
    assert queries == sorted(queries, key=queries.index)
    assert take(sample, make_user()) == []
    # The next one first gives back what is not done.
    assert set(pairs(take(sample, ada, 6))) == set(pairs(first))


@pytest.mark.on_both
def test_a_lease_ends_after_half_an_hour_and_each_grade_renews_it(sample: CheckSample, member: User) -> None:
    items = take(sample, member, 4)
    soon = timezone.now() + timedelta(minutes=1)
    GradingHold.objects.update(until=soon)
    grade(member, items[:1], RELEVANT)
    assert leased_candidates(sample, member) == [item.candidate.pk for item in items[1:]]
    for until in GradingHold.objects.values_list("until", flat=True):
        assert timedelta(0) < timezone.now() + LEASED_FOR - until < timedelta(seconds=30)
    GradingHold.objects.update(until=soon)
    skip_item(sample=sample, candidate=items[1].candidate, reason="in Greek", actor=member)
    assert set(GradingHold.objects.values_list("until", flat=True)).isdisjoint({soon})
    assert len(leased_candidates(sample, member)) == 2
    GradingHold.objects.update(until=timezone.now())
    assert leased_candidates(sample, member) == []
    other = make_user()
    assert {pair_of(item) for item in items[2:]} <= set(pairs(take(sample, other)))
    assert GradingHold.objects.filter(user=member).count() == 0


@pytest.mark.on_both
def test_what_one_skips_is_passed_over_and_asked_of_others_last(sample: CheckSample) -> None:
    ada, grace = make_user(), make_user()
    (item,) = take(sample, ada, 1)
    skip_item(sample=sample, candidate=item.candidate, reason="in Greek", actor=ada)
    assert Abstention.objects.get().reason == "in Greek"
    assert item.position not in [other.position for other in take(sample, ada)]
    assert next_items(sample=sample, actor=ada, count=1).items
    ada_s = take(sample, ada, 8)
    assert [each.position for each in take(sample, grace)][-1] == item.position
    grade(ada, ada_s, RELEVANT)
    assert item.position in [each.position for each in take(sample, grace)]
    for each in take(sample, grace):
        grade(grace, [each], RELEVANT)
    state = state_of(sample)
    assert (state.graded_count, state.skipped_count, state.status) == (10, 0, "exhausted")


def test_what_was_graded_having_seen_the_ai_s_goes_to_somebody_else(sample: CheckSample) -> None:
    ada, grace = make_user(), make_user()
    (item,) = take(sample, ada, 1)
    grade(ada, [item], RELEVANT)
    Judgment.objects.update(saw_ai_grade=True, blind_grade=None)
    assert item.position not in [each.position for each in take(sample, ada)]
    GradingHold.objects.all().delete()
    assert take(sample, grace)[-1].position == item.position


def test_leases_and_the_evaluate_page_leave_each_other_alone(run: EvaluationRun, sample: CheckSample) -> None:
    ada, grace = make_user(), make_user()
    held = next_candidate(run=run, actor=ada)
    assert held is not None
    others = {item.candidate.pk for item in take(sample, grace, 6)}
    # What ada holds on the Evaluate page is hers to be sampled; what is leased is not shown to anybody there.
    leased = {item.candidate.pk for item in take(sample, ada)}
    assert held.pk in leased
    assert not leased & others
    assert len(leased | others) == 10
    for person in (ada, grace, make_user()):
        assert next_candidate(run=run, actor=person) is None
        release_holds(run=run, actor=person)
    assert GradingHold.objects.count() == 10
    one = next(iter(leased))
    assert not hold(candidate=GradingHold.objects.get(candidate_id=one).candidate, actor=ada)
    assert GradingHold.objects.get(candidate_id=one).sample_id == sample.pk


def test_what_somebody_holds_on_the_evaluate_page_is_not_handed_out(run: EvaluationRun, sample: CheckSample) -> None:
    ada, grace = make_user(), make_user()
    held = next_candidate(run=run, actor=ada)
    assert held is not None
    assert held.pk not in {item.candidate.pk for item in take(sample, grace)}


@pytest.mark.on_both
def test_a_pair_of_another_run_is_the_same_item(run: EvaluationRun, sample: CheckSample) -> None:
    other = make_run({"a": DOCUMENTS, "b": DOCUMENTS}, evaluation=make_evaluation(run.evaluation.corpus))
    twin = start(other, metric="P@5")
    ada, grace = make_user(), make_user()
    first, second = pairs(take(sample, ada, 7)), pairs(take(twin, grace, 10))
    assert len(second) == 3
    assert not set(first) & set(second)
    shown = next_candidate(run=other, actor=make_user())
    assert shown is None


def test_deleting_a_sample_gives_its_leases_back(sample: CheckSample, member: User) -> None:
    take(sample, member)
    sample.delete()
    assert not GradingHold.objects.exists()


def test_a_locked_or_unfinished_run_hands_out_nothing(run: EvaluationRun, sample: CheckSample, member: User) -> None:
    row = candidate(run, "a", "d1")
    lock_run(run=run, actor=member)
    sample.refresh_from_db()
    row.refresh_from_db()
    for act in (
        lambda: next_items(sample=sample, actor=member),
        lambda: skip_item(sample=sample, candidate=row, reason="x", actor=member),
        lambda: start(run, metric="P@5"),
    ):
        with pytest.raises(Conflict) as refusal:
            act()
        assert refusal.value.code == "run_locked"
    with pytest.raises(Conflict) as refusal:
        start(make_run({"a": ["d1"]}, status="pending"), metric="P@5")
    assert refusal.value.code == "run_not_completed"


def test_a_skip_wants_a_reason_and_an_item_of_the_sample(run: EvaluationRun, sample: CheckSample, member: User) -> None:
    row = candidate(run, "a", "d1")
    with pytest.raises(Invalid):
        skip_item(sample=sample, candidate=row, reason=" ", actor=member)
    assert item_candidate(sample, run_query_id=row.run_query_id, document_key="d1") == row


@pytest.mark.on_both
@pytest.mark.django_db(transaction=True)
def test_people_who_ask_at_the_same_moment_get_different_items() -> None:
    run = make_run(dict.fromkeys(("a", "b", "c"), DOCUMENTS))
    sample = start(run, metric="P@5")
    people = [make_user() for _ in range(4)]
    got: list[list[tuple[str, str]]] = []
    barrier = threading.Barrier(len(people))

    def ask(person: User) -> None:
        barrier.wait()
        try:
            got.append(pairs(take(sample, person, 4)))
        finally:
            connection.close()

    threads = [threading.Thread(target=ask, args=(person,)) for person in people]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    everything: list[Any] = [pair for items in got for pair in items]
    assert len(everything) == len(set(everything)) == 15
