"""The judgments on an evaluation run's queries as a file: CSV, JSONL, TREC qrels, or what other tools read."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from itertools import groupby
from typing import NamedTuple

from django.db.models import Case, CharField, Exists, F, OuterRef, QuerySet, Subquery, Value, When
from django.db.models.functions import Coalesce, Lower

from judging.exports.other_tools import (
    GradedQuery,
    opensearch_lines,
    quepid_lines,
    ranklib_comments,
    ranklib_lines,
    rre_lines,
)
from judging.ledger.grading import effective_grade
from judging.models import AuthorKind, EvaluationRun, Judgment, LockedJudgment, RunQuery, User
from judging.records.files.cells import csv_line
from judging.records.files.formats import JUDGMENT_FORMATS, checked_format, in_chunks
from judging.records.files.names import (
    AI_PREFIX,
    RATER_PREFIX,
    check_columns,
    json_line,
    label_or_id,
    query_cell,
    rater_label,
)

COLUMNS = (
    "query_id",
    "query",
    "doc_id",
    "grade",
    "scale",
    "author",
    "kind",
    "judge",
    "reasoning",
    "created_at",
)
_ROWS = 2000


class _Row(NamedTuple):
    position: int
    external_id: str
    author_kind: str
    author: str
    judge_label: str
    grade: int
    reasoning: str
    created_at: datetime


def export_judgments(run: EvaluationRun, file_format: str) -> Iterator[str]:
    """Write the judgments that count for a run, a locked one's as they stood then, as pieces of text.

    These are everyone's judgments of the run's queries on its scale, also of documents that the run did not return.
    `csv` and `jsonl` come back the same through the import; `quepid_book` holds everyone's grades without more, the
    others the effective ones. Raises Invalid for an unknown format and Conflict (not_exportable) for ids and queries
    that a format can't hold, both before the first piece.
    """
    known = checked_format(JUDGMENT_FORMATS, file_format)
    if known.name in ("qrels", "ranklib"):
        external_id = "external_id" if run.is_locked else "document__external_id"
        ids = _judgments(run).order_by().values_list(external_id, flat=True).distinct()
        check_columns(run, ids, with_labels=known.name == "qrels")
    if known.name == "ranklib":
        return in_chunks(ranklib_lines(ranklib_comments(run), _graded_queries(run)))
    return in_chunks(_WRITERS[known.name](run), known)


def _judgments(run: EvaluationRun) -> "QuerySet[Judgment] | QuerySet[LockedJudgment]":
    if run.is_locked:
        return LockedJudgment.objects.filter(run=run)
    queries = RunQuery.objects.filter(run=run).values("query_id")
    return Judgment.objects.filter(query_id__in=queries, scale=run.scale)


def _rows(run: EvaluationRun) -> Iterator[_Row]:
    """Yield a run's judgments by query position and document, people before the AI."""
    position = RunQuery.objects.filter(run=run, query_id=OuterRef("query_id")).values("position")
    rows = _judgments(run).annotate(position=Subquery(position[:1]))
    if run.is_locked:
        rows = rows.annotate(external=F("external_id"), author=F("author_label"))
    else:
        author = Case(
            When(author_kind=AuthorKind.MEMBER, then=F("member__email")),
            When(author_kind=AuthorKind.RATER, then=F("rater__name")),
            output_field=CharField(),
        )
        rows = rows.annotate(external=F("document__external_id"), author=Coalesce(author, Value("")))
    is_ai = Case(When(author_kind=AuthorKind.AI, then=Value(1)), default=Value(0))
    accounts = User.objects.filter(email=Lower(OuterRef("author_label" if run.is_locked else "rater__name")))
    is_address = Case(When(author_kind=AuthorKind.RATER, then=Exists(accounts)), default=False)
    columns = ("position", "external", "author_kind", "author", "judge_label", "grade", "reasoning", "created_at")
    ordered = rows.annotate(is_address=is_address).order_by("position", "external", is_ai, "author", "pk")
    for *values, marked in ordered.values_list(*columns, "is_address").iterator(chunk_size=_ROWS):
        row = _Row(*values)
        is_rater = row.author_kind == AuthorKind.RATER
        yield row._replace(author=rater_label(row.author, is_address=marked)) if is_rater else row


