"""The ranked lists of two runs over the queries that both have, and the grades on them, as arrays."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from django.db.models import Avg, F, FloatField, Max, Q, QuerySet, Value
from django.db.models.functions import Cast, Coalesce

from judging.models import PEOPLE, AuthorKind, Candidate, EvaluationRun, Judgment, LockedJudgment, RunQuery
from judging.statistics.delta_ranges import UNJUDGED, PairedDocuments
from judging.statistics.tables import Flags, Integers, integers
from judging.trust.comparisons.remembered import lists_of, remembered

_CHUNK = 5000
_FEW = 20
_ROW = np.dtype(
    [("query", np.int64), ("document", np.int64), ("rank", np.int64), ("grade", np.int64), ("score", np.float64)]
)
_GRADE = np.dtype([("query", np.int64), ("document", np.int64), ("people", np.float64), ("ai", np.int64)])


@dataclass(frozen=True, eq=False)
class RankedLists:
    """A run's lists, one entry per candidate in the order of `query_ids` (the corpus's, rising) and ranks.

    `queries` are codes of these queries; `places` count from 1 without gaps; `grades` are the effective ones, UNJUDGED
    where there is none. `starts[code]` is where a query's list begins; one more entry stands at the end.
    """

    query_ids: Integers
    queries: Integers
    documents: Integers
    places: Integers
    grades: Integers
    starts: Integers
    has_ties: Flags

    def judged_only(self) -> "RankedLists":
        """Return the lists without their unjudged documents: what comes after one moves up."""
        kept = self.grades != UNJUDGED
        queries = self.queries[kept]
        starts = np.searchsorted(queries, np.arange(len(self.query_ids) + 1))
        return replace(
            self,
            queries=queries,
            documents=self.documents[kept],
            places=np.arange(len(queries)) - starts[queries] + 1,
            grades=self.grades[kept],
            starts=starts,
        )


@dataclass(frozen=True, eq=False)
class SharedQueries:
    """The queries of two runs: those in both (the corpus's ids, rising), and how many only one has."""

    query_ids: Integers
    only_a_count: int
    only_b_count: int


def shared_queries(a: EvaluationRun, b: EvaluationRun) -> SharedQueries:
    """Return which queries two runs share."""
    return remembered(("queries", lists_of(a), lists_of(b)), lambda: _read_shared(a, b))


def _read_shared(a: EvaluationRun, b: EvaluationRun) -> SharedQueries:
    of_a = _query_ids(a)
    of_b = of_a if a.pk == b.pk else _query_ids(b)
    shared = np.intersect1d(of_a, of_b, assume_unique=True)
    return SharedQueries(shared, len(of_a) - len(shared), len(of_b) - len(shared))


def _query_ids(run: EvaluationRun) -> Integers:
    ids = RunQuery.objects.filter(run=run).order_by().values_list("query_id", flat=True)
    return np.fromiter(ids.iterator(_CHUNK), np.int64)


def read_lists(run: EvaluationRun, query_ids: Integers) -> RankedLists:
    """Read a run's lists for some of its queries, rising ids."""
    rows = _of_queries(Candidate.objects.filter(run=run), query_ids).order_by().values_list(
        "query_id",
        "document_id",
        "rank",
        Coalesce(F("effective_grade"), Value(UNJUDGED)),
        # Whoever gave no score is tied with nobody: comparing NaN is always false.
        Coalesce(F("score"), Value(float("inf")), output_field=FloatField()),
    )  # fmt: skip
    table = np.fromiter(rows.iterator(chunk_size=_CHUNK), dtype=_ROW)
    queries = np.minimum(np.searchsorted(query_ids, table["query"]), max(len(query_ids) - 1, 0))
    kept = query_ids[queries] == table["query"] if len(query_ids) else np.zeros(len(table), dtype=np.bool_)
    table, queries = table[kept], queries[kept]
    order = np.lexsort((table["rank"], queries))
    table, queries = table[order], queries[order]
    starts = np.searchsorted(queries, np.arange(len(query_ids) + 1))
    scores = table["score"]
    tied = (queries[1:] == queries[:-1]) & (scores[1:] == scores[:-1]) & np.isfinite(scores[1:])
    return RankedLists(
        query_ids=query_ids,
        queries=queries,
        documents=np.ascontiguousarray(table["document"]),
        places=np.arange(len(queries)) - starts[queries] + 1,
        grades=np.ascontiguousarray(table["grade"]),
        starts=starts,
        has_ties=np.bincount(queries[1:][tied], minlength=len(query_ids)) > 0,
    )


def _of_queries(rows: "QuerySet[Any]", query_ids: Integers) -> "QuerySet[Any]":
    # Of a few queries only theirs are read; of many, what is not wanted is quicker dropped than named.
    return rows.filter(query_id__in=query_ids.tolist()) if len(query_ids) <= _FEW else rows


@dataclass(frozen=True, eq=False)
class KnownGrades:
    """Every document with an effective grade for some queries, returned or not: codes of queries, ids, grades."""

    queries: Integers
    documents: Integers
    grades: Integers

    def counts(self, query_count: int, grade_count: int) -> Integers:
        """Count the documents by query and grade."""
        keys = self.queries * grade_count + self.grades
        return np.bincount(keys, minlength=query_count * grade_count).reshape(query_count, grade_count)


def read_known_grades(run: EvaluationRun, query_ids: Integers) -> KnownGrades:
    """Read the effective grades that count for a run now, a locked one's as they stood then."""
    given: QuerySet[Any]
    if run.is_locked:
        given = LockedJudgment.objects.filter(run=run)
    else:
        of_run = RunQuery.objects.filter(run=run).order_by().values("query_id")
        given = Judgment.objects.filter(scale=run.scale, query_id__in=of_run)
    by_people = Q(author_kind__in=PEOPLE)
    rows = (
        _of_queries(given, query_ids)
        .order_by()
        .values_list("query_id", "document_id")
        .annotate(
            people=Coalesce(Cast(Avg("grade", filter=by_people), FloatField()), Value(float(UNJUDGED))),
            ai=Coalesce(Max("grade", filter=Q(author_kind=AuthorKind.AI)), Value(UNJUDGED)),
        )
    )
    table = np.fromiter(rows.iterator(chunk_size=_CHUNK), dtype=_GRADE)
    queries = np.minimum(np.searchsorted(query_ids, table["query"]), max(len(query_ids) - 1, 0))
    kept = query_ids[queries] == table["query"] if len(query_ids) else np.zeros(len(table), dtype=np.bool_)
    table, queries = table[kept], queries[kept]
    # People stand before the AI; their mean is rounded half up, as everywhere.
    grades = np.where(table["people"] >= 0, np.floor(table["people"] + 0.5), table["ai"]).astype(np.int64)
    return KnownGrades(queries, np.ascontiguousarray(table["document"]), grades)


@dataclass(frozen=True, eq=False)
class Documents:
    """The documents of either list by query code, an entry each: places (0: not in it) and grades in both runs."""

    queries: Integers
    place_a: Integers
    place_b: Integers
    grade_a: Integers
    grade_b: Integers

    @property
    def grades(self) -> Integers:
        """The grade of each, from the list that has it."""
        return np.where(self.place_b > 0, self.grade_b, self.grade_a)

    @property
    def disagreeing_queries(self) -> Integers:
        """The codes of queries with a document that the two runs know with two grades: one of them is locked."""
        differs = (self.place_a > 0) & (self.place_b > 0) & (self.grade_a != self.grade_b)
        return integers(np.unique(self.queries[differs]))

    def paired(self, judged: Integers) -> PairedDocuments:
        """Return them as ranges take them, `judged` counting the known grades by query."""
        return PairedDocuments(self.queries, self.place_a, self.place_b, self.grades, judged)


def pair_documents(a: RankedLists, b: RankedLists) -> Documents:
    """Put two runs' lists of the same queries together."""
    ids, codes = np.unique(np.concatenate([a.documents, b.documents]), return_inverse=True)
    width = max(len(ids), 1)
    keys_a = a.queries * width + codes[: len(a.documents)]
    keys_b = b.queries * width + codes[len(a.documents) :]
    keys = np.union1d(keys_a, keys_b)
    columns = np.zeros((4, len(keys)), dtype=np.int64)
    columns[2:] = UNJUDGED
    for side, (lists, of_side) in enumerate(((a, keys_a), (b, keys_b))):
        at = np.searchsorted(keys, of_side)
        columns[side, at] = lists.places
        columns[2 + side, at] = lists.grades
    return Documents(keys // width, *columns)
