"""The grades on one run's candidates as arrays: what every figure of trust is computed from."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from typing import Any, TypeAlias
from uuid import UUID

import numpy as np
from django.db.models import Case, F, IntegerField, QuerySet, Value, When
from django.db.models.functions import Coalesce, Lower

from judging.foundation.errors import Conflict
from judging.models import (
    PEOPLE,
    AuthorKind,
    Candidate,
    EvaluationRun,
    EvaluationRunStatus,
    Judgment,
    LockedJudgment,
    RunQuery,
    User,
)
from judging.records.files.names import rater_label
from judging.statistics.agreement.people import PeopleGrades
from judging.statistics.tables import Flags, Integers, mean_grade

NONE = -1  # stands for "no grade" and "not known" in arrays of whole numbers
_CHUNK = 5000

Author: TypeAlias = tuple[AuthorKind, Any]  # the key of a member or rater; of a locked run their label


@dataclass(frozen=True, eq=False)
class PeoplesGrades:
    """What people said of a run's candidates, one entry per person and candidate.

    `candidates` are indexes of the run's candidates, `people` codes into `authors` and `names`; `blind` is what a person
    said before they saw the AI's grade, NONE where nothing is known to be blind; `grades` is what counts now; `saw` 1
    where the AI's grade was in sight, 0 where it was not, NONE where that is not known.
    """

    run: EvaluationRun
    candidates: Integers
    people: Integers
    blind: Integers
    grades: Integers
    saw: Integers
    authors: tuple[Author, ...]

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The authors as exports name them."""
        return _names(self.authors, self.run)

    @property
    def is_blind(self) -> Flags:
        return np.asarray(self.blind != NONE)

    @property
    def is_shown(self) -> Flags:
        """Given with the AI's grade in sight, and never without."""
        return np.asarray((self.saw == 1) & ~self.is_blind)


@dataclass(frozen=True, eq=False)
class RunGrades:
    """A run's candidates in the order of queries and ranks, one entry each, with the grades on them.

    `queries` are codes from 0 in the order of the run's queries, also those without candidates (`query_ids`: the
    corpus's, by code); `documents` are internal ids; `ai` the AI's grade of record, NONE where there is none.
    """

    run: EvaluationRun
    query_ids: Integers
    pks: Integers
    queries: Integers
    documents: Integers
    ranks: Integers
    ai: Integers
    people: PeoplesGrades
    pairs: "PairIndex"

    @property
    def grade_count(self) -> int:
        """How many grades the run's scale has."""
        return self.run.grading_scale.maximum + 1

    def of_queries(self, kept: Flags) -> "RunGrades":
        """Return the grades on some of the run's queries, `kept` by code; the others stay as queries without candidates."""
        rows = kept[self.queries]
        place = np.cumsum(rows) - 1
        given = self.people
        of_people = rows[given.candidates]
        people = replace(
            given,
            candidates=place[given.candidates[of_people]],
            **{name: getattr(given, name)[of_people] for name in ("people", "blind", "grades", "saw")},
        )
        columns = {name: getattr(self, name)[rows] for name in ("pks", "queries", "documents", "ranks", "ai")}
        pairs = PairIndex(self.query_ids, columns["queries"], columns["documents"])
        return replace(self, people=people, pairs=pairs, **columns)

    def people_mean(self, *, blind: bool = True) -> Integers:
        """Return the mean of people's grades of each candidate, rounded half up, NONE where nobody graded."""
        given = self.people.blind if blind else self.people.grades
        return self.mean_of(self.people.candidates, given)

    def mean_of(self, candidates: Integers, grades: Integers) -> Integers:
        """Return the rounded mean by candidate of some people's grades; those that are NONE do not count."""
        counted = grades != NONE
        counts = np.bincount(candidates[counted], minlength=len(self.pks))
        sums = np.bincount(candidates[counted], weights=grades[counted], minlength=len(self.pks)).astype(np.int64)
        means = np.full(len(self.pks), NONE)
        several = counts > 0
        means[several] = mean_grade(sums[several], counts[several])
        return means

    def by_person(self, *, blind: bool = True) -> PeopleGrades:
        """Return people's grades with the AI's beside them, as the figures of people among themselves take them."""
        given = self.people.blind if blind else self.people.grades
        counted = given != NONE
        of = self.people.candidates[counted]
        return PeopleGrades.read(
            self.people.people[counted],
            of,
            self.queries[of],
            given[counted],
            grade_count=self.grade_count,
            ai=self.ai[of],
        )


