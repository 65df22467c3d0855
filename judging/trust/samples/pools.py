"""The pool of a query: the documents that any completed, unlocked run of the corpus returned for it.

What people would say of NDCG and its kin is measured against the best list that the pool can make.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from django.db.models import Max, Min, Q, QuerySet, Value
from django.db.models.functions import Coalesce

from judging.models import AuthorKind, Candidate, EvaluationRun, EvaluationRunStatus, LockedJudgment, Query, RunQuery
from judging.statistics.tables import Floats, Integers
from judging.trust.grades import NONE
from judging.trust.samples.numbers import pair_numbers

_CHUNK = 5000


@dataclass(frozen=True, eq=False)
class Pool:
    """Pairs beside the candidates of a sample's own runs, one entry each, as `Items` has them."""

    query_ids: Integers
    documents: Integers
    candidates: Integers
    ai: Integers
    numbers: Floats


def read_pool(run: EvaluationRun, runs: Sequence[EvaluationRun]) -> Pool:
    """Read what others than `runs` returned for their queries; of a locked run, what its snapshot has judgments on."""
    rows = _judged_then(run) if run.is_locked else _returned_elsewhere(run, runs)
    table = np.array(list(rows.iterator(chunk_size=_CHUNK)), dtype=np.int64).reshape(-1, 4)
    names = _names_then(run) if run.is_locked else _names_elsewhere(run, runs)
    query_ids, documents, candidates, ai = (np.ascontiguousarray(table[:, column]) for column in range(4))
    return Pool(query_ids, documents, candidates, ai, pair_numbers(run, table[:, :2], names))


def _elsewhere(run: EvaluationRun, runs: Sequence[EvaluationRun]) -> QuerySet[Candidate]:
    others = EvaluationRun.objects.filter(
        evaluation__corpus_id=run.evaluation.corpus_id,
        scale=run.scale,
        status=EvaluationRunStatus.COMPLETED,
        is_locked=False,
    ).exclude(pk__in=[each.pk for each in runs])
    return Candidate.objects.filter(run__in=others.order_by(), query_id__in=_query_ids(runs))


def _returned_elsewhere(run: EvaluationRun, runs: Sequence[EvaluationRun]) -> QuerySet[Any, Any]:
    return (
        _elsewhere(run, runs)
        .order_by("query_id", "document_id")
        .values("query_id", "document_id")
        .annotate(first=Min("pk"), ai=Coalesce(Max("ai_grade"), Value(NONE)))
        .values_list("query_id", "document_id", "first", "ai")
    )


def _names_elsewhere(run: EvaluationRun, runs: Sequence[EvaluationRun]) -> Iterator[tuple[str, str]]:
    rows = _elsewhere(run, runs).order_by("query_id", "document_id")
    named = rows.values_list("query_id", "document_id", "query__identity", "document__external_id").distinct()
    for _, _, identity, external_id in named.iterator(chunk_size=_CHUNK):
        yield identity, external_id


def _snapshot(run: EvaluationRun) -> QuerySet[Any, Any]:
    return (
        LockedJudgment.objects.filter(run=run)
        .order_by("query_id", "document_id")
        .values("query_id", "document_id")
        .annotate(ai=Coalesce(Max("grade", filter=Q(author_kind=AuthorKind.AI)), Value(NONE)), named=Max("external_id"))
    )


def _judged_then(run: EvaluationRun) -> QuerySet[Any, Any]:
    rows: QuerySet[Any, Any] = _snapshot(run).annotate(nothing=Value(NONE))
    return rows.values_list("query_id", "document_id", "nothing", "ai")


def _names_then(run: EvaluationRun) -> Iterator[tuple[str, str]]:
    identities = dict(Query.objects.filter(pk__in=_query_ids([run])).values_list("pk", "identity"))
    for query_id, external_id in _snapshot(run).values_list("query_id", "named").iterator(chunk_size=_CHUNK):
        yield identities.get(query_id, ""), external_id


def _query_ids(runs: Sequence[EvaluationRun]) -> QuerySet[RunQuery, Any]:
    return RunQuery.objects.filter(run__in=[run.pk for run in runs]).order_by().values("query_id")
