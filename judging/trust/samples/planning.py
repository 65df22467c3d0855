"""About how many more grades a goal will take, and how long they will."""

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from statistics import median
from typing import Any
from uuid import UUID

import numpy as np

from judging.metrics import Metric
from judging.models import AuthorKind, EvaluationRun, Goal, Judgment, RunQuery
from judging.statistics.distributions import normal_quantile
from judging.statistics.estimates import stopping
from judging.statistics.estimates.by_document import DocumentEstimate
from judging.statistics.estimates.by_query import MIN_QUERIES, QueryEstimate
from judging.statistics.figures import TWO_SIDED
from judging.trust.samples.looks import Look
from judging.trust.samples.plans import DocumentPlan, QueryPlan, ai_per_query

DEFAULT_AGREEMENT_WIDTH = 0.10
BATCH = 40
# Of people's value of a query around what the AI's says: between a good judge's 0.17 and a poor one's 0.25.
_STARTING_DEVIATION = 0.2
_MRR_GRADES = 2.6
_SECONDS_PER_GRADE = 10.0
_MIN_KNOWN_GRADES = 20
_LONGEST_GAP = timedelta(minutes=5)
_QUICKEST = 1.0  # second: what comes faster was sent by a script
_MOST_MOMENTS = 2000


def needed_count(goal: str, half_width: float | None, look: Look) -> int:
    """Say about how many more grades a sample that has not reached its goal will take: 1 or more while any is left.

    Method, "Stop on width": planned from how much the AI's grades vary over queries, then from the sample itself.
    """
    left = look.population_count - look.graded_count - look.ahead_count - look.skipped_count
    if left <= 0:
        return 0
    plan = look.plan
    if isinstance(plan, DocumentPlan):
        more = _ungraded(plan, _documents(plan, goal, half_width, look))
    else:
        more = _query_grades(plan, goal, half_width, look)
    # Past what was planned and not there yet: another batch.
    return min(left, more if more > 0 else BATCH)


def _ungraded(plan: DocumentPlan, wanted: int) -> int:
    """Count what is not graded of the first so many of the queue; what was skipped is passed over."""
    queue = plan.order[~plan.items.is_skipped[plan.order]][:wanted]
    return int((~plan.items.is_answered[queue]).sum())


def _documents(plan: DocumentPlan, goal: str, half_width: float | None, look: Look) -> int:
    weights = np.abs(plan.population.weights)
    if goal == Goal.AGREEMENT or plan.metric is None:
        return _agreement(half_width or DEFAULT_AGREEMENT_WIDTH, look)
    estimate = look.estimate if isinstance(look.estimate, DocumentEstimate) else None
    is_known = estimate is not None and not look.figure.refused_code and estimate.variance > 0
    if goal == Goal.PRECISION and half_width:
        width = half_width / stopping.PRECISION_MARGIN
    elif is_known and estimate is not None and estimate.query_variance > 0:
        share = stopping.CERTIFIED_VARIANCE_SHARE * estimate.query_variance
        width = normal_quantile(TWO_SIDED) * math.sqrt(share)
    else:
        values = ai_per_query(plan.metric, plan.items, plan.scaling, plan.population)
        width = stopping.certifying_half_width(values)
    if is_known and estimate is not None:
        # The residual variance that would have given this sample's V, all that made it narrower included.
        n, total = estimate.grade_count, float(weights.sum())
        room = total**2 / n - float((weights**2).sum())
        residual = estimate.variance / room if room > 0 else stopping.STARTING_VARIANCE
    else:
        residual = stopping.STARTING_VARIANCE * plan.population.gain_range**2
    return stopping.planned_grades(weights, width, residual_variance=residual)


def _agreement(half_width: float, look: Look) -> int:
    count, found = look.population_count, look.figure.half_width
    least = min(count, stopping.MIN_CERTIFIED_GRADES)
    if not found or not look.graded_count:
        return least
    # V shrinks with 1/n - 1/N.
    per_grade = (half_width / found) ** 2 * (1 / look.graded_count - 1 / count)
    return min(count, max(least, math.ceil(1 / (per_grade + 1 / count))))


