"""What a check sample says: computed from the grades that count now, exact once everything is graded."""

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from django.utils import timezone

from judging.foundation.errors import Conflict
from judging.models import Candidate, CheckSample, EvaluationRun, Judgment, LockedJudgment, User
from judging.runs.locks import lock_run
from judging.runs.run_lists import get_evaluation_run
from judging.trust.samples.acts import preview_check_sample, skip_item
from judging.trust.samples.handing_out import next_items
from tests.databases import Standing
from tests.factories import make_evaluation, make_run, make_user
from tests.trust.graded import give_grades, make_graded_run
from tests.trust.sampled import grade, grade_beginning, grade_queue, pair_of, start, state_of

pytestmark = pytest.mark.django_db

QUERIES, DEPTH = 12, 12
METRICS = ["P@10", "DCG@5", "SDCG@10", "RBP", "NDCG@5", "NDCG_lin@5", "MAP", "MRR@10", "ERR@10", "Recall@5", "F1@5"]


def drawn(seed: int, *, like: Any = None) -> list[list[int]]:
    """Draw grades 0 to 3; `like` others three times out of four."""
    random = np.random.default_rng(seed)
    grades = random.integers(0, 4, (QUERIES, DEPTH))
    if like is not None:
        grades = np.where(random.random(grades.shape) < 0.75, np.array(like), grades)
    return [[int(each) for each in row] for row in grades]


PEOPLE = drawn(1)
AI = drawn(2, like=PEOPLE)
BY_PAIR = {(f"query {i}", f"d{rank}"): value for i, row in enumerate(PEOPLE) for rank, value in enumerate(row, start=1)}


def make(**fields: Any) -> EvaluationRun:
    return make_graded_run(ai=AI, scale="trec", relevant_from=2, **{"metrics": METRICS, **fields})


@dataclass(frozen=True)
class Graded:
    """A run that a person graded wholly by the queue of MAP, which asks for everything; how many they graded."""

    run: EvaluationRun
    person: User
    count: int


@pytest.fixture(scope="module")
def made(standing: Standing) -> tuple[EvaluationRun, Graded]:
    """A run that only the AI graded, and one of another corpus that a person graded, too."""
    with standing():
        run, person = make(), make_user()
        count = grade_queue(start(run, metric="MAP"), person, BY_PAIR)
        return make(), Graded(run, person, count)


@pytest.fixture
def run(db: None, made: tuple[EvaluationRun, Graded]) -> EvaluationRun:
    return get_evaluation_run(made[0].pk)


@pytest.fixture
def graded(db: None, made: tuple[EvaluationRun, Graded]) -> Graded:
    return replace(made[1], run=get_evaluation_run(made[1].run.pk))


@pytest.mark.seldom
def test_a_whole_population_graded_by_the_queue_is_the_metric_with_no_judge_interval(graded: Graded) -> None:
    run = graded.run
    assert graded.count == QUERIES * DEPTH
    for name in METRICS:
        sample = start(run, metric=name)
        state = state_of(sample)
        figure = state.estimate
        assert figure.value == pytest.approx(run.metric_values[name], abs=1e-12), name
        assert (figure.low, figure.high) == pytest.approx((figure.value, figure.value), abs=1e-12), name
        assert figure.low_total < figure.value < figure.high_total
        assert (state.status, state.is_certified, state.needed_count) == ("reached", True, 0), name
        assert state.ahead_count == state.skipped_count == 0


@pytest.mark.on_both
def test_queries_without_candidates_count_as_the_metric_counts_them(member: User) -> None:
    results = {f"query {i}": [f"d{rank}" for rank in range(1, 4)] for i in range(3)}
    run = make_run({**results, "judged": [], "never judged": []}, scale="trec", metrics=["P@2", "MRR@2", "NDCG@2"])
    elsewhere = make_run({"judged": ["d1"]}, evaluation=make_evaluation(run.evaluation.corpus), scale="trec")
    give_grades(elsewhere, raters={"ann": [[3]]})
    for name in run.metrics:
        sample = start(run, metric=name)
        grade_beginning(sample, member, BY_PAIR)
        run.refresh_from_db()
        assert run.scored_query_count == 4
        assert state_of(sample).estimate.value == pytest.approx(run.metric_values[name], abs=1e-12)


