"""Would another judge put three or more evaluation runs into another order? Method, "Two judge versions".

Each run's metrics by the grades of either side alone, on the pairs that both graded and the queries that all runs have.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from itertools import combinations
from typing import Any
from uuid import UUID

import numpy as np
from django.db.models import Count

from judging.foundation.errors import Invalid
from judging.models import EvaluationRun, EvaluationRunStatus, JudgingRun, RunQuery
from judging.statistics.agreement.coefficients import tau_b
from judging.statistics.figures import Figure
from judging.statistics.paired import TIE, difference_figure
from judging.statistics.tables import Floats
from judging.trust.comparisons.judged_sides import ComparedSide
from judging.trust.comparisons.judging_run_comparison import (
    Rankings,
    SharedPairs,
    metric_values,
    read_rankings,
    shared_pairs,
)
from judging.trust.comparisons.run_comparison import MAX_RUNS, check_comparable, read_runs

MIN_RUNS = 3
ORDER_OF = f"`graded` or the ids of {MIN_RUNS} to {MAX_RUNS} evaluation runs with commas between them"


@dataclass(frozen=True, slots=True)
class OrderedRun:
    """A run, and the share of its documents that both sides graded; the others count as not relevant."""

    run: EvaluationRun
    graded_share: float


@dataclass(frozen=True, slots=True)
class SwappedPair:
    """Two runs (indexes) in one order by the old grades and in the other by the new: second minus first by each."""

    first: int
    second: int
    old: Figure
    new: Figure

    @property
    def is_real(self) -> bool:
        """Say whether either interval excludes 0; else the two runs are too alike to have an order."""
        return any(
            figure.low_total is not None
            and figure.high_total is not None
            and (figure.low_total > 0 or figure.high_total < 0)
            for figure in (self.old, self.new)
        )


@dataclass(frozen=True, slots=True)
class MetricOrder:
    """The runs by one metric: its value by the old and the new grades, in the order of the runs.

    `tau_b` is 1 for the same order and -1 for the opposite; None where one side sees no difference between any two.
    """

    metric: str
    old: list[float]
    new: list[float]
    tau_b: float | None
    swapped: list[SwappedPair]


@dataclass(frozen=True, slots=True)
class RunOrder:
    """What two sides make of the order of runs. `query_count` are the queries that all have and both sides graded."""

    runs: list[OrderedRun]
    query_count: int
    metrics: list[MetricOrder]

    def as_dict(self) -> dict[str, Any]:
        """Return it as the API has it."""
        ids = [str(each.run.pk) for each in self.runs]
        return {
            "runs": [
                {"id": str(each.run.pk), "name": each.run.name, "graded_share": each.graded_share} for each in self.runs
            ],
            "query_count": self.query_count,
            "metrics": {
                order.metric: {
                    "old": order.old,
                    "new": order.new,
                    "tau_b": order.tau_b,
                    "swapped": [
                        {
                            "first": ids[pair.first],
                            "second": ids[pair.second],
                            "old": asdict(pair.old),
                            "new": asdict(pair.new),
                            "is_real": pair.is_real,
                        }
                        for pair in order.swapped
                    ],
                }
                for order in self.metrics
            },
        }


def runs_to_order(old: ComparedSide, new: ComparedSide, chosen: str) -> list[EvaluationRun]:
    """Return the evaluation runs that `chosen` names as `ORDER_OF` says.

    `graded` are the newest that every judge version of both sides graded, like the new side's own in corpus, scale and
    where relevant begins. Raise Invalid, NotFound, or Conflict as `compare_runs` does.
    """
    if chosen == "graded":
        return _graded_by_all(old, new)
    try:
        ids = list(dict.fromkeys(UUID(text) for text in chosen.split(",")))
    except ValueError:
        raise _invalid() from None
    if not MIN_RUNS <= len(ids) <= MAX_RUNS:
        raise _invalid()
    runs = read_runs(ids)
    check_comparable([new.run, *runs])
    return runs


def _invalid() -> Invalid:
    return Invalid("which runs?", errors={"order_of": [ORDER_OF]})


def _graded_by_all(old: ComparedSide, new: ComparedSide) -> list[EvaluationRun]:
    like = new.run
    runs = EvaluationRun.objects.select_related("evaluation__corpus").filter(
        evaluation__corpus_id=like.evaluation.corpus_id,
        scale=like.scale,
        relevant_from=like.relevant_from,
        status=EvaluationRunStatus.COMPLETED,
    )
    for version in {version.pk for side in (old, new) for version in side.versions}:
        graded = JudgingRun.objects.filter(judge_version_id=version, judged_count__gt=0)
        runs = runs.filter(pk__in=graded.values("evaluation_run_id"))
    return list(runs.order_by("-created_at", "pk")[:MAX_RUNS])


def order_runs(old: ComparedSide, new: ComparedSide, runs: Sequence[EvaluationRun]) -> RunOrder | None:
    """Return what the judge versions of two sides make of the order of runs, in each metric of the new side's own.

    None for fewer than three, and where both sides are the same versions.
    """
    if len(runs) < MIN_RUNS or {each.pk for each in old.versions} == {each.pk for each in new.versions}:
        return None
    pairs = shared_pairs(old.read_on(runs), new.read_on(runs))
    rankings = [read_rankings(run) for run in runs]
    shown = [OrderedRun(run, _graded_share(ranked, pairs)) for run, ranked in zip(runs, rankings, strict=True)]
    pairs = pairs.where(np.isin(pairs.queries, _queries_of_all(runs)))
    # Shape (runs, queries, metrics), by the old and by the new grades.
    before, after = (
        np.stack(side)
        for side in zip(*(metric_values(ranked, pairs, like=new.run) for ranked in rankings), strict=True)
    )
    metrics = [
        _order(name, before[:, :, column], after[:, :, column], grade_count=len(pairs))
        for column, name in enumerate(new.run.metrics)
        if len(pairs)
    ]
    return RunOrder(shown, before.shape[1], metrics)


def _queries_of_all(runs: Sequence[EvaluationRun]) -> list[int]:
    by_query = RunQuery.objects.filter(run__in=runs).order_by().values("query_id").annotate(count=Count("run_id"))
    return list(by_query.filter(count=len(runs)).values_list("query_id", flat=True))


def _graded_share(ranked: Rankings, pairs: SharedPairs) -> float:
    graded = set(zip(pairs.queries.tolist(), pairs.documents.tolist(), strict=True))
    returned = [(query, document) for query, documents in ranked.items() for document in documents]
    return sum(pair in graded for pair in returned) / len(returned) if returned else 0.0


def _order(name: str, before: Floats, after: Floats, *, grade_count: int) -> MetricOrder:
    old, new = before.mean(1), after.mean(1)
    swapped = []
    for i, j in combinations(range(len(old)), 2):
        differences = old[j] - old[i], new[j] - new[i]
        if min(map(abs, differences)) > TIE and differences[0] * differences[1] < 0:
            figures = (
                replace(difference_figure(values[j] - values[i]), grade_count=grade_count) for values in (before, after)
            )
            swapped.append(SwappedPair(i, j, *figures))
    return MetricOrder(name, old.tolist(), new.tolist(), _tau(old, new), swapped)


def _tau(old: Floats, new: Floats) -> float | None:
    """Compute Kendall's tau-b of two lists of values; those alike to nine places are tied."""
    ranks = [np.unique(np.round(values, 9), return_inverse=True)[1].reshape(-1) for values in (old, new)]
    table = np.zeros([int(rank.max()) + 1 for rank in ranks])
    np.add.at(table, tuple(ranks), 1)
    return float(tau_b(table)) if min(table.shape) > 1 else None
