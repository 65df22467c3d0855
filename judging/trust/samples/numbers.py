"""Permanent numbers of candidates and queries, kept in memory: hashing a hundred thousand takes a moment at each look."""

import hashlib
from collections import OrderedDict
from collections.abc import Callable, Iterable
from threading import Lock

import numpy as np

from judging.models import Candidate, EvaluationRun, RunQuery
from judging.statistics.estimates.review_queue import permanent_number, permanent_numbers
from judging.statistics.tables import Floats, Integers
from judging.trust.grades import RunGrades

_MOST_KEPT = 24
_kept: OrderedDict[tuple[object, ...], Floats] = OrderedDict()
_lock = Lock()


def ranking_hash(*runs: RunGrades) -> str:
    """Return the hash of runs' queries, candidates and ranks: a sample of others is void."""
    digest = hashlib.sha256()
    for grades in runs:
        for part in (grades.query_ids, grades.queries, grades.documents, grades.ranks):
            digest.update(len(part).to_bytes(8, "little") + part.astype("<i8").tobytes())
    return digest.hexdigest()


def run_numbers(grades: RunGrades) -> tuple[Floats, Floats]:
    """Return the permanent numbers of a run's candidates and of its queries, in the order of `grades`."""
    run, seed = grades.run, grades.run.evaluation.corpus.seed
    key = (run.pk, seed, ranking_hash(grades))
    pairs = Candidate.objects.filter(run=run).order_by("position", "rank")
    queries = RunQuery.objects.filter(run=run).order_by("position")
    numbers = _remembered(
        (*key, "candidates"),
        len(grades.pks),
        lambda: permanent_numbers(
            seed, pairs.values_list("query__identity", "document__external_id").iterator(chunk_size=5000)
        ),
    )
    query_numbers = _remembered(
        (*key, "queries"),
        len(grades.query_ids),
        lambda: np.array(
            [permanent_number(seed, identity) for identity in queries.values_list("query__identity", flat=True)],
            dtype=np.float64,
        ),
    )
    return numbers, query_numbers


def pair_numbers(run: EvaluationRun, key: Integers, pairs: Iterable[tuple[str, str]]) -> Floats:
    """Return the permanent numbers of further pairs (identity, external id); `key` holds what tells them apart."""
    seed = run.evaluation.corpus.seed
    digest = hashlib.sha256(key.astype("<i8").tobytes()).hexdigest()
    return _remembered((run.evaluation.corpus_id, seed, digest), len(key), lambda: permanent_numbers(seed, pairs))


def _remembered(key: tuple[object, ...], count: int, compute: Callable[[], Floats]) -> Floats:
    with _lock:
        if key in _kept:
            _kept.move_to_end(key)
            return _kept[key]
    numbers = compute()
    if len(numbers) == count:  # else rows came or went meanwhile
        with _lock:
            _kept[key] = numbers
            while len(_kept) > _MOST_KEPT:
                _kept.popitem(last=False)
    return numbers