def _query_grades(plan: QueryPlan, goal: str, half_width: float | None, look: Look) -> int:
    total = look.unit_total
    estimate = look.estimate if isinstance(look.estimate, QueryEstimate) else None
    is_known = estimate is not None and not look.figure.refused_code
    if goal == Goal.PRECISION and half_width:
        width = half_width / stopping.PRECISION_MARGIN
    elif is_known and estimate is not None:
        width = normal_quantile(TWO_SIDED) * math.sqrt(stopping.CERTIFIED_VARIANCE_SHARE * estimate.query_variance)
    else:
        width = stopping.certifying_half_width(plan.ai_values)
    deviation = _STARTING_DEVIATION
    if is_known and estimate is not None and estimate.query_count < total:
        deviation = math.sqrt(estimate.variance / (1 / estimate.query_count - 1 / total))
    wanted = stopping.planned_queries(width, population_count=total, residual_deviation=deviation)
    wanted = min(total, max(wanted, MIN_QUERIES))
    per_query = look.graded_count / look.unit_count if look.unit_count else _grades_per_query(plan)
    # Of the queries that will be asked about: what they are known to need, or as much as others took.
    is_answered = plan.items.is_answered
    graded = np.array([is_answered[pool].sum() for pool in plan.pools[:wanted]])
    needed = look.query_needs[:wanted]
    more = np.where(needed > 0, np.maximum(needed, per_query - graded), 0.0)
    return math.ceil(float(more.sum()))


def _grades_per_query(plan: QueryPlan) -> float:
    """Guess how many grades settle a query, before any is settled. Method, "Settling a query with fewer grades"."""
    pool = float(np.mean([len(each) for each in plan.pools])) if plan.pools else 0.0
    depth = float(np.mean([len(each) for each in plan.lists[0]])) if plan.pools else 0.0
    metric: Metric = plan.metric
    first = min(depth, metric.cutoff or depth)
    if metric.family == "MRR":
        return min(_MRR_GRADES, first)
    if metric.family == "ERR":
        return first / 2
    if metric.family in ("NDCG", "NDCG_lin"):
        return first + (pool - first) / 2
    return pool


def seconds_per_grade(runs: Sequence[EvaluationRun]) -> dict[UUID, float]:
    """Return the median time a person takes for a blind grade of each run's queries; 10 s until 20 are known.

    From the moments of successive grades of one person, at most five minutes apart; grades sent at once share the time.
    Two statements for any number of runs.
    """
    holders: dict[tuple[str, int], list[UUID]] = defaultdict(list)
    for run_id, scale, query_id in RunQuery.objects.filter(run__in=runs).values_list(
        "run_id", "run__scale", "query_id"
    ):
        holders[scale, query_id].append(run_id)
    rows = (
        Judgment.objects.filter(
            author_kind=AuthorKind.MEMBER,
            scale__in={run.scale for run in runs},
            blind_grade__isnull=False,
            query_id__in=RunQuery.objects.filter(run__in=runs).order_by().values("query_id"),
        )
        .order_by("-created_at")
        .values_list("scale", "query_id", "member_id", "created_at")[: _MOST_MOMENTS * len(runs)]
    )
    moments: dict[UUID, list[tuple[Any, datetime]]] = {run.pk: [] for run in runs}
    for scale, query_id, person, moment in rows:
        for run_id in holders.get((scale, query_id), ()):
            if len(moments[run_id]) < _MOST_MOMENTS:
                moments[run_id].append((person, moment))
    return {run_id: _pace(of_run) for run_id, of_run in moments.items()}


def _pace(rows: Iterable[tuple[Any, datetime]]) -> float:
    given: dict[Any, dict[datetime, int]] = {}
    for person, moment in rows:
        of_person = given.setdefault(person, {})
        of_person[moment] = of_person.get(moment, 0) + 1
    paces: list[float] = []
    for moments in given.values():
        ordered = sorted(moments)
        for before, after in pairwise(ordered):
            pace = (after - before).total_seconds() / moments[after]
            if after - before <= _LONGEST_GAP and pace >= _QUICKEST:
                paces.extend([pace] * moments[after])
    return median(paces) if len(paces) >= _MIN_KNOWN_GRADES else _SECONDS_PER_GRADE
