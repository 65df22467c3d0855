"""What people would say of a run, metric by metric: from the newest check sample that can tell."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from judging.metrics import Metric, parse_metric
from judging.models import CheckSample, EvaluationRun, Goal
from judging.statistics.estimates.additive import is_additive
from judging.statistics.figures import Figure, Method, RefusedCode, refused
from judging.trust.grades import NONE
from judging.trust.samples.looks import Look, covering_estimate, look_at
from judging.trust.samples.plans import (
    DocumentPlan,
    QueryPlan,
    Scaling,
    ai_per_query,
    metric_weights,
    population_of,
)
from judging.trust.samples.states import Reader, check_samples, metric_of, runs_of, sample_state

_NOT_ESTIMATED = "Judged"


@dataclass(frozen=True, eq=False)
class MetricEstimate:
    """A metric of a run: as shown (`effective`), by the AI's grades alone, and what people would say.

    `sample` is the check sample that the estimate comes from, None without one. `look` is that sample's, where it is
    about this very metric.
    """

    metric: Metric
    effective: float | None
    ai_alone: float | None
    estimate: Figure
    sample: CheckSample | None = None
    look: Look | None = None


def run_estimates(run: EvaluationRun, reader: Reader | None = None) -> list[MetricEstimate]:
    """Return an entry for each metric of a completed run, then for others that it has a check sample of.

    Estimated from the newest sample of the metric that is not void; else from the newest that holds all the metric
    looks at and has an answer, with that sample's probabilities. Refused: `no_check_sample`, `metric_too_deep`,
    `not_estimable`.
    """
    reader = reader or Reader()
    samples = [sample for sample in check_samples(run) if sample.goal != Goal.COMPARE]
    samples = [sample for sample in samples if reader.ranking_hash(runs_of(sample)) == sample.ranking_hash]
    metrics = {metric.canonical_name: metric for metric in map(parse_metric, run.metrics)}
    for sample in samples:
        metric = metric_of(sample)
        if metric is not None:
            metrics.setdefault(metric.canonical_name, metric)
    return [_entry(run, metric, samples, reader) for metric in metrics.values()]


def _entry(run: EvaluationRun, metric: Metric, samples: Sequence[CheckSample], reader: Reader) -> MetricEstimate:
    effective = run.metric_values.get(metric.name)
    if metric.family == _NOT_ESTIMATED:
        return MetricEstimate(metric, effective, None, _refused("not_estimable", "difference_by_document"))
    ai_alone = _ai_alone(run, metric, reader)
    for sample in samples:
        of_sample = metric_of(sample)
        if of_sample is not None and of_sample.canonical_name == metric.canonical_name:
            look = sample_state(sample, reader).look
            assert look is not None
            return MetricEstimate(metric, effective, ai_alone, look.figure, sample, look)
    if not is_additive(metric):
        return _of_other_queries(run, metric, effective, ai_alone, samples, reader)
    covering: list[MetricEstimate] = []
    code: RefusedCode = "no_check_sample"
    for sample in samples:
        look = sample_state(sample, reader).look
        if look is None or not isinstance(look.plan, DocumentPlan):
            continue
        if not _covers(look.plan, metric, run, reader):
            code = "metric_too_deep"
            continue
        entry = MetricEstimate(metric, effective, ai_alone, covering_estimate(look, metric)[0], sample)
        if not entry.estimate.refused_code:
            return entry
        covering.append(entry)
    nothing = MetricEstimate(metric, effective, ai_alone, _refused(code, "difference_by_document"))
    return covering[0] if covering else nothing


def _of_other_queries(
    run: EvaluationRun,
    metric: Metric,
    effective: float | None,
    ai_alone: float | None,
    samples: Sequence[CheckSample],
    reader: Reader,
) -> MetricEstimate:
    """Estimate from a sample of whole queries for another metric: all of them take the queries in one order."""
    for sample in samples:
        of_sample = metric_of(sample)
        if of_sample is not None and not is_additive(of_sample):
            figure = look_at(reader.plan(Goal.CERTIFY, metric, [run])).figure
            return MetricEstimate(metric, effective, ai_alone, figure, sample)
    return MetricEstimate(metric, effective, ai_alone, _refused("no_check_sample", "regression_by_query"))


def _covers(plan: DocumentPlan, metric: Metric, run: EvaluationRun, reader: Reader) -> bool:
    """Say whether a sample's population holds every candidate that a metric looks at."""
    everything = metric_weights(metric, reader.items([run]))
    return bool(np.count_nonzero(metric_weights(metric, plan.items)) == np.count_nonzero(everything))


def _ai_alone(run: EvaluationRun, metric: Metric, reader: Reader) -> float | None:
    """Return a metric by the AI's grades alone, over the queries that people's value is over; None without any."""
    if is_additive(metric):
        items = reader.items([run])
        if not (items.ai != NONE).any():
            return None
        scaling = Scaling(run.grading_scale.maximum, run.relevant_from)
        population = population_of(metric, items, scaling, metric_weights(metric, items))
        return float(ai_per_query(metric, items, scaling, population).mean())
    plan = reader.plan(Goal.CERTIFY, metric, [run])
    assert isinstance(plan, QueryPlan)
    return float(plan.ai_values.mean()) if (plan.items.ai != NONE).any() else None


def _refused(code: RefusedCode, method: Method) -> Figure:
    return refused(code, method=method, query_count=0, grade_count=0)
