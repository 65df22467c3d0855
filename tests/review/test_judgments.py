"""What people judge: written all or nothing, counted at once, and never on a locked run."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django_q.models import OrmQ

from judging import ledger
from judging.foundation.errors import Conflict, Invalid
from judging.ledger.ai_grades import AIGrade, Source, record_ai_grades
from judging.ledger.staleness import has_stale_metrics
from judging.models import Candidate, EvaluationRun, Judgment, RunQuery, User
from judging.review import judgments
from judging.runs.locks import lock_run
from judging.runs.run_lists import get_evaluation_run
from tests.factories import candidate, make_evaluation, make_judge, make_run, make_user
from tests.review.giving import GivenGrade, record_judgments
from tests.review.test_grid import ai_grades

pytestmark = [pytest.mark.django_db, pytest.mark.on_both]


def given(run: EvaluationRun, text: str, doc: str, grade: int | None, **fields: object) -> GivenGrade:
    return GivenGrade(candidate(run, text, doc).run_query_id, doc, grade, **fields)  # type: ignore[arg-type]


def test_a_grade_counts_at_once_on_the_candidate_the_run_and_its_metrics(member: User) -> None:
    run = make_run({"a": ["d1", "d2"], "b": ["d1"]}, metrics=["P@2", "Judged@2"])
    row = candidate(run, "a", "d1")
    assert record_judgments(grades=[given(run, "a", "d1", 3, saw_ai_grade=True)], actor=member) == [row.pk]
    row.refresh_from_db()
    run.refresh_from_db()
    assert (row.effective_grade, row.people_mean, row.people_count) == (3, 3.0, 1)
    assert (run.judged_count, run.scored_query_count) == (1, 1)
    assert run.metric_values == {"P@2": 0.5, "Judged@2": 0.5}
    assert Judgment.objects.get().saw_ai_grade is True
    query = RunQuery.objects.get(run=run, text="a")
    assert (query.judged_count, query.metric_values["P@2"], query.coverage_values["P@2"]) == (1, 0.5, [1, 2])


def test_the_same_person_s_next_grade_replaces_the_first(member: User) -> None:
    run = make_run({"a": ["d1"]})
    for grade in (1, 4):
        record_judgments(grades=[given(run, "a", "d1", grade, reasoning=f"take {grade}")], actor=member)
    judgment = Judgment.objects.get()
    assert (judgment.grade, judgment.reasoning) == (4, "take 4")
    assert candidate(run, "a", "d1").people_count == 1


def test_people_s_mean_is_rounded_half_up_and_beats_the_ai(member: User) -> None:
    run = make_run({"a": ["d1"]})
    ai_grades(run, {("a", "d1"): 0})
    for grade in (2, 3):
        record_judgments(grades=[given(run, "a", "d1", grade)], actor=make_user())
    row = candidate(run, "a", "d1")
    assert (row.people_mean, row.effective_grade, row.ai_grade) == (2.5, 3, 0)


def test_a_grade_taken_back_leaves_the_ai_s_or_nothing(member: User) -> None:
    run = make_run({"a": ["d1", "d2"]}, metrics=["P@1"])
    ai_grades(run, {("a", "d1"): 0})
    record_judgments(grades=[given(run, "a", "d1", 4), given(run, "a", "d2", 4)], actor=member)
    run.refresh_from_db()
    assert (run.judged_count, run.metric_values) == (2, {"P@1": 1.0})
    record_judgments(grades=[given(run, "a", "d1", None), given(run, "a", "d2", None)], actor=member)
    run.refresh_from_db()
    assert candidate(run, "a", "d1").effective_grade == 0
    assert candidate(run, "a", "d2").effective_grade is None
    assert (run.judged_count, run.metric_values) == (1, {"P@1": 0.0})
    assert not Judgment.objects.filter(author_kind="member").exists()


def test_taking_back_what_one_never_gave_changes_nothing(member: User) -> None:
    run = make_run({"a": ["d1"]})
    record_judgments(grades=[given(run, "a", "d1", 2)], actor=make_user())
    record_judgments(grades=[given(run, "a", "d1", None)], actor=member)
    assert candidate(run, "a", "d1").effective_grade == 2


def test_a_grade_reaches_every_unlocked_run_on_its_scale(member: User) -> None:
    evaluation = make_evaluation()
    here = make_run({"a": ["d1"]}, evaluation=evaluation)
    twin = make_run({"a": ["d2", "d1"]}, evaluation=make_evaluation(evaluation.corpus))
    locked = make_run({"a": ["d1"]}, evaluation=evaluation)
    on_other_scale = make_run({"a": ["d1"]}, evaluation=evaluation, scale="binary")
    elsewhere = make_run({"a": ["d1"]})
    lock_run(run=locked, actor=member)
    record_judgments(grades=[given(here, "a", "d1", 3)], actor=member)
    assert candidate(twin, "a", "d1").effective_grade == 3
    for run in (locked, on_other_scale, elsewhere):
        assert candidate(run, "a", "d1").effective_grade is None
        run.refresh_from_db()
        assert run.judged_count == 0
    twin.refresh_from_db()
    assert twin.judged_count == 1


@pytest.mark.parametrize("kind", ["person", "ai"])
def test_a_grade_counts_in_the_ideal_ranking_of_other_runs(member: User, kind: str) -> None:
    evaluation = make_evaluation()
    here = make_run({"a": ["d1"], "b": ["d1"]}, evaluation=evaluation, metrics=["Recall@1"])
    other = make_run({"a": ["d2"], "c": ["d2"]}, evaluation=evaluation, metrics=["Recall@1"])
    record_judgments(grades=[given(here, "a", "d1", 3)], actor=member)
    ledger.renew_metrics(other.pk)
    OrmQ.objects.all().delete()
    if kind == "person":
        record_judgments(grades=[given(other, "a", "d2", 3)], actor=member)
        assert [task.func() for task in OrmQ.objects.all()] == ["judging.tasks.renew_metrics"]
    else:
        ai_grades(other, {("a", "d2"): 3})
    stale = RunQuery.objects.filter(run=here, has_stale_metrics=True)
    assert [run_query.text for run_query in stale] == ["a"]
    ledger.renew_metrics(here.pk)
    here.refresh_from_db()
    assert here.metric_values == {"Recall@1": 0.5}


def test_a_renewal_cut_before_the_figures_is_still_to_be_done(monkeypatch: pytest.MonkeyPatch) -> None:
    run = make_run({"a": ["d1"]}, metrics=["P@1"])
    ai_grades(run, {("a", "d1"): 3})

    def killed(*_: object) -> None:
        raise SystemExit

    with monkeypatch.context() as patched:
        patched.setattr("judging.ledger.renewal.aggregate", killed)
        with pytest.raises(SystemExit):
            ledger.renew_metrics(run.pk)
    assert has_stale_metrics(run)
    ledger.renew_metrics(run.pk)
    run.refresh_from_db()
    assert (run.metric_values, has_stale_metrics(run)) == ({"P@1": 1.0}, False)


def test_figures_read_just_before_a_renewal_are_known_as_old() -> None:
    run = make_run({"a": ["d1"]}, metrics=["P@1"])
    ai_grades(run, {("a", "d1"): 3})
    read = get_evaluation_run(run.pk)
    ledger.renew_metrics(run.pk)
    assert has_stale_metrics(read)
    assert not has_stale_metrics(get_evaluation_run(run.pk))


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        (("a", "d2", 5), "grade"),
        (("a", "d2", -1), "grade"),
        (("a", "d3", 1), "candidate_id"),
        (("a", "d1", 1), "candidate_id"),
    ],
)
def test_one_wrong_grade_refuses_them_all(member: User, wrong: tuple[str, str, int], field: str) -> None:
    run = make_run({"a": ["d1", "d2"], "b": ["d3"]})
    query_id = candidate(run, "a", "d1").run_query_id
    grades = [GivenGrade(query_id, "d1", 1), GivenGrade(query_id, wrong[1], wrong[2])]
    with pytest.raises(Invalid) as refused:
        record_judgments(grades=grades, actor=member)
    assert set(refused.value.errors) == {field}
    assert not Judgment.objects.exists()


def test_a_document_s_id_is_told_apart_by_case(member: User) -> None:
    run = make_run({"a": ["d1", "D1"]})
    record_judgments(grades=[given(run, "a", "D1", 2)], actor=member)
    assert [row.effective_grade for row in Candidate.objects.filter(run=run)] == [None, 2]


def test_queries_of_two_runs_or_of_none_are_refused(member: User) -> None:
    one, other = make_run({"a": ["d1"]}), make_run({"a": ["d1"]})
    with pytest.raises(Invalid) as refused:
        record_judgments(grades=[given(one, "a", "d1", 1), given(other, "a", "d1", 1)], actor=member)
    assert set(refused.value.errors) == {"query_id"}
    with pytest.raises(Invalid) as refused:
        record_judgments(grades=[GivenGrade(one.pk, "d1", 1)], actor=member)
    assert set(refused.value.errors) == {"query_id"}
    with pytest.raises(Invalid):
        record_judgments(grades=[], actor=member)


def test_too_many_judgments_at_once_are_refused(member: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(judgments, "MAX_JUDGMENTS", 1)
    run = make_run({"a": ["d1", "d2"]})
    with pytest.raises(Invalid, match="too many"):
        record_judgments(grades=[given(run, "a", "d1", 1), given(run, "a", "d2", 1)], actor=member)


def test_a_run_that_is_not_completed_takes_no_judgments(member: User) -> None:
    run = make_run({"a": ["d1"]}, status="running")
    with pytest.raises(Conflict) as refused:
        record_judgments(grades=[given(run, "a", "d1", 1)], actor=member)
    assert refused.value.code == "run_not_completed"


def test_an_older_ai_judging_run_never_overwrites_a_newer_one_s_grade() -> None:
    run = make_run({"a": ["d1"]})
    older = ai_grades(run, {("a", "d1"): 1}, make_judge(name="Older"))
    ai_grades(run, {("a", "d1"): 4}, make_judge(name="Newer"))
    row = candidate(run, "a", "d1")
    record_ai_grades(
        [AIGrade(row.query_id, row.document_id, 2, "late")],
        corpus_id=run.evaluation.corpus_id,
        scale=run.scale,
        source=Source(older.pk, older.created_at, older.judge_version_id, "Older v1"),
        unlocked_run_ids=ledger.lock_unlocked_runs(run.evaluation.corpus_id, run.scale),
    )
    row.refresh_from_db()
    assert (row.ai_grade, Judgment.objects.get().judge_label) == (4, "Newer v1")


def test_counts_stay_right_over_many_changes(member: User) -> None:
    run = make_run({"a": ["d1", "d2", "d3"], "b": ["d1", "d4"]})
    other = make_user()
    pairs = [("a", "d1"), ("a", "d3"), ("b", "d1"), ("b", "d4")]
    steps = [(member, 0, 1), (other, 0, 2), (member, 0, None), (other, 0, None), (member, 2, 0), (member, 3, 4)]
    for actor, pair, grade in steps:
        record_judgments(grades=[given(run, *pairs[pair], grade)], actor=actor)
    ai_grades(run, {("a", "d1"): 1, ("b", "d4"): 1})
    run.refresh_from_db()
    counted = run.judged_count
    ledger.refresh_run(run.pk)
    run.refresh_from_db()
    assert run.judged_count == counted == 3


def test_saving_a_grade_takes_the_same_number_of_queries_in_a_larger_run(member: User) -> None:
    counts = []
    for size in (3, 40):
        run = make_run({f"q{n}": [f"d{m}" for m in range(5)] for n in range(size)})
        with CaptureQueriesContext(connection) as captured:
            record_judgments(grades=[given(run, "q1", "d2", 2)], actor=member)
        counts.append(len(captured))
    assert counts[0] == counts[1]