class PairIndex:
    """Finds candidates by query and document: one sorted key per pair."""

    def __init__(self, query_ids: Integers, queries: Integers, documents: Integers) -> None:
        self._query_order = np.argsort(query_ids)
        self._query_ids = query_ids[self._query_order]
        self._documents, codes = np.unique(documents, return_inverse=True)
        keys = queries * max(len(self._documents), 1) + codes
        self._order = np.argsort(keys)
        self._keys = keys[self._order]

    def find(self, query_ids: Integers, documents: Integers) -> Integers:
        """Return the index of each (query, document) among the candidates, NONE for what the run did not return."""
        place, known_query = _look_up(self._query_ids, query_ids)
        code, known_document = _look_up(self._documents, documents)
        queries = self._query_order[place] if len(self._query_order) else place
        index, known_pair = _look_up(self._keys, queries * max(len(self._documents), 1) + code)
        found = self._order[index] if len(self._order) else index
        return np.where(known_query & known_document & known_pair, found, NONE)


def _look_up(ordered: Integers, wanted: Integers) -> tuple[Integers, Flags]:
    if not len(ordered):
        return np.zeros(len(wanted), dtype=np.int64), np.zeros(len(wanted), dtype=np.bool_)
    place = np.minimum(np.searchsorted(ordered, wanted), len(ordered) - 1)
    return place, ordered[place] == wanted


def check_completed(run: EvaluationRun) -> None:
    """Raise Conflict (run_not_completed) while a run has no final candidates."""
    if run.status != EvaluationRunStatus.COMPLETED:
        raise Conflict(f"the evaluation run is {run.status}: nothing can be said of it yet", code="run_not_completed")


def read_run_grades(run: EvaluationRun) -> RunGrades:
    """Read a run's candidates and the grades that count for it now; a locked run's as they stood then."""
    return read_runs_grades([run])[0]


def read_runs_grades(runs: Sequence[EvaluationRun]) -> list[RunGrades]:
    """Read different runs as `read_run_grades` does; the number of statements does not grow with them."""
    run_queries = _by_run(
        RunQuery.objects.filter(run__in=runs).order_by("run_id", "position"), runs, "position", "query_id"
    )
    candidates = _by_run(
        Candidate.objects.filter(run__in=runs).order_by("run_id", "position", "rank"),
        runs,
        "pk",
        "position",
        "document_id",
        "rank",
        Coalesce(F("ai_grade"), Value(NONE)),
    )
    queries = [
        np.searchsorted(positions, position)
        for (positions, _), (_, position, *_) in zip(run_queries, candidates, strict=True)
    ]
    given = _people_entries(runs, [query_ids for _, query_ids in run_queries])
    found = []
    for run, (_, query_ids), query, (pks, _, documents, ranks, ai) in zip(
        runs, run_queries, queries, candidates, strict=True
    ):
        pairs = PairIndex(query_ids, query, documents)
        people = _peoples_grades(run, pairs, given[run.pk])
        found.append(RunGrades(run, query_ids, pks, query, documents, ranks, ai, people, pairs))
    return found


def _by_run(rows: "QuerySet[Any, Any]", runs: Sequence[EvaluationRun], *columns: Any) -> list[list[Integers]]:
    """Read whole numbers as columns, for each of the runs; in `rows` those of a run stand together."""
    places = [When(run_id=run.pk, then=Value(place)) for place, run in enumerate(runs)]
    # Not asked for of one run alone, which may be large.
    place = Case(*places, output_field=IntegerField()) if len(runs) > 1 else Value(0)
    code, *read = _columns(rows.values_list(place, *columns), len(columns) + 1)
    order = np.argsort(code, kind="stable")
    bounds = np.searchsorted(code[order], np.arange(len(runs) + 1))
    return [[column[order[start:end]] for column in read] for start, end in pairwise(bounds)]


def _columns(rows: "QuerySet[Any, Any]", count: int) -> list[Integers]:
    """Read whole numbers as columns; a hundred thousand rows never stand in memory as objects."""
    dtype = np.dtype([(f"f{index}", np.int64) for index in range(count)])
    table = np.fromiter(rows.iterator(chunk_size=_CHUNK), dtype=dtype)
    return [np.ascontiguousarray(table[name]) for name in dtype.names or ()]


