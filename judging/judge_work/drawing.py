"""Candidates of a run in the order of its review queue, from which probes and golden sets are drawn."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from judging.models import Candidate, EvaluationRun, RunQuery
from judging.statistics.estimates.review_queue import permanent_number, permanent_numbers, review_order

ThingT = TypeVar("ThingT")


@dataclass(frozen=True, slots=True)
class ListedCandidate:
    """A candidate of the run. `query` counts the run's queries from 0."""

    pk: int
    query: int
    rank: int
    document_id: int


@dataclass(frozen=True, slots=True)
class ReviewQueue:
    """The run's candidates in the order of its review queue, and its queries with their texts and numbers."""

    candidates: list[ListedCandidate]
    queries: list[RunQuery]
    query_numbers: list[float]


def read_review_queue(run: EvaluationRun) -> ReviewQueue:
    """Read the candidates of a run in the order in which a check sample with equal weights would ask for them."""
    seed = run.evaluation.corpus.seed
    queries = list(RunQuery.objects.filter(run=run, candidate_count__gt=0).select_related("query").order_by("position"))
    place = {query.pk: number for number, query in enumerate(queries)}
    numbers = [permanent_number(seed, query.query.identity) for query in queries]
    rows = list(
        Candidate.objects.filter(run=run)
        .order_by("position", "rank")
        .values_list("pk", "run_query_id", "rank", "document_id", "document__external_id")
    )
    listed = [ListedCandidate(pk, place[query_id], rank, document_id) for pk, query_id, rank, document_id, _ in rows]
    if not listed:
        return ReviewQueue([], queries, numbers)
    pairs = ((queries[each.query].query.identity, row[4]) for each, row in zip(listed, rows, strict=True))
    own = permanent_numbers(seed, pairs)
    order = review_order([each.query for each in listed], own, np.ones(len(listed)), numbers)
    return ReviewQueue([listed[index] for index in order], queries, numbers)


def prompt_groups(ranked: Sequence[ThingT], size: int) -> Iterable[Sequence[ThingT]]:
    """Cut the documents of a query into prompts of `size`."""
    return (ranked[start : start + size] for start in range(0, len(ranked), size))
