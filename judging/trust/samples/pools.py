"""The pool of a query: the documents that any completed, unlocked run of the corpus returned for it.

What people would say of NDCG and its kin is measured against the best list that the pool can make.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias
from uuid import UUID

import numpy as np
from django.db.models import Case, F, Max, Min, Q, QuerySet, Value, When
from django.db.models.functions import Coalesce

from judging.models import (
    PEOPLE,
    AuthorKind,
    Candidate,
    EvaluationRun,
    EvaluationRunStatus,
    Judgment,
    LockedJudgment,
    Query,
    RunQuery,
)
from judging.statistics.tables import Floats, Integers
from judging.trust.grades import NONE
from judging.trust.samples.numbers import pair_numbers

_CHUNK = 5000

Given: TypeAlias = tuple[Integers, Integers, Integers, Integers]


@dataclass(frozen=True, eq=False)
class Pool:
    """Pairs beside the candidates of a sample's own runs, one entry each, as `Items` has them.

    Several samples may share one: it holds what they need and more, their own candidates among it. `given` are people's
    grades as columns: query, document, blind grade, whether the AI's was in sight.
    """

    query_ids: Integers
    documents: Integers
    candidates: Integers
    ai: Integers
    numbers: Floats
    given: Given


def read_pools(of_samples: Sequence[Sequence[EvaluationRun]]) -> dict[tuple[UUID, ...], Pool]:
    """Read the pools of samples, each named by its run or its two, by the keys of these runs.

    What others returned for their queries, of a locked run what its snapshot has judgments on. The number of statements
    grows with corpora and with locked runs alone.
    """
    found: dict[tuple[UUID, ...], Pool] = {}
    together: dict[tuple[UUID, str], list[Sequence[EvaluationRun]]] = defaultdict(list)
    for runs in of_samples:
        if runs[0].is_locked:
            found[_key(runs)] = _pool(runs[0], _judged_then(runs[0]), _names_then(runs[0]), _given_then(runs[0]))
        else:
            together[runs[0].evaluation.corpus_id, runs[0].scale].append(runs)
    for samples in together.values():
        pool = _pool_elsewhere(samples)
        found |= {_key(runs): pool for runs in samples}
    return found


def _key(runs: Sequence[EvaluationRun]) -> tuple[UUID, ...]:
    return tuple(run.pk for run in runs)


def _pool_elsewhere(samples: Sequence[Sequence[EvaluationRun]]) -> Pool:
    run = samples[0][0]
    query_ids = RunQuery.objects.filter(run__in={each.pk for runs in samples for each in runs}).order_by()
    others = EvaluationRun.objects.filter(
        evaluation__corpus_id=run.evaluation.corpus_id,
        scale=run.scale,
        status=EvaluationRunStatus.COMPLETED,
        is_locked=False,
    )
    if len(samples) == 1:
        others = others.exclude(pk__in=_key(samples[0]))
    rows = Candidate.objects.filter(run__in=others.order_by(), query_id__in=query_ids.values("query_id"))
    given = Judgment.objects.filter(scale=run.scale, query_id__in=query_ids.values("query_id"))
    return _pool(run, _returned(rows), _names(rows), given)


def _pool(
    run: EvaluationRun, rows: "QuerySet[Any, Any]", names: Iterator[tuple[str, str]], given: "QuerySet[Any, Any]"
) -> Pool:
    columns = _columns(rows)
    numbers = pair_numbers(run, np.stack(columns[:2], axis=1), names)
    shown = Case(When(saw_ai_grade=True, then=Value(1)), default=Value(NONE))
    people = given.filter(author_kind__in=PEOPLE).values_list(
        "query_id", "document_id", Coalesce(F("blind_grade"), Value(NONE)), shown
    )
    return Pool(*columns, numbers, _columns(people))


def _columns(rows: "QuerySet[Any, Any]") -> Given:
    table = np.array(list(rows.iterator(chunk_size=_CHUNK)), dtype=np.int64).reshape(-1, 4)
    first, second, third, fourth = (np.ascontiguousarray(table[:, column]) for column in range(4))
    return first, second, third, fourth


def _returned(rows: QuerySet[Candidate]) -> QuerySet[Any, Any]:
    return (
        rows.order_by("query_id", "document_id")
        .values("query_id", "document_id")
        .annotate(first=Min("pk"), ai=Coalesce(Max("ai_grade"), Value(NONE)))
        .values_list("query_id", "document_id", "first", "ai")
    )


def _names(rows: QuerySet[Candidate]) -> Iterator[tuple[str, str]]:
    named = rows.order_by("query_id", "document_id")
    pairs = named.values_list("query_id", "document_id", "query__identity", "document__external_id").distinct()
    for _, _, identity, external_id in pairs.iterator(chunk_size=_CHUNK):
        yield identity, external_id


def _given_then(run: EvaluationRun) -> QuerySet[LockedJudgment]:
    return LockedJudgment.objects.filter(run=run)


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
    identities = dict(
        Query.objects.filter(pk__in=RunQuery.objects.filter(run=run).values("query_id")).values_list("pk", "identity")
    )
    for query_id, external_id in _snapshot(run).values_list("query_id", "named").iterator(chunk_size=_CHUNK):
        yield identities.get(query_id, ""), external_id
