"""A blind grade is what a person said before the AI's was shown to them: kept, and never claimed afterwards."""

from importlib import import_module

import pytest
from django.apps import apps

from judging.corpora.corpora import delete_corpus
from judging.models import Corpus, EvaluationRun, Judgment, LockedJudgment, SeenAIGrade, User
from judging.records.roles import SYSTEM
from judging.runs.evaluations import delete_evaluation
from judging.runs.importing.judgment_import import import_judgments
from judging.runs.locks import lock_run
from tests.factories import candidate, make_run, make_user
from tests.review.giving import GivenGrade, record_judgments
from tests.runs.importing import as_file

pytestmark = pytest.mark.django_db


def give(run: EvaluationRun, actor: User, grade: int | None, *, saw: bool | None) -> None:
    row = candidate(run, "a", "d1")
    record_judgments(grades=[GivenGrade(row.run_query_id, "d1", grade, saw_ai_grade=saw)], actor=actor)


def stored() -> tuple[int, bool | None, int | None]:
    judgment = Judgment.objects.get()
    return judgment.grade, judgment.saw_ai_grade, judgment.blind_grade


@pytest.mark.parametrize(("saw", "blind"), [(False, 2), (True, None), (None, None)])
def test_only_a_grade_given_without_the_ai_s_in_sight_is_blind(
    member: User, saw: bool | None, blind: int | None
) -> None:
    give(make_run({"a": ["d1"]}), member, 2, saw=saw)
    assert stored() == (2, saw, blind)


@pytest.mark.on_both
@pytest.mark.parametrize("saw", [True, None])
def test_a_blind_grade_stays_when_the_person_changes_it_later(member: User, saw: bool | None) -> None:
    run = make_run({"a": ["d1"]})
    give(run, member, 1, saw=False)
    give(run, member, 3, saw=saw)
    assert stored() == (3, saw, 1)


def test_after_the_ai_s_grade_was_seen_no_grade_is_blind_whatever_it_claims(member: User) -> None:
    run = make_run({"a": ["d1"]})
    give(run, member, 1, saw=True)
    give(run, member, 2, saw=False)
    assert stored() == (2, True, None)


def test_what_was_seen_stays_seen_and_the_first_blind_grade_stands(member: User) -> None:
    run = make_run({"a": ["d1"]})
    for grade, saw in ((1, False), (3, True), (2, False)):
        give(run, member, grade, saw=saw)
    assert stored() == (2, True, 1)


def test_undoing_a_change_brings_the_blind_grade_back_as_it_was(member: User) -> None:
    run = make_run({"a": ["d1"]})
    for grade, saw in ((1, False), (3, True), (1, False)):
        give(run, member, grade, saw=saw)
    assert stored() == (1, False, 1)


def test_a_changed_mind_without_the_ai_s_in_sight_is_blind_again(member: User) -> None:
    run = make_run({"a": ["d1"]})
    give(run, member, 1, saw=False)
    give(run, member, 2, saw=False)
    assert stored() == (2, False, 2)


def test_a_grade_taken_back_leaves_no_blind_grade(member: User) -> None:
    run = make_run({"a": ["d1"]})
    give(run, member, 1, saw=False)
    give(run, member, None, saw=False)
    assert not Judgment.objects.exists()


# What a person says of a document, one after the other, with whether the AI's grade was in sight; and what stands then.
TAKEN_BACK: dict[str, tuple[list[tuple[int | None, bool | None]], tuple[int, bool, int | None]]] = {
    "seen first": ([(1, True), (None, None), (2, False)], (2, True, None)),
    "seen between": ([(1, False), (3, True), (None, False), (2, False)], (2, True, 1)),
    "back to the blind grade": ([(1, False), (3, True), (None, False), (1, False)], (1, False, 1)),
    # Back to the blind grade and then elsewhere: the AI's was seen in between.
    "back and elsewhere": ([(1, False), (3, True), (1, False), (4, False)], (4, True, 1)),
    "back, none and elsewhere": ([(1, False), (3, True), (1, False), (None, False), (4, False)], (4, True, 1)),
    "never seen": ([(1, False), (None, False), (2, False)], (2, False, 2)),
}


