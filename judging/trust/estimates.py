"""What people would say of each metric of a run, beside what the run shows and what the AI alone says."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from judging.metrics import Metric, parse_metric
from judging.models import EvaluationRun, Goal
from judging.statistics.agreement.coefficients import AGREEMENT_FIGURES
from judging.statistics.estimates.additive import is_additive
from judging.statistics.estimates.by_document import DocumentEstimate
from judging.statistics.estimates.by_query import QueryEstimate
from judging.statistics.figures import Figure, Method, RefusedCode, refused
from judging.trust.grades import NONE, RunGrades
from judging.trust.samples.looks import agreement_of_look, covering_estimate, look_at
from judging.trust.samples.plans import (
    DocumentPlan,
    QueryPlan,
    ai_per_query,
    is_estimated,
    metric_weights,
)
from judging.trust.samples.states import Reader, SampleState, check_samples, sample_states


@dataclass(frozen=True, eq=False)
class MetricEstimate:
    """A metric three times: as the run shows it, by the AI's grades alone, and as people would say.

    `sample` is the check sample behind the estimate, where there is one.
    """

    metric: Metric
    effective: float | None
    ai_alone: float | None
    figure: Figure
    estimate: DocumentEstimate | QueryEstimate | None = None
    sample: SampleState | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return it as every interface and file has it."""
        return {
            "effective": self.effective,
            "ai_alone": self.ai_alone,
            "estimate": asdict(self.figure),
            "check_sample_id": str(self.sample.sample.pk) if self.sample else None,
            "width_ratio": self.estimate.width_ratio if self.estimate and not self.figure.refused_code else None,
        }


def run_estimates(run: EvaluationRun, grades: RunGrades) -> tuple[dict[str, MetricEstimate], list[SampleState]]:
    """Return an estimate for each metric of a run and of its check samples, and these, newest first."""
    reader = Reader([grades])
    states = sample_states(list(check_samples(run)), reader)
    metrics: dict[str, Metric] = {}
    for name in [*run.metrics, *(state.sample.metric for state in states if state.sample.metric)]:
        # A sample may spell a metric of the run in another way.
        metrics.setdefault(parse_metric(name).canonical_name, parse_metric(name))
    return {metric.name: _estimate(run, metric, states, reader) for metric in metrics.values()}, states


def _estimate(run: EvaluationRun, metric: Metric, states: Sequence[SampleState], reader: Reader) -> MetricEstimate:
    effective = run.metric_values.get(metric.name)
    if not is_estimated(metric):
        return MetricEstimate(metric, effective, None, _refused(metric, "not_estimable"))
    usable = [state for state in states if state.look is not None and state.sample.goal != Goal.COMPARE]
    own = next((state for state in usable if _is_about(state, metric)), None)
    if own is not None and own.look is not None:
        plan = own.look.plan
        return MetricEstimate(metric, effective, _ai_alone(metric, plan), own.estimate, own.look.estimate, own)
    plan = reader.plan(Goal.CERTIFY, metric, [run])
    ai_alone = _ai_alone(metric, plan)
    covering: list[MetricEstimate] = []
    estimate: DocumentEstimate | QueryEstimate | None
    for state in usable:
        if state.look is None:
            continue
        if isinstance(plan, DocumentPlan) and _covers(state, plan):
            figure, estimate = covering_estimate(state.look, metric)
        elif isinstance(plan, QueryPlan) and isinstance(state.look.plan, QueryPlan):
            # Samples of whole queries all take the queries in one order.
            look = look_at(plan)
            figure, estimate = look.figure, look.estimate
        else:
            continue
        covering.append(MetricEstimate(metric, effective, ai_alone, figure, estimate, state))
    if covering:
        # The newest that has an answer: one that was only just begun takes none away.
        return next((entry for entry in covering if not entry.figure.refused_code), covering[0])
    is_too_deep = any(state.look and isinstance(state.look.plan, DocumentPlan) for state in usable)
    code: RefusedCode = "metric_too_deep" if is_too_deep and is_additive(metric) else "no_check_sample"
    return MetricEstimate(metric, effective, ai_alone, _refused(metric, code))


def _is_about(state: SampleState, metric: Metric) -> bool:
    name = state.sample.metric
    return bool(name) and parse_metric(name).canonical_name == metric.canonical_name


def _covers(state: SampleState, plan: DocumentPlan) -> bool:
    """Say whether a sample of documents holds every candidate that a metric looks at."""
    look = state.look
    if look is None or not isinstance(look.plan, DocumentPlan) or plan.metric is None:
        return False
    return int((metric_weights(plan.metric, look.plan.items) != 0).sum()) == len(plan.items)


def _ai_alone(metric: Metric, plan: DocumentPlan | QueryPlan) -> float | None:
    """Return the metric by the AI's grades, over the queries that the run's metric is a mean over; None without any."""
    if not (plan.items.ai != NONE).any():
        return None
    if isinstance(plan, QueryPlan):
        return float(plan.ai_values.mean())
    if plan.metric is None:
        return None
    return float(np.mean(ai_per_query(metric, plan.items, plan.scaling, plan.population)))


def _refused(metric: Metric, code: RefusedCode) -> Figure:
    method: Method = "difference_by_document" if is_additive(metric) else "regression_by_query"
    return refused(code, method=method, query_count=0, grade_count=0)


def agreement_on_run(run: EvaluationRun, grades: RunGrades) -> dict[str, Figure]:
    """Return the figures of agreement of AI and people over a run's own candidates, from its check sample of agreement.

    Without one that is not void they are refused (`no_check_sample`). Method, "Interval" (`this_run`).
    """
    samples = check_samples(run).filter(goal=Goal.AGREEMENT)
    look = next((state.look for state in sample_states(list(samples), Reader([grades])) if state.look), None)
    names = [figure.name for figure in AGREEMENT_FIGURES]
    if look is None:
        none = refused("no_check_sample", method="difference_by_document", query_count=0, grade_count=0)
        return dict.fromkeys(map(str, names), none)
    return {str(name): agreement_of_look(look, name) for name in names}


def state_dict(state: SampleState) -> dict[str, Any]:
    """Return a sample's state as the report has it, with the names of the API."""
    sample = state.sample
    return {
        "id": str(sample.pk),
        "evaluation_run_id": str(sample.run_id),
        "other_run_id": str(sample.other_run_id) if sample.other_run_id else None,
        "goal": sample.goal,
        "metric": sample.metric,
        "half_width": sample.half_width,
        "status": state.status,
        "population_count": state.population_count,
        "graded_count": state.graded_count,
        "skipped_count": state.skipped_count,
        "ahead_count": state.ahead_count,
        "needed_count": state.needed_count,
        "needed_seconds": state.needed_seconds,
        "estimate": asdict(state.estimate),
        "is_certified": state.is_certified,
        "anytime_half_width": state.anytime_half_width,
        "goal_width": asdict(state.goal_width) if state.goal_width else None,
        "created_at": sample.created_at.isoformat(),
    }
