"""What a check sample may ask about: pairs of query and document, and what is known of each now."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

import numpy as np
from django.db.models import QuerySet

from judging.models import Abstention, EvaluationRun, Judgment, LockedJudgment, RunQuery
from judging.statistics.tables import Flags, Floats, Integers
from judging.trust.grades import NONE, PairIndex, RunGrades
from judging.trust.samples.numbers import Numbers, runs_numbers
from judging.trust.samples.pools import Given, Pool


@dataclass(frozen=True, eq=False)
class Items:
    """Pairs of query and document, one entry each.

    `query_ids` are the corpus's by code, `query_numbers` their permanent numbers; `queries` the code of each item.
    `candidates` is the pk of a candidate that carries the pair, of the sample's first run that holds it, NONE for what
    only a snapshot knows. `ai` is NONE without an AI grade. `ranks`, shape (runs, items), are NONE where a run did not
    return the item; `counted`, shape (runs, queries), says which queries a run's metrics are means over.
    `graded_items` and `graded` hold one entry per blind grade of a person; `is_shown` items have a grade given with the
    AI's in sight and none without; `is_abstained` ones somebody could not tell.
    """

    query_ids: Integers
    query_numbers: Floats
    queries: Integers
    documents: Integers
    numbers: Floats
    candidates: Integers
    ai: Integers
    ranks: Integers
    counted: Flags
    graded_items: Integers
    graded: Integers
    is_shown: Flags
    is_abstained: Flags

    def __len__(self) -> int:
        return len(self.queries)

    @property
    def is_answered(self) -> Flags:
        """By item: a person graded it without having seen the AI's grade."""
        answered = np.zeros(len(self), dtype=np.bool_)
        answered[self.graded_items] = True
        return answered

    @property
    def is_skipped(self) -> Flags:
        """By item: no blind grade, and somebody could not tell or graded it having seen the AI's."""
        return np.asarray((self.is_shown | self.is_abstained) & ~self.is_answered)

    def where(self, kept: Flags) -> "Items":
        """Return some of the items; queries keep their codes."""
        place = np.where(kept, kept.cumsum() - 1, NONE)
        of_kept = kept[self.graded_items]
        return replace(
            self,
            queries=self.queries[kept],
            documents=self.documents[kept],
            numbers=self.numbers[kept],
            candidates=self.candidates[kept],
            ai=self.ai[kept],
            ranks=self.ranks[:, kept],
            graded_items=place[self.graded_items[of_kept]],
            graded=self.graded[of_kept],
            is_shown=self.is_shown[kept],
            is_abstained=self.is_abstained[kept],
        )


@dataclass(frozen=True, eq=False)
class Beside:
    """What items take from beside their runs' grades, read for many runs at once.

    `judged` are the queries (internal ids) without candidates that have a judgment, by run; `abstained` the pairs that
    somebody could not tell, in whatever run of the corpus they were asked, as columns of query and document.
    """

    numbers: dict[UUID, Numbers]
    judged: dict[UUID, set[int]]
    abstained: dict[UUID, tuple[Integers, Integers]]


def read_beside(runs: Sequence[RunGrades]) -> Beside:
    """Read what items of some runs take; the number of statements grows with their corpora alone."""
    numbers = runs_numbers(runs)
    abstained: dict[tuple[object, ...], tuple[Integers, Integers]] = {}
    by_run = {}
    for grades in runs:
        run = grades.run
        key = (run.evaluation.corpus_id, run.scale, run.locked_at if run.is_locked else None)
        if key not in abstained:
            abstained[key] = _read_abstained(run)
        by_run[run.pk] = abstained[key]
    return Beside(
        {grades.run.pk: found for grades, found in zip(runs, numbers, strict=True)}, _read_judged(runs), by_run
    )


def read_items(runs: Sequence[RunGrades], beside: Beside, *, pool: Pool | None = None) -> Items:
    """Return the items of one run, or of two that are compared; `pool` adds what other runs returned for their queries.

    Grades are those that count now; a locked run's those of its snapshot.
    """
    query_ids, first = np.unique(np.concatenate([grades.query_ids for grades in runs]), return_index=True)
    numbers = [beside.numbers[grades.run.pk] for grades in runs]
    query_numbers = np.concatenate([each[1] for each in numbers])[first]
    of_queries = [grades.query_ids[grades.queries] for grades in runs]
    documents = [grades.documents for grades in runs]
    carried = [grades.pks for grades in runs]
    ai = [grades.ai for grades in runs]
    if pool is not None:
        known = np.isin(pool.query_ids, query_ids)
        of_queries.append(pool.query_ids[known])
        documents.append(pool.documents[known])
        carried.append(pool.candidates[known])
        ai.append(pool.ai[known])
        numbers.append((pool.numbers[known], query_numbers[:0]))
    codes = np.searchsorted(query_ids, np.concatenate(of_queries))
    document = np.concatenate(documents)
    chosen = _first_of_each(codes, document)
    queries, document = codes[chosen], document[chosen]
    pairs = PairIndex(query_ids, queries, document)
    ranks = np.full((len(runs), len(chosen)), NONE)
    for row, grades in enumerate(runs):
        ranks[row, pairs.find(grades.query_ids[grades.queries], grades.documents)] = grades.ranks
    given = pool.given if pool is not None else _given(runs)
    places = pairs.find(given[0], given[1])
    kept = places != NONE
    places, blind, saw = places[kept], given[2][kept], given[3][kept]
    is_blind = blind != NONE
    is_shown = np.zeros(len(chosen), dtype=np.bool_)
    is_shown[places[(saw == 1) & ~is_blind]] = True
    is_shown[places[is_blind]] = False
    is_abstained = np.zeros(len(chosen), dtype=np.bool_)
    abstained = pairs.find(*beside.abstained[runs[0].run.pk])
    is_abstained[abstained[abstained != NONE]] = True
    return Items(
        query_ids=query_ids,
        query_numbers=query_numbers,
        queries=queries,
        documents=document,
        numbers=np.concatenate([each[0] for each in numbers])[chosen],
        candidates=np.concatenate(carried)[chosen],
        ai=np.concatenate(ai)[chosen],
        ranks=ranks,
        counted=np.array([_counted(grades, query_ids, beside.judged[grades.run.pk]) for grades in runs]),
        graded_items=places[is_blind],
        graded=blind[is_blind],
        is_shown=is_shown,
        is_abstained=is_abstained,
    )


