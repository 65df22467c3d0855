"""Permanent numbers of candidates and queries, kept in memory: hashing a hundred thousand takes a moment at each look."""

import hashlib
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from itertools import groupby
from operator import itemgetter
from threading import Lock
from typing import Any, TypeAlias
from uuid import UUID

import numpy as np
from django.db.models import QuerySet, Value

from judging.models import Candidate, EvaluationRun, RunQuery
from judging.statistics.estimates.review_queue import permanent_numbers
from judging.statistics.tables import Floats, Integers
from judging.trust.grades import RunGrades

Numbers: TypeAlias = tuple[Floats, Floats]  # of a run's candidates and of its queries

_MOST_KEPT = 24
_kept: OrderedDict[tuple[object, ...], tuple[Floats, ...]] = OrderedDict()
_lock = Lock()


def ranking_hash(*runs: RunGrades) -> str:
    """Return the hash of runs' queries, candidates and ranks: a sample of others is void."""
    digest = hashlib.sha256()
    for grades in runs:
        for part in (grades.query_ids, grades.queries, grades.documents, grades.ranks):
            digest.update(len(part).to_bytes(8, "little") + part.astype("<i8").tobytes())
    return digest.hexdigest()


def runs_numbers(runs: Sequence[RunGrades]) -> list[Numbers]:
    """Return the permanent numbers of each run's candidates and of its queries, in the order of its grades.

    The number of statements does not grow with the runs.
    """
    keys = [(grades.run.pk, grades.run.evaluation.corpus.seed, ranking_hash(grades)) for grades in runs]
    found: dict[tuple[object, ...], Any] = {key: numbers for key in keys if (numbers := _recall(key)) is not None}
    missing = [grades for grades, key in zip(runs, keys, strict=True) if key not in found]
    read = _read_numbers([grades.run for grades in missing])
    for grades, key in zip(runs, keys, strict=True):
        if key not in found:
            found[key] = read[grades.run.pk]
            # Else rows came or went meanwhile.
            if [len(numbers) for numbers in found[key]] == [len(grades.pks), len(grades.query_ids)]:
                _keep(key, found[key])
    return [found[key] for key in keys]


def _read_numbers(runs: Sequence[EvaluationRun]) -> dict[UUID, Numbers]:
    if not runs:
        return {}
    candidates = Candidate.objects.filter(run__in=runs).order_by("run_id", "position", "rank")
    queries = RunQuery.objects.filter(run__in=runs).order_by("run_id", "position")
    of_candidates = _by_run(runs, candidates.values_list("run_id", "query__identity", "document__external_id"))
    of_queries = _by_run(runs, queries.values_list("run_id", "query__identity", Value("")))
    return {run.pk: (of_candidates[run.pk], of_queries[run.pk]) for run in runs}


def _by_run(runs: Sequence[EvaluationRun], rows: "QuerySet[Any, Any]") -> dict[UUID, Floats]:
    """Compute numbers from rows of run, identity and external id, in which those of a run stand together."""
    seeds = {run.pk: run.evaluation.corpus.seed for run in runs}
    found = {run.pk: np.zeros(0) for run in runs}
    for run_id, of_run in groupby(rows.iterator(chunk_size=5000), key=itemgetter(0)):
        found[run_id] = permanent_numbers(seeds[run_id], ((identity, key) for _, identity, key in of_run))
    return found


def pair_numbers(run: EvaluationRun, key: Integers, pairs: Iterable[tuple[str, str]]) -> Floats:
    """Return the permanent numbers of further pairs (identity, external id); `key` holds what tells them apart."""
    seed = run.evaluation.corpus.seed
    remembered = (run.evaluation.corpus_id, seed, hashlib.sha256(key.astype("<i8").tobytes()).hexdigest())
    known = _recall(remembered)
    if known is not None:
        (numbers,) = known
        return numbers
    numbers = permanent_numbers(seed, pairs)
    if len(numbers) == len(key):  # else rows came or went meanwhile
        _keep(remembered, (numbers,))
    return numbers


def _recall(key: tuple[object, ...]) -> tuple[Floats, ...] | None:
    with _lock:
        if key in _kept:
            _kept.move_to_end(key)
        return _kept.get(key)


def _keep(key: tuple[object, ...], numbers: tuple[Floats, ...]) -> None:
    with _lock:
        _kept[key] = numbers
        while len(_kept) > _MOST_KEPT:
            _kept.popitem(last=False)