def test_any_beginning_is_counted_up_to_its_first_gap(run: EvaluationRun, member: User) -> None:
    sample = start(run, metric="P@10")
    items = next_items(sample=sample, actor=member, count=10).items
    last = max(items, key=lambda item: item.position)
    grade(member, [item for item in items if item is not last and item.position > 1], BY_PAIR)
    state = state_of(sample)
    assert (state.graded_count, state.ahead_count, state.status) == (0, 8, "open")
    grade(member, [item for item in items if item.position == 1], BY_PAIR)
    state = state_of(sample)
    assert (state.graded_count, state.ahead_count) == (9, 0)
    assert state.population_count == QUERIES * 10
    assert 0 < state.needed_count <= state.population_count - 9
    assert state.estimate.refused_code == "too_few_grades"
    assert state.estimate.grade_count == 9
    assert state.look.probabilities.sum() == pytest.approx(9)


@pytest.mark.on_both
def test_the_order_of_a_queue_stays_when_candidates_join_another_run(run: EvaluationRun, member: User) -> None:
    sample = start(run, metric="MAP")
    before = [pair_of(item) for item in next_items(sample=sample, actor=member, count=100).items]
    make_run({"query 0": ["new"]}, evaluation=run.evaluation, scale="trec")
    after = [pair_of(item) for item in next_items(sample=sample, actor=member, count=100).items]
    assert [pair for pair in after if pair[1] != "new"][:90] == before[:90]
    assert sum(pair[1] == "new" for pair in after) <= 1


def test_a_second_run_s_sample_counts_what_was_graded_for_the_first(run: EvaluationRun, member: User) -> None:
    first = run
    grade_queue(start(first, metric="P@10"), member, BY_PAIR)
    # The same documents, each list turned round by one: nine of ten are shared.
    results = {f"query {i}": [f"d{(rank % DEPTH) + 1}" for rank in range(1, DEPTH + 1)] for i in range(QUERIES)}
    second = make_run(results, evaluation=first.evaluation, scale="trec", metrics=["P@10"], relevant_from=2)
    sample = start(second, metric="P@10")
    state = state_of(sample)
    shared = state.graded_count + state.ahead_count
    assert shared == QUERIES * 9
    assert grade_queue(sample, member, BY_PAIR) == state.population_count - shared


@pytest.mark.on_both
def test_a_grade_given_having_seen_the_ai_s_is_skipped_until_somebody_grades_blind(
    run: EvaluationRun, member: User
) -> None:
    sample = start(run, metric="P@10")
    item = next_items(sample=sample, actor=member, count=1).items[0]
    judgment_of(item.candidate, make_user(), saw_ai_grade=True)
    state = state_of(sample)
    assert (state.graded_count, state.skipped_count) == (0, 1)
    assert preview_check_sample(sample.run, "certify", metric="P@10").shown_share == pytest.approx(1 / 120)
    judgment_of(item.candidate, make_user(), saw_ai_grade=False)
    state = state_of(sample)
    assert (state.graded_count, state.skipped_count) == (1, 0)


def judgment_of(candidate: Candidate, person: User, *, saw_ai_grade: bool | None) -> None:
    Judgment.objects.create(
        corpus_id=candidate.run.evaluation.corpus_id,
        query_id=candidate.query_id,
        document_id=candidate.document_id,
        scale=candidate.run.scale,
        author_kind="member",
        member=person,
        grade=1,
        saw_ai_grade=saw_ai_grade,
        blind_grade=1 if saw_ai_grade is False else None,
    )