@pytest.mark.on_both
def test_what_was_seen_stays_seen_when_a_grade_is_taken_back(member: User) -> None:
    run = make_run({"a": list(TAKEN_BACK)})
    query = run.run_queries.get()
    for step in range(5):
        said = {name: given[step] for name, (given, _) in TAKEN_BACK.items() if step < len(given)}
        grades = [GivenGrade(query.pk, name, grade, saw_ai_grade=saw) for name, (grade, saw) in said.items()]
        record_judgments(grades=grades, actor=member)
    kept = Judgment.objects.values_list("document__external_id", "grade", "saw_ai_grade", "blind_grade")
    assert {name: tuple(stands) for name, *stands in kept} == {name: stands for name, (_, stands) in TAKEN_BACK.items()}


@pytest.mark.on_both
def test_another_person_s_grades_stay_blind(member: User) -> None:
    run, other = make_run({"a": ["d1"]}), make_user()
    give(run, member, 1, saw=True)
    give(run, member, None, saw=None)
    give(run, other, 2, saw=False)
    assert stored() == (2, False, 2)


@pytest.mark.on_both
def test_a_corpus_is_deleted_with_what_people_saw_of_it(member: User) -> None:
    run = make_run({"a": ["d1"]})
    give(run, member, 1, saw=True)
    give(run, member, None, saw=None)
    assert SeenAIGrade.objects.count() == 1
    delete_evaluation(actor=member, evaluation=run.evaluation)
    delete_corpus(actor=member, corpus=run.evaluation.corpus)
    assert not SeenAIGrade.objects.exists()


def bring(run: EvaluationRun, author: str, grade: int) -> None:
    rows = f"query,doc_id,grade,author\na,d1,{grade},{author}\n"
    import_judgments(
        corpus=run.evaluation.corpus, actor=SYSTEM, file=as_file(rows), scale=run.scale, file_name="grades.csv"
    )


@pytest.mark.on_both
def test_an_imported_rater_s_grade_is_blind_and_replaced_by_a_newer_one() -> None:
    run = make_run({"a": ["d1"]})
    bring(run, "ann", 1)
    bring(run, "ann", 3)
    assert stored() == (3, None, 3)


def test_a_grade_imported_under_a_member_s_address_is_not_known_to_be_blind(member: User) -> None:
    run = make_run({"a": ["d1"]})
    bring(run, member.email, 1)
    assert stored() == (1, None, None)


@pytest.mark.on_both
def test_an_import_leaves_a_member_s_blind_grade_and_what_they_saw(member: User) -> None:
    run = make_run({"a": ["d1"]})
    give(run, member, 1, saw=False)
    give(run, member, 2, saw=True)
    bring(run, member.email, 4)
    assert stored() == (4, True, 1)


@pytest.mark.on_both
def test_the_snapshot_of_a_lock_keeps_blind_grades(member: User) -> None:
    run = make_run({"a": ["d1"]})
    give(run, member, 1, saw=False)
    give(run, member, 3, saw=True)
    lock_run(run=run, actor=member)
    assert LockedJudgment.objects.values_list("grade", "blind_grade").get() == (3, 1)


@pytest.mark.on_both
def test_an_upgrade_takes_what_is_known_to_be_blind_and_gives_each_corpus_its_seed(member: User) -> None:
    migration = import_module("judging.migrations.0008_trust")
    run = make_run({"a": ["d1", "d2", "d3"]})
    for name, saw in (("d1", False), ("d2", True), ("d3", None)):
        row = candidate(run, "a", name)
        record_judgments(grades=[GivenGrade(row.run_query_id, name, 2, saw_ai_grade=saw)], actor=member)
    bring(run, "ann", 1)
    make_run({"b": ["d1"]})
    Judgment.objects.update(blind_grade=None)
    Corpus.objects.update(seed=7)
    migration.fill_blind_grades(apps, None)
    migration.draw_seeds(apps, None)
    blind = Judgment.objects.order_by("pk").values_list("blind_grade", flat=True)
    assert list(blind) == [2, None, None, 1]
    assert len(set(Corpus.objects.values_list("seed", flat=True))) == 2