Entry: TypeAlias = tuple[Any, ...]  # query, document, author, blind grade, grade, whether the AI's was in sight


def _people_entries(runs: Sequence[EvaluationRun], query_ids: Sequence[Integers]) -> dict[UUID, list[Entry]]:
    """Return what people said on the queries of each run, in the order in which it was said first."""
    found: dict[UUID, list[Entry]] = {run.pk: [] for run in runs}
    unlocked = [run for run in runs if not run.is_locked]
    if unlocked:
        holders: dict[tuple[str, int], list[UUID]] = defaultdict(list)
        for run, ids in zip(runs, query_ids, strict=True):
            for query_id in () if run.is_locked else ids.tolist():
                holders[run.scale, query_id].append(run.pk)
        for scale, entry in _current(unlocked):
            for run_id in holders.get((scale, entry[0]), ()):
                found[run_id].append(entry)
    locked = [run for run in runs if run.is_locked]
    if locked:
        for run_id, entry in _locked(locked):
            found[run_id].append(entry)
    return found


def _peoples_grades(run: EvaluationRun, pairs: PairIndex, entries: Sequence[Entry]) -> PeoplesGrades:
    query_ids, documents = (np.array([entry[i] for entry in entries], dtype=np.int64) for i in (0, 1))
    places = pairs.find(query_ids, documents)
    returned: list[int] = np.flatnonzero(places != NONE).tolist()
    codes: dict[Author, int] = {}
    people = np.array([codes.setdefault(entries[i][2], len(codes)) for i in returned], dtype=np.int64)
    blind, grades, saw = (
        np.array([NONE if entries[i][column] is None else entries[i][column] for i in returned], dtype=np.int64)
        for column in (3, 4, 5)
    )
    return PeoplesGrades(run, places[returned], people, blind, grades, saw, tuple(codes))


def _current(runs: Sequence[EvaluationRun]) -> Iterator[tuple[str, Entry]]:
    rows = Judgment.objects.filter(
        author_kind__in=PEOPLE,
        scale__in={run.scale for run in runs},
        query_id__in=RunQuery.objects.filter(run__in=runs).order_by().values("query_id"),
    ).values_list("scale", "query_id", "document_id", "member_id", "rater_id", "blind_grade", "grade", "saw_ai_grade")
    for scale, query_id, document_id, member_id, rater_id, *given in rows.order_by("pk").iterator(chunk_size=_CHUNK):
        author = (AuthorKind.MEMBER, member_id) if member_id else (AuthorKind.RATER, rater_id)
        yield scale, (query_id, document_id, author, *given)


def _locked(runs: Sequence[EvaluationRun]) -> Iterator[tuple[UUID, Entry]]:
    rows = LockedJudgment.objects.filter(author_kind__in=PEOPLE, run__in=runs).values_list(
        "run_id", "query_id", "document_id", "author_kind", "author_label", "blind_grade", "grade", "saw_ai_grade"
    )
    for run_id, query_id, document_id, kind, label, *given in rows.order_by("pk").iterator(chunk_size=_CHUNK):
        yield run_id, (query_id, document_id, (AuthorKind(kind), label), *given)


def _names(authors: Sequence[Author], run: EvaluationRun) -> tuple[str, ...]:
    members = [key for kind, key in authors if kind == AuthorKind.MEMBER]
    raters = [key for kind, key in authors if kind == AuthorKind.RATER]
    if run.is_locked:
        addresses, names = {key: key for key in members}, {key: key for key in raters}
    else:
        addresses = dict(User.objects.filter(pk__in=members).values_list("pk", "email"))
        names = dict(run.evaluation.corpus.imported_raters.filter(pk__in=raters).values_list("pk", "name"))
    lowered = {name.lower() for name in names.values()}
    accounts = set(
        User.objects.annotate(lowered=Lower("email")).filter(lowered__in=lowered).values_list("lowered", flat=True)
    )
    return tuple(
        addresses[key]
        if kind == AuthorKind.MEMBER
        else rater_label(names[key], is_address=names[key].lower() in accounts)
        for kind, key in authors
    )
