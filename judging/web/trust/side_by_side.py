"""The page "Side by side": one query of two runs, both lists next to each other, graded by key."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST
from django_htmx.http import trigger_client_event

from judging.foundation.errors import NotFound
from judging.ledger import PersonGrade
from judging.models import EvaluationRun, RunQuery
from judging.records.blindness import sight_of, sight_of_both
from judging.review.grid import rows_of
from judging.review.reviewing import grade_candidates
from judging.trust.comparisons.queries.query_rows import query_rows, step_of
from judging.trust.comparisons.queries.query_table import Measure, read_query
from judging.trust.comparisons.queries.side_by_side import (
    AlignedDocument,
    aligned_documents,
    differing_fields,
    query_of_both,
    shuffled_documents,
)
from judging.trust.comparisons.run_comparison import check_comparable, read_runs
from judging.web.base import PageRequest, go_to, member_required
from judging.web.review.documents import FieldText, field_texts, query_details
from judging.web.review.given import given_grades
from judging.web.review.grid_rows import Entry, entry_of, grade_keys
from judging.web.trust.compared_queries import measure_of

# Of each list: more is in the review grid.
_SHOWN = 100


@dataclass(frozen=True, slots=True)
class FieldDifference:
    """A field that a document has otherwise in the two runs."""

    name: str
    in_a: FieldText
    in_b: FieldText


@dataclass(frozen=True, slots=True)
class SideEntry:
    """A candidate of one of the lists: `other_pk` is the same document's in the other, None where it is not there.

    `mark` says in words what became of it, `look` is its colour.
    """

    entry: Entry
    run: EvaluationRun
    other_pk: int | None
    mark: str
    look: str
    differences: Sequence[FieldDifference]
    is_open: bool


@require_GET
@member_required
def side_by_side(request: PageRequest, run_id: UUID, other_run_id: UUID, query_key: str) -> HttpResponse:
    """Show one query of two runs, by an address that can be shared."""
    a, b = read_runs([run_id, other_run_id])
    check_comparable([a, b])
    measure = measure_of(request, a, b)
    in_a, in_b = query_of_both(a, b, query_key)
    documents = aligned_documents(in_a, in_b, depth=_SHOWN)
    in_list_a, in_list_b = _sides(request, a, b, documents)
    step = step_of(a, b, measure, in_b.query_id)
    name = measure.metric.canonical_name
    context = _figures(a, b, measure, in_b) | {
        "in_a": in_a,
        "in_b": in_b,
        "query_key": query_key,
        "details": query_details(in_b.body),
        "lists": [
            ("a", a, in_list_a, in_a.candidate_count, reverse("review_grid", args=[a.pk]) + f"?query_id={in_a.pk}"),
            ("b", b, in_list_b, in_b.candidate_count, reverse("review_grid", args=[b.pk]) + f"?query_id={in_b.pk}"),
        ],
        "step": step,
        "previous_url": _address(a, b, step.previous_key, name),
        "next_url": _address(a, b, step.next_key, name),
        "compare_url": f"{reverse('compare', args=[a.pk, b.pk])}?metric={name}",
        "grade_url": reverse("grade_side_by_side", args=[a.pk, b.pk, query_key]) + f"?metric={name}",
        "here": request.get_full_path(),
        "grades": grade_keys(b.grading_scale),
        "run": b,
        "is_open": not (a.is_locked and b.is_locked),
        "blind_runs": [run for run in (a, b) if sight_of(run, request.user).is_blind],
    }
    return render(request, "judging/trust/side_by_side.html", context)


@require_POST
@member_required
def grade_side_by_side(request: PageRequest, run_id: UUID, other_run_id: UUID, query_key: str) -> HttpResponse:
    """Save grades of candidates of either list, or with ?undo=1 bring earlier ones back; answer what changed."""
    a, b = read_runs([run_id, other_run_id])
    check_comparable([a, b])
    measure = measure_of(request, a, b)
    in_a, in_b = query_of_both(a, b, query_key)
    grades = given_grades(request)
    documents = aligned_documents(in_a, in_b, depth=_SHOWN)
    before: list[PersonGrade] = []
    known: set[int] = set()
    for run, pks in _candidates(a, b, documents):
        of_run = [grade for grade in grades if grade.candidate_pk in pks and grade.candidate_pk not in known]
        known |= pks
        if of_run:
            before += grade_candidates(run=run, grades=of_run, actor=request.user)
    if not {grade.candidate_pk for grade in grades} <= known:
        raise NotFound("no such candidate of this query")
    if not request.htmx:
        return go_to(request, _address(a, b, query_key, measure.metric.canonical_name))
    given = {grade.candidate_pk for grade in grades}
    changed = [each for each in documents if {each.candidate_a, each.candidate_b} & given]
    a, b = read_runs([run_id, other_run_id])
    sides = _sides(request, a, b, changed)
    context = _figures(a, b, measure, in_b) | {
        "entries": [entry for side in sides for entry in side],
        "grades": grade_keys(b.grading_scale),
    }
    response = render(request, "judging/trust/_side_saved.html", context)
    if before and "undo" not in request.GET:
        trigger_client_event(response, "releval:graded", {"before": [asdict(grade) for grade in before]})
    return response


def _candidates(
    a: EvaluationRun, b: EvaluationRun, documents: Sequence[AlignedDocument]
) -> list[tuple[EvaluationRun, set[int]]]:
    return [
        (a, {each.candidate_a for each in documents if each.candidate_a}),
        (b, {each.candidate_b for each in documents if each.candidate_b}),
    ]


def _figures(a: EvaluationRun, b: EvaluationRun, measure: Measure, in_b: RunQuery) -> dict[str, Any]:
    (row,) = query_rows(a, b, read_query(a, b, measure, in_b.query_id), [0])
    return {"a": a, "b": b, "row": row, "metric": measure.metric.canonical_name, "k": measure.k}


def _sides(
    request: PageRequest, a: EvaluationRun, b: EvaluationRun, documents: Sequence[AlignedDocument]
) -> tuple[list[SideEntry], list[SideEntry]]:
    """Return the entries of both lists, each in its own order."""
    sight = sight_of_both(a, b, request.user)
    if sight.is_blind:
        documents = shuffled_documents(documents, request.user)
    entries: dict[int, Entry] = {}
    for run, pks in _candidates(a, b, documents):
        rows = rows_of(run, sorted(pks), viewer=request.user, sight=sight)
        entries |= {row.candidate_pk: entry_of(row) for row in rows}
    sides: tuple[list[SideEntry], list[SideEntry]] = ([], [])
    for each in documents:
        both = [entries.get(pk or 0) for pk in (each.candidate_a, each.candidate_b)]
        differences = _differences(*(entry.row.fields if entry else {} for entry in both)) if all(both) else []
        words = (("", ""), ("", "")) if any(entry and entry.row.is_hidden for entry in both) else _words(each)
        for side, (run, entry) in enumerate(zip((a, b), both, strict=True)):
            if entry is None:
                continue
            other = (each.candidate_b, each.candidate_a)[side]
            mark, look = words[side]
            sides[side].append(SideEntry(entry, run, other, mark, look, differences, is_open=not run.is_locked))
    if not sight.is_blind:
        for of_side in sides:
            of_side.sort(key=lambda each: each.entry.row.rank or 0)
    return sides


def _words(document: AlignedDocument) -> tuple[tuple[str, str], tuple[str, str]]:
    """Say what became of a document, as its entry in a and the one in b have it."""
    if document.rank_a is None or document.rank_b is None:
        return ("Gone", "danger"), ("New", "success")
    if document.rank_a == document.rank_b:
        return ("", ""), ("", "")
    look = "info" if document.rank_b < document.rank_a else "neutral"
    arrow = "↑" if document.rank_b < document.rank_a else "↓"
    return (f"{arrow} to {document.rank_b}", look), (f"{arrow} from {document.rank_a}", look)


def _differences(a: Mapping[str, Any], b: Mapping[str, Any]) -> list[FieldDifference]:
    found = differing_fields(a, b)
    of_a, of_b = (field_texts({name: pair[side] for name, pair in found.items()}) for side in (0, 1))
    return [FieldDifference(each.name, each, other) for each, other in zip(of_a, of_b, strict=True)]


def _address(a: EvaluationRun, b: EvaluationRun, key: str, metric: str) -> str:
    return f"{reverse('side_by_side', args=[a.pk, b.pk, key])}?metric={metric}" if key else ""