def _by_query(run: EvaluationRun) -> Iterator[tuple[RunQuery, Iterator[_Row]]]:
    """Yield the queries that have judgments with these, in the order of the run."""
    queries = RunQuery.objects.filter(run=run).order_by("position").only("id", "position", "label", "body")
    following = queries.iterator(chunk_size=_ROWS)
    for position, rows in groupby(_rows(run), key=lambda row: row.position):
        query = next((query for query in following if query.position == position), None)
        if query is None:
            # The run is being deleted.
            return
        yield query, rows


def _csv(run: EvaluationRun) -> Iterator[str]:
    match_mode = run.evaluation.corpus.match_mode
    yield csv_line(COLUMNS)
    for query, rows in _by_query(run):
        label, text = label_or_id(query.label, query.pk), query_cell(query.body, match_mode)
        for row in rows:
            yield csv_line((label, text, *_values(row, run.scale)))


def _jsonl(run: EvaluationRun) -> Iterator[str]:
    for query, rows in _by_query(run):
        label = label_or_id(query.label, query.pk)
        for row in rows:
            yield json_line(dict(zip(COLUMNS, (label, query.body, *_values(row, run.scale)), strict=True)))


def _values(row: _Row, scale: str) -> tuple[str, int, str, str, str, str, str, str]:
    kind = "ai" if row.author_kind == AuthorKind.AI else "human"
    moment = row.created_at.astimezone(UTC).isoformat().replace("+00:00", "Z")
    return row.external_id, row.grade, scale, row.author, kind, row.judge_label, row.reasoning, moment


def _effective(run: EvaluationRun) -> Iterator[tuple[RunQuery, list[tuple[str, int]]]]:
    """Yield the queries that have judgments with each judged document's effective grade."""
    for query, rows in _by_query(run):
        graded: list[tuple[str, int]] = []
        for external_id, of_document in groupby(rows, key=lambda row: row.external_id):
            people: list[int] = []
            ai_grade: int | None = None
            for row in of_document:
                if row.author_kind == AuthorKind.AI:
                    ai_grade = row.grade
                else:
                    people.append(row.grade)
            # One judgment at least, so there is a grade.
            graded.append((external_id, effective_grade(people, ai_grade) or 0))
        yield query, graded


def _qrels(run: EvaluationRun) -> Iterator[str]:
    for query, graded in _effective(run):
        label = label_or_id(query.label, query.pk)
        for external_id, grade in graded:
            yield f"{label} 0 {external_id} {grade}\n"


def _in_form(
    form: Callable[[EvaluationRun, Iterator[GradedQuery]], Iterator[str]],
) -> Callable[[EvaluationRun], Iterator[str]]:
    """Write the effective grades in the form of another tool."""

    def write(run: EvaluationRun) -> Iterator[str]:
        return form(run, _graded_queries(run))

    return write


def _graded_queries(run: EvaluationRun) -> Iterator[GradedQuery]:
    match_mode = run.evaluation.corpus.match_mode
    for query, graded in _effective(run):
        yield GradedQuery(query.position, query_cell(query.body, match_mode), graded)


def _book(run: EvaluationRun) -> Iterator[str]:
    """Write a column for every author: who graded a document twice on one scale did so under two names."""
    authors = sorted({_column(row) for row in _rows(run)})
    match_mode = run.evaluation.corpus.match_mode
    yield csv_line(("query", "docid", *authors))
    for query, rows in _by_query(run):
        text = query_cell(query.body, match_mode)
        for external_id, of_document in groupby(rows, key=lambda row: row.external_id):
            grades = {_column(row): row.grade for row in of_document}
            yield csv_line((text, external_id, *(grades.get(author) for author in authors)))


def _column(row: _Row) -> str:
    if row.author_kind == AuthorKind.AI:
        return f"{AI_PREFIX}{row.judge_label}"
    return f"{RATER_PREFIX}{row.author}" if row.author.startswith(AI_PREFIX) else row.author


_WRITERS: dict[str, Callable[[EvaluationRun], Iterator[str]]] = {
    "csv": _csv,
    "csv_excel": _csv,
    "jsonl": _jsonl,
    "qrels": _qrels,
    "quepid_book": _book,
    "quepid": _in_form(quepid_lines),
    "opensearch": _in_form(opensearch_lines),
    "rre": _in_form(rre_lines),
}