def _first_of_each(codes: Integers, documents: Integers) -> Integers:
    """Return the index of the first row of each pair, in the order of rows."""
    _, dense = np.unique(documents, return_inverse=True)
    key = codes * (int(dense.max()) + 1 if len(dense) else 1) + dense
    _, first = np.unique(key, return_index=True)
    return np.sort(first)


def _counted(grades: RunGrades, query_ids: Integers, judged: set[int]) -> Flags:
    """Say which queries a run's metrics are means over: those with candidates, and others that have a judgment.

    Method, "Weights and values".
    """
    counted = np.zeros(len(query_ids), dtype=np.bool_)
    counted[np.searchsorted(query_ids, grades.query_ids[_has_candidates(grades)])] = True
    counted[np.isin(query_ids, list(judged))] = True
    return counted


def _has_candidates(grades: RunGrades) -> Flags:
    return np.asarray(np.bincount(grades.queries, minlength=len(grades.query_ids)) > 0)


def _read_judged(runs: Sequence[RunGrades]) -> dict[UUID, set[int]]:
    """Return which queries without candidates have a judgment, by run."""
    empty = {
        grades.run.pk: set(grades.query_ids[~has_candidates].tolist())
        for grades in runs
        if not (has_candidates := _has_candidates(grades)).all()
    }
    found: dict[UUID, set[int]] = {grades.run.pk: set() for grades in runs}
    unlocked = [grades.run for grades in runs if grades.run.pk in empty and not grades.run.is_locked]
    locked = [grades.run for grades in runs if grades.run.pk in empty and grades.run.is_locked]

    def queries_of(some: Sequence[EvaluationRun]) -> QuerySet[Any, Any]:
        return RunQuery.objects.filter(run__in=some, candidate_count=0).order_by().values("query_id")

    if unlocked:
        rows = Judgment.objects.filter(scale__in={run.scale for run in unlocked}, query_id__in=queries_of(unlocked))
        judged = set(rows.order_by().values_list("scale", "query_id").distinct())
        for run in unlocked:
            found[run.pk] = {query_id for query_id in empty[run.pk] if (run.scale, query_id) in judged}
    if locked:
        then = LockedJudgment.objects.filter(run__in=locked, query_id__in=queries_of(locked))
        for run_id, query_id in then.order_by().values_list("run_id", "query_id").distinct():
            found[run_id] |= {query_id} & empty[run_id]
    return found


def _given(runs: Sequence[RunGrades]) -> Given:
    """Return people's grades of the runs' candidates, as a pool has them."""
    columns: list[list[Integers]] = [[], [], [], []]
    for index, grades in enumerate(runs):
        people = grades.people
        query_ids, documents = grades.query_ids[grades.queries[people.candidates]], grades.documents[people.candidates]
        # What both runs returned comes with each of them.
        is_new = np.ones(len(query_ids), dtype=np.bool_)
        for earlier in runs[:index]:
            is_new &= earlier.pairs.find(query_ids, documents) == NONE
        for column, values in zip(columns, (query_ids, documents, people.blind, people.saw), strict=True):
            column.append(values[is_new])
    a, b, c, d = (np.concatenate(column) for column in columns)
    return a, b, c, d


def _read_abstained(run: EvaluationRun) -> tuple[Integers, Integers]:
    """Return the pairs that somebody could not tell, in whatever run of the corpus they were asked."""
    rows = abstentions(run).values_list("candidate__query_id", "candidate__document_id")
    table = np.array(list(rows.iterator(chunk_size=5000)), dtype=np.int64).reshape(-1, 2)
    return table[:, 0], table[:, 1]


def abstentions(run: EvaluationRun) -> QuerySet[Abstention]:
    """Return the abstentions on a corpus's pairs that count for a run; for a locked one those before it was locked."""
    rows = Abstention.objects.filter(
        candidate__run__evaluation__corpus_id=run.evaluation.corpus_id, candidate__run__scale=run.scale
    ).order_by()
    return rows.filter(created_at__lte=run.locked_at) if run.is_locked and run.locked_at else rows