def test_more_than_a_tenth_skipped_gives_no_number(member: User) -> None:
    for metric in ("P@10", "MRR@10"):
        run = make()
        sample = start(run, metric=metric)
        rows = Candidate.objects.filter(run=run, rank=1).order_by("position")[:2]
        for row in rows:
            skip_item(sample=sample, candidate=row, reason="no idea", actor=make_user())
        if metric == "P@10":
            rows = Candidate.objects.filter(run=run, rank__lte=10).exclude(rank=1).order_by("position")[:11]
            for row in rows:
                skip_item(sample=sample, candidate=row, reason="no idea", actor=make_user())
        give_grades(run, raters={"ann": [[None if value == 9 else value for value in row] for row in _holes(run)]})
        state = state_of(sample)
        assert state.estimate.refused_code == "too_many_skipped"
        assert (state.status, state.is_certified) == ("exhausted", False)
        assert state.skipped_count == (13 if metric == "P@10" else 2)


def _holes(run: EvaluationRun) -> list[list[int]]:
    """People's grades without those of candidates that were skipped."""
    skipped = set(
        Candidate.objects.filter(run=run, abstentions__isnull=False).values_list("position", "rank", flat=False)
    )
    return [
        [9 if (i, rank) in skipped else value for rank, value in enumerate(row, start=1)]
        for i, row in enumerate(PEOPLE, start=1)
    ]


def test_several_people_s_gains_are_averaged_not_their_grades() -> None:
    # Relevant from 2: one of two says so, which is one half, and not the rounded mean of 1 and 2.
    run = make_graded_run(raters={"ann": [[2]], "ben": [[1]]}, scale="trec", relevant_from=2)
    figure = state_of(start(run, metric="P@1")).estimate
    assert figure.value == 0.5


def test_agreement_is_reached_when_kappa_is_narrow_enough(run: EvaluationRun, member: User) -> None:
    sample = start(run, "agreement", half_width=0.2)
    assert (sample.metric, sample.half_width) == ("", 0.2)
    state = state_of(sample)
    assert (state.population_count, state.status) == (QUERIES * DEPTH, "open")
    grade_beginning(sample, member, BY_PAIR, most=110)
    state = state_of(sample)
    assert state.estimate.value == pytest.approx(0.75, abs=0.15)
    assert state.status == ("reached" if state.estimate.half_width <= 0.2 else "open")
    grade_beginning(sample, member, BY_PAIR)
    assert state_of(sample).status == "reached"
    assert not state_of(sample).is_certified
    nothing = make_graded_run(raters={"ann": PEOPLE}, scale="trec")
    assert state_of(start(nothing, "agreement")).estimate.refused_code == "no_ai_grades"


def test_precision_is_reached_when_the_interval_is_narrow_enough(run: EvaluationRun, member: User) -> None:
    wide, narrow = (
        start(run, "precision", metric="P@10", half_width=0.2),
        start(run, "precision", metric="P@10", half_width=0.0001),
    )
    assert state_of(wide).needed_count < state_of(narrow).needed_count == QUERIES * 10
    grade_beginning(wide, member, BY_PAIR, most=100)
    assert (state_of(wide).status, state_of(narrow).status) == ("reached", "open")


@pytest.mark.parametrize("metric", ["SDCG@10", "NDCG@5"])
def test_two_runs_differ_by_what_their_metrics_differ(graded: Graded, metric: str) -> None:
    first = graded.run
    backwards = {f"query {i}": [f"d{rank}" for rank in range(DEPTH, 0, -1)] for i in range(QUERIES)}
    second = make_run(backwards, evaluation=first.evaluation, scale="trec", metrics=[metric], relevant_from=2)
    give_grades(second)
    # The same documents, which are graded.
    sample = start(first, "compare", metric=metric, other_run=second)
    figure, difference = state_of(sample).estimate, first.metric_values[metric] - second.metric_values[metric]
    assert figure.value == pytest.approx(difference, abs=1e-12)
    assert (figure.low, figure.high) == pytest.approx((difference, difference), abs=1e-12)
    anytime = state_of(sample).anytime_half_width
    assert anytime > figure.high_total - figure.value
    assert state_of(sample).status == ("reached" if abs(difference) > anytime else "exhausted")


