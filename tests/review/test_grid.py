"""The review grid: its filters, its orders, its pages, and what a row says."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from judging import ledger
from judging.foundation.errors import Invalid
from judging.foundation.scales import SCALES
from judging.ledger.ai_grades import AIGrade, Source, record_ai_grades
from judging.models import (
    Candidate,
    DocumentVersion,
    EvaluationRun,
    ImportedRater,
    JudgingItem,
    JudgingRun,
    Judgment,
    User,
    content_hash,
)
from judging.review.grid import GridPage, all_grid_rows, grid_rows, opinions_of, rows_of
from judging.review.grid_filter import GridFilter, grid_counts, parse_grid_filter, saved_views
from judging.review.grid_order import ORDERINGS
from judging.review.own_views import views_of
from judging.runs.locks import lock_run
from tests.databases import Standing
from tests.factories import candidate, make_evaluation, make_judge, make_run, make_user
from tests.review.giving import GivenGrade, record_judgments

pytestmark = pytest.mark.django_db


def ai_grades(run: EvaluationRun, grades: dict[tuple[str, str], int], judge: Any = None) -> JudgingRun:
    """Write grades as a judging run of `judge` does, items included."""
    judge = judge or make_judge()
    version = judge.versions.get()
    judging_run = JudgingRun.objects.create(
        evaluation_run=run, judge_version=version, provider_name="p", provider_type="custom", max_concurrency=8,
        status="completed", total_count=len(grades), judged_count=len(grades),
    )  # fmt: skip
    candidates = Candidate.objects.filter(run=run).select_related("run_query", "document")
    by_name = {(row.run_query.text, row.document.external_id): row for row in candidates}
    rows = [by_name[name] for name in grades]
    items = JudgingItem.objects.bulk_create(
        JudgingItem(
            judging_run=judging_run, candidate=row, run_query_id=row.run_query_id, prompt_number=1, status="judged",
            grade=grade, reasoning=f"because of {doc}",
        )
        for row, ((_, doc), grade) in zip(rows, grades.items(), strict=True)
    )  # fmt: skip
    for row, item in zip(rows, items, strict=True):
        row.last_item, row.last_item_status = item, "judged"
    Candidate.objects.bulk_update(rows, ["last_item", "last_item_status"])
    record_ai_grades(
        [
            AIGrade(row.query_id, row.document_id, grade, f"because of {doc}")
            for row, ((_, doc), grade) in zip(rows, grades.items(), strict=True)
        ],
        corpus_id=run.evaluation.corpus_id,
        scale=run.scale,
        source=Source(judging_run.pk, judging_run.created_at, version.pk, version.label),
        unlocked_run_ids=ledger.lock_unlocked_runs(run.evaluation.corpus_id, run.scale),
    )
    return judging_run


def grade(run: EvaluationRun, user: User, text: str, doc: str, value: int | None) -> None:
    query_id = candidate(run, text, doc).run_query_id
    record_judgments(grades=[GivenGrade(query_id, doc, value)], actor=user)


def names(run: EvaluationRun, **kwargs: Any) -> list[str]:
    rows = grid_rows(run, viewer=None, **kwargs).rows
    return [f"{row.query_text[0]}{row.document_key}" for row in rows]


@pytest.fixture(scope="module")
def made(standing: Standing) -> UUID:
    with standing(), transaction.atomic():
        run = make_run({"a": ["d1", "d2"], "b": ["d1", "d3"], "c": ["d9"]})
        ai_grades(run, {("a", "d1"): 4, ("a", "d2"): 0})
        first, second = (candidate(run, text, "d1").run_query_id for text in ("a", "b"))
        record_judgments(grades=[GivenGrade(first, "d2", 3), GivenGrade(second, "d1", 1)], actor=make_user())
        grade(run, make_user(), "b", "d1", 2)
        Candidate.objects.filter(pk=candidate(run, "b", "d3").pk).update(
            last_item_status="failed", failure_code="unparseable"
        )
        return run.pk


@pytest.fixture
def run(made: UUID, db: None) -> EvaluationRun:
    """a: d1 AI 4, d2 AI 0, people 3; b: d1 people 1 and 2, d3 failed; c: nothing but candidates."""
    return EvaluationRun.objects.get(pk=made)


def test_rows_come_in_the_order_of_queries_and_ranks(run: EvaluationRun) -> None:
    assert names(run) == ["ad1", "ad2", "bd1", "bd3", "cd9"]


@pytest.mark.on_both
def test_orderings_put_what_has_no_value_last(run: EvaluationRun) -> None:
    for ordering, expected in {
        "-query": ["cd9", "bd1", "bd3", "ad1", "ad2"],
        "rank": ["ad1", "bd1", "cd9", "ad2", "bd3"],
        "-rank": ["ad2", "bd3", "ad1", "bd1", "cd9"],
        "effective_grade": ["bd1", "ad2", "ad1", "bd3", "cd9"],
        "-effective_grade": ["ad1", "ad2", "bd1", "bd3", "cd9"],
        "ai_grade": ["ad2", "ad1", "bd1", "bd3", "cd9"],
        "-ai_grade": ["ad1", "ad2", "bd1", "bd3", "cd9"],
        "disagreement": ["ad2", "ad1", "bd1", "bd3", "cd9"],
        "-disagreement": ["ad2", "ad1", "bd1", "bd3", "cd9"],
    }.items():
        assert names(run, ordering=ordering) == expected, ordering


def test_the_greatest_disagreement_comes_first() -> None:
    run = make_run({"a": ["d1", "d2", "d3", "d4"]})
    ai_grades(run, {("a", "d1"): 4, ("a", "d2"): 0, ("a", "d3"): 2, ("a", "d4"): 1})
    for doc, people in (("d1", 3), ("d2", 4), ("d3", 2)):
        grade(run, make_user(), "a", doc, people)
    assert names(run, ordering="-disagreement") == ["ad2", "ad1", "ad3", "ad4"]
    assert names(run, ordering="disagreement") == ["ad3", "ad1", "ad2", "ad4"]


@pytest.mark.on_both
def test_filters_leave_the_same_rows_in_every_order(run: EvaluationRun) -> None:
    cases: list[tuple[dict[str, str], list[str]]] = [
        ({"status": "unjudged"}, ["bd3", "cd9"]),
        ({"status": "judged"}, ["ad1", "ad2", "bd1"]),
        ({"status": "failed"}, ["bd3"]),
        ({"status": "disagreement"}, ["ad2"]),
        ({"people": "none"}, ["ad1", "bd3", "cd9"]),
        ({"people": "none", "status": "judged"}, ["ad1"]),
        ({"grade": "3"}, ["ad2"]),
        ({"min_grade": "3"}, ["ad1", "ad2"]),
        ({"max_grade": "3"}, ["ad2", "bd1"]),
        ({"ai_grade": "0"}, ["ad2"]),
        ({"min_ai_grade": "1"}, ["ad1"]),
        ({"max_ai_grade": "3"}, ["ad2"]),
        ({"max_rank": "1"}, ["ad1", "bd1", "cd9"]),
        ({"search": "D9"}, ["cd9"]),
        ({"search": "title OF d3"}, ["bd3"]),
        ({"search": "%"}, []),
        ({"search": "_"}, []),
        ({"search": "d1", "max_grade": "3"}, ["bd1"]),
    ]
    for values, expected in cases:
        grid_filter = parse_grid_filter(values, run.grading_scale)
        # Orders by a grade read only those that its filter leaves.
        by_grade = ("-effective_grade", "ai_grade") if any("grade" in name for name in values) else ()
        for ordering in ("query", *by_grade, "-disagreement"):
            found = names(run, grid_filter=grid_filter, ordering=ordering)
            assert sorted(found) == expected, (values, ordering)


@pytest.mark.on_both
def test_rows_are_found_by_query_and_by_judge(run: EvaluationRun) -> None:
    row = candidate(run, "b", "d1")
    assert names(run, grid_filter=GridFilter(query_id=row.run_query_id)) == ["bd1", "bd3"]
    judge_id = Judgment.objects.filter(author_kind="ai").first().judge_version.judge_id
    assert names(run, grid_filter=GridFilter(ai_judge_id=judge_id)) == ["ad1", "ad2"]
    assert names(run, grid_filter=GridFilter(ai_judge_id=run.pk)) == []


def test_wrong_filters_are_refused_field_by_field() -> None:
    wrong = {
        "grade": "5", "ai_grade": "x", "min_grade": "-1", "max_rank": "0", "query_id": "7", "status": "lost", "people": "all",
        "search": "x" * 201, "ai_judge_id": "no",
    }  # fmt: skip
    with pytest.raises(Invalid) as refused:
        parse_grid_filter(wrong, SCALES["graded"])
    assert set(refused.value.errors) == set(wrong)


def test_a_lower_bound_above_the_upper_one_is_refused() -> None:
    with pytest.raises(Invalid) as refused:
        parse_grid_filter({"min_grade": "3", "max_grade": "2"}, SCALES["graded"])
    assert set(refused.value.errors) == {"max_grade"}


def test_empty_and_unknown_filters_count_as_not_given() -> None:
    assert parse_grid_filter({"grade": "", "search": " ", "page_size": "3"}, SCALES["graded"]).is_empty


def test_an_unknown_order_and_a_foreign_cursor_are_refused(run: EvaluationRun) -> None:
    with pytest.raises(Invalid, match="ordering"):
        grid_rows(run, viewer=None, ordering="title")
    cursor = grid_rows(run, viewer=None, ordering="rank", limit=2).next_cursor
    for wrong in (cursor, "x", "W10", "bnVsbA", "[[[["):
        with pytest.raises(Invalid, match="cursor"):
            grid_rows(run, viewer=None, ordering="query", cursor=wrong)


def pages(run: EvaluationRun, ordering: str, limit: int) -> Iterator[GridPage]:
    page = grid_rows(run, viewer=None, ordering=ordering, limit=limit)
    yield page
    while page.next_cursor:
        page = grid_rows(run, viewer=None, ordering=ordering, limit=limit, cursor=page.next_cursor)
        yield page


def pages_back(run: EvaluationRun, ordering: str, limit: int, page: GridPage) -> Iterator[list[int]]:
    while page.previous_cursor:
        page = grid_rows(run, viewer=None, ordering=ordering, limit=limit, cursor=page.previous_cursor)
        assert page.next_cursor
        yield [row.candidate_pk for row in page.rows]


GRADES = [None, 0, 3, 3, 4, None, 1, 3, 0, 4, 2, None]


@pytest.mark.on_both
def test_pages_in_any_order_hold_every_row_once_and_lead_back_the_same_way() -> None:
    run = make_run({f"q{n}": [f"d{m}" for m in range(4)] for n in range(3)})
    rows = list(Candidate.objects.filter(run=run))
    for number, row in enumerate(rows):
        ai, people = GRADES[number % 12], GRADES[(number * 5) % 12]
        row.ai_grade, row.effective_grade = ai, ai if people is None else people
        row.people_mean = None if people is None else people + 0.25 * (number % 3)
    Candidate.objects.bulk_update(rows, ["ai_grade", "people_mean", "effective_grade"])
    for ordering in ORDERINGS:
        whole = [row.candidate_pk for row in all_grid_rows(run, viewer=None, ordering=ordering)]
        assert len(set(whole)) == 12, ordering
        forward = list(pages(run, ordering, 5))
        found = [[row.candidate_pk for row in page.rows] for page in forward]
        assert [pk for page in found for pk in page] == whole, ordering
        assert list(pages_back(run, ordering, 5, forward[-1])) == found[-2::-1], ordering


@pytest.mark.on_both
def test_a_row_says_who_graded_what(run: EvaluationRun, member: User) -> None:
    grade(run, member, "a", "d1", 2)
    rater = ImportedRater.objects.create(corpus=run.evaluation.corpus, name="Ann")
    row = candidate(run, "a", "d1")
    Judgment.objects.create(
        corpus=run.evaluation.corpus, query_id=row.query_id, document_id=row.document_id, scale="graded",
        author_kind="rater", rater=rater, grade=3, reasoning="fits",
    )  # fmt: skip
    ledger.refresh_run(run.pk)
    seen = rows_of(run, [row.pk], viewer=member)[0]
    assert (seen.effective_grade, seen.people_mean, seen.people_count) == (3, 2.5, 2)
    assert (seen.ai_grade, seen.reasoning, seen.my_grade) == (4, "because of d1", 2)
    assert seen.ai_judge_label == f"{seen.ai_judge_name} v1"
    assert [(person.author, person.grade, person.is_viewer) for person in seen.people] == [
        (member.email, 2, True),
        ("Ann", 3, False),
    ]
    assert (seen.title, seen.fields, seen.query, seen.query_label) == ("Title of d1", {"brand": "Acme"}, "a", "q1")


def test_the_same_document_for_another_query_keeps_its_own_grades(run: EvaluationRun, member: User) -> None:
    grade(run, member, "a", "d1", 2)
    other = grid_rows(run, viewer=member).rows[2]
    assert (other.query_text, other.document_key, other.my_grade, other.ai_judge_id) == ("b", "d1", None, None)


def test_an_imported_ai_grade_shows_the_label_it_came_with(run: EvaluationRun) -> None:
    row = candidate(run, "c", "d9")
    Judgment.objects.create(
        corpus=run.evaluation.corpus, query_id=row.query_id, document_id=row.document_id, scale="graded",
        author_kind="ai", judge_label="gpt-9 elsewhere", grade=1,
    )  # fmt: skip
    ledger.refresh_run(run.pk)
    seen = rows_of(run, [row.pk], viewer=None)[0]
    assert (seen.ai_grade, seen.ai_judge_id, seen.ai_judge_name) == (1, None, "gpt-9 elsewhere")


@pytest.mark.on_both
def test_content_that_changed_after_it_was_judged_is_marked() -> None:
    evaluation = make_evaluation()
    first = make_run({"a": ["d1", "d2"]}, evaluation=evaluation)
    grade(first, make_user(), "a", "d1", 3)
    again = make_run({"a": ["d1", "d2"]}, evaluation=evaluation)
    for doc in ("d1", "d2"):
        row = candidate(again, "a", doc)
        version = DocumentVersion.objects.create(
            document_id=row.document_id,
            title="another title",
            content_hash=content_hash("another title", {}, ""),
            created_at=timezone.now() + timedelta(seconds=1),
        )
        Candidate.objects.filter(pk=row.pk).update(document_version=version)
    ledger.refresh_run(again.pk)
    assert [row.content_changed for row in grid_rows(first, viewer=None).rows] == [False, False]
    assert [row.content_changed for row in grid_rows(again, viewer=None).rows] == [True, False]


@pytest.mark.on_both
def test_a_locked_run_shows_what_was_said_when_it_was_locked(run: EvaluationRun, member: User) -> None:
    grade(run, member, "a", "d1", 2)
    twin = make_run({"a": ["d1", "d2"]}, evaluation=run.evaluation)
    ledger.refresh_run(twin.pk)
    before = rows_of(run, [candidate(run, "a", "d1").pk], viewer=member)[0]
    run = lock_run(run=run, actor=member)
    other_judge = make_judge(name="Later")
    ai_grades(twin, {("a", "d1"): 0}, other_judge)
    grade(twin, member, "a", "d1", 4)
    after = rows_of(run, [before.candidate_pk], viewer=member)[0]
    assert after == before
    assert rows_of(twin, [candidate(twin, "a", "d1").pk], viewer=member)[0].my_grade == 4
    assert names(run, grid_filter=GridFilter(ai_judge_id=other_judge.pk)) == []
    assert names(run, grid_filter=GridFilter(ai_judge_id=before.ai_judge_id)) == ["ad1", "ad2"]


def test_opinions_hold_what_each_judging_run_said_the_newest_first(run: EvaluationRun) -> None:
    ai_grades(run, {("a", "d1"): 1}, make_judge(name="Second"))
    row = candidate(run, "a", "d1")
    said = opinions_of([row.pk, candidate(run, "c", "d9").pk])
    assert said[row.pk][0].judge_label == "Second v1"
    assert [opinion.grade for opinion in said[row.pk]] == [1, 4]
    assert list(said) == [row.pk]


def test_a_page_takes_the_same_few_queries_whatever_its_size(
    run: EvaluationRun, django_assert_num_queries: Any, member: User
) -> None:
    for ordering in ("query", "-effective_grade", "-disagreement"):
        for limit in (1, 5):
            with django_assert_num_queries(5, info=f"{ordering}, {limit}"):
                grid_rows(run, viewer=member, ordering=ordering, limit=limit)


@pytest.mark.skipif(connection.vendor != "sqlite", reason="PostgreSQL knows how many rows a run has")
def test_a_page_is_read_by_its_rows_however_large_the_run(run: EvaluationRun, member: User) -> None:
    with CaptureQueriesContext(connection) as captured:
        grid_rows(run, viewer=member)
    (sql,) = [query["sql"] for query in captured if '"judging_documentversion"."title"' in query["sql"]]
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN QUERY PLAN {sql}")
        plan = [row[3] for row in cursor.fetchall() if "judging_candidate" in row[3]]
    assert len(plan) == 1
    assert "rowid=?" in plan[0]


def test_saved_views_ask_what_their_names_say(run: EvaluationRun) -> None:
    shown = {
        view.key: names(run, grid_filter=view.filter, ordering=view.ordering) for view in saved_views(run.grading_scale)
    }
    assert shown == {
        "ai-high": ["ad1"],
        "ai-low-at-top": ["ad2"],
        "disagreement": ["ad2"],
        "failed": ["bd3"],
        "unjudged": ["bd3", "cd9"],
        "cant-tell": [],
    }


@pytest.mark.on_both
def test_rows_not_by_me_are_those_without_a_grade_of_the_viewer(run: EvaluationRun, member: User) -> None:
    not_mine = GridFilter(people="not_me")
    grade(run, member, "a", "d1", 2)
    for now in (run, lock_run(run=run, actor=member)):
        rows = grid_rows(now, viewer=member, grid_filter=not_mine).rows
        assert [f"{row.query_text}{row.document_key}" for row in rows] == ["ad2", "bd1", "bd3", "cd9"]
        assert len(grid_rows(now, viewer=make_user(), grid_filter=not_mine).rows) == 5


def test_counts_of_views_and_of_the_filter_take_one_query(
    run: EvaluationRun, member: User, django_assert_num_queries: Any
) -> None:
    grade(run, member, "c", "d9", 2)
    asked, views = GridFilter(people="not_me", search="d1"), views_of(run, member)
    with django_assert_num_queries(1):
        counts = grid_counts(run, asked, views, viewer=member)
    assert counts.shown == 2
    assert counts.by_view == {
        "ai-high": 1, "ai-low-at-top": 1, "disagreement": 1, "failed": 1, "unjudged": 1, "cant-tell": 0,
    }  # fmt: skip


def test_highly_relevant_begins_where_the_scale_says() -> None:
    begins = {name: saved_views(scale)[0].filter.min_ai_grade for name, scale in SCALES.items()}
    assert begins == {"binary": 1, "graded": 3, "detailed": 6, "trec": 2}