@pytest.mark.on_both
def test_a_document_at_the_same_rank_in_both_runs_is_not_asked_for(member: User) -> None:
    first = make_run({"a": ["d1", "d2", "d3"]}, scale="trec")
    second = make_run({"a": ["d1", "d3", "d4"]}, evaluation=first.evaluation, scale="trec")
    sample = start(first, "compare", metric="P@2", other_run=second)
    items = next_items(sample=sample, actor=member).items
    assert {(pair_of(item)[1], item.candidate.run_id) for item in items} == {("d2", first.pk), ("d3", first.pk)}


def test_new_ai_grades_and_another_relevant_from_change_a_sample_and_never_void_it(graded: Graded) -> None:
    run = graded.run
    sample = start(run, metric="P@10")
    before = state_of(sample).estimate.value
    EvaluationRun.objects.filter(pk=run.pk).update(relevant_from=3)
    Judgment.objects.filter(author_kind="ai").update(grade=0)
    state = state_of(sample)
    assert state.estimate.value < before
    assert state.status == "reached"


@pytest.mark.on_both
def test_other_ranks_void_a_sample(run: EvaluationRun, member: User) -> None:
    sample = start(run, metric="P@10")
    Candidate.objects.filter(run=run, rank=DEPTH, position=1).update(rank=DEPTH + 1)
    state = state_of(sample)
    assert (state.status, state.population_count, state.is_certified) == ("void", 0, False)
    assert state.estimate.refused_code == "no_check_sample"
    with pytest.raises(Conflict) as refusal:
        next_items(sample=sample, actor=member)
    assert refusal.value.code == "sample_void"


@pytest.mark.on_both
@pytest.mark.parametrize("metric", ["P@10", "NDCG@5"])
def test_a_locked_run_answers_from_its_snapshot(graded: Graded, member: User, metric: str) -> None:
    run = graded.run
    sample = start(run, metric=metric)
    before = state_of(sample).estimate
    lock_run(run=run, actor=member)
    assert LockedJudgment.objects.filter(run=run).exists()
    other = make_run(
        {f"query {i}": [f"d{rank}" for rank in range(1, 4)] for i in range(QUERIES)},
        evaluation=run.evaluation,
        scale="trec",
    )
    Judgment.objects.filter(author_kind="member").delete()
    skip_item(
        sample=start(other, metric="P@1"),
        candidate=Candidate.objects.filter(run=other)[0],
        reason="later",
        actor=member,
    )
    assert state_of(sample).estimate == before
    assert state_of(sample).skipped_count == 0


def test_a_pace_is_learnt_from_twenty_grades_of_one_person(run: EvaluationRun, member: User) -> None:
    sample = start(run, metric="P@10")
    assert state_of(sample).needed_seconds == 10 * state_of(sample).needed_count
    grade_beginning(sample, member, BY_PAIR, most=30)
    moment = timezone.now()
    for index, pk in enumerate(Judgment.objects.filter(member=member).values_list("pk", flat=True)):
        pause = timedelta(minutes=20) if index > 25 else timedelta()
        Judgment.objects.filter(pk=pk).update(created_at=moment + index * timedelta(seconds=4) + pause * index)
    state = state_of(sample)
    assert state.needed_seconds == 4 * state.needed_count


def test_a_look_asks_the_same_number_of_questions_whatever_is_graded(
    run: EvaluationRun, member: User, django_assert_max_num_queries: Any
) -> None:
    samples = [start(run, metric="P@10"), start(run, metric="NDCG@5"), start(run, "agreement")]
    grade_beginning(samples[0], member, BY_PAIR, most=50)
    for sample in samples:
        with django_assert_max_num_queries(12, info=sample.goal):
            state_of(sample)
        with django_assert_max_num_queries(30, info=sample.goal):
            next_items(sample=sample, actor=member, count=40)


def test_nothing_to_look_at_is_said(member: User) -> None:
    run = make_run({"a": []}, scale="trec")
    for goal, fields in (("certify", {"metric": "P@10"}), ("certify", {"metric": "NDCG@5"}), ("agreement", {})):
        sample: CheckSample = start(run, goal, **fields)
        state = state_of(sample)
        assert (state.population_count, state.status, state.estimate.value) == (0, "exhausted", None)
        assert next_items(sample=sample, actor=member).items == []
