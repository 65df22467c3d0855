"""Start a check sample, look ahead at what it would take, skip one of its items, delete it."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet

from judging.foundation.errors import Conflict, Invalid, NotFound
from judging.metrics import Metric, parse_metric
from judging.models import Abstention, Candidate, CheckSample, EvaluationRun, Goal, RunQuery, User
from judging.records.audit import record_event
from judging.records.grading import check_open_to_samples, end_leases, store_abstention
from judging.records.roles import Actor, require_member, require_person, user_of
from judging.trust.samples.planning import DEFAULT_AGREEMENT_WIDTH
from judging.trust.samples.plans import is_estimated
from judging.trust.samples.states import Reader, SampleState, runs_of, sample_state


@dataclass(frozen=True, slots=True)
class Preview:
    """What a sample would take, before it is started. Shares are of its population, 0 to 1; None of nothing.

    `shown_share` of it were graded with the AI's grade in sight and not without: someone else must grade them.
    """

    state: SampleState
    answered_count: int
    shown_count: int

    @property
    def population_count(self) -> int:
        return self.state.population_count

    @property
    def shown_share(self) -> float | None:
        return self.shown_count / self.population_count if self.population_count else None


def create_check_sample(
    *,
    run: EvaluationRun,
    goal: str,
    actor: Actor,
    metric: str = "",
    half_width: float | None = None,
    other_run: EvaluationRun | None = None,
) -> CheckSample:
    """Start a check sample. Several of one run, goal and metric may stand side by side.

    Raise Forbidden, Invalid (unknown_metric, not_estimable, half_width_required, other_run_required) or Conflict
    (run_locked, run_not_completed, corpora_differ, scales_differ).
    """
    require_member(actor)
    sample = _checked(run, goal, metric, half_width, other_run)
    sample.created_by = user_of(actor)
    sample.ranking_hash = Reader().ranking_hash(runs_of(sample))
    with transaction.atomic():
        sample.save(force_insert=True)
        record_event(
            actor=actor,
            action="check_sample_created",
            subject=sample,
            name=run.name,
            detail={"goal": goal, "metric": sample.metric},
        )
    return sample


def delete_check_sample(*, sample: CheckSample, actor: Actor) -> None:
    """Delete a check sample; the grades given for it stay. Raise Forbidden."""
    require_member(actor)
    with transaction.atomic():
        record_event(actor=actor, action="check_sample_deleted", subject=sample, name=sample.run.name)
        sample.delete()


def preview_check_sample(
    run: EvaluationRun,
    goal: str,
    *,
    metric: str = "",
    half_width: float | None = None,
    other_run: EvaluationRun | None = None,
) -> Preview:
    """Return what a sample would take. Raise what starting it would, Forbidden excepted."""
    sample, reader = _checked(run, goal, metric, half_width, other_run), Reader()
    sample.ranking_hash = reader.ranking_hash(runs_of(sample))
    state = sample_state(sample, reader)
    assert state.look is not None
    items = state.look.plan.items
    is_answered = items.is_answered
    return Preview(state, int(is_answered.sum()), int((items.is_shown & ~is_answered).sum()))


def skip_item(*, sample: CheckSample, candidate: Candidate, reason: str, actor: User) -> Abstention:
    """Record that `actor` can't tell how relevant an item is: it is passed over, and asked of others at the end.

    Raise Forbidden, Invalid (no reason) or Conflict (run_locked, run_not_completed).
    """
    require_person(actor)
    for run in {run.pk: run for run in [*runs_of(sample), candidate.of_run]}.values():
        check_open_to_samples(run)
    with transaction.atomic():
        abstention = store_abstention(candidate, actor, reason)
        end_leases(actor, [candidate.pk])
    return abstention


def item_candidate(sample: CheckSample, *, run_query_id: UUID, document_key: str) -> Candidate:
    """Return the candidate that an item of a sample was handed out as. Raise NotFound."""
    return _found(_candidates(sample).filter(run_query_id=run_query_id, document__external_id=document_key))


def sample_candidate(sample: CheckSample, candidate_pk: int) -> Candidate:
    """Return a candidate that an item of a sample may be handed out as. Raise NotFound."""
    return _found(_candidates(sample).filter(pk=candidate_pk))


def _candidates(sample: CheckSample) -> QuerySet[Candidate]:
    return Candidate.objects.filter(
        run__evaluation__corpus_id=sample.run.evaluation.corpus_id,
        run__scale=sample.run.scale,
        query_id__in=RunQuery.objects.filter(run__in=runs_of(sample)).order_by().values("query_id"),
    ).select_related("run__evaluation")


def _found(candidates: QuerySet[Candidate]) -> Candidate:
    candidate = candidates.first()
    if candidate is None:
        raise NotFound("no such item of this check sample")
    return candidate


def _checked(
    run: EvaluationRun, goal: str, metric: str, half_width: float | None, other_run: EvaluationRun | None
) -> CheckSample:
    if goal not in Goal.values:
        raise Invalid("there is no such goal", errors={"goal": [f"one of {', '.join(Goal.values)}"]})
    named = None if goal == Goal.AGREEMENT else _checked_metric(metric)
    if goal == Goal.COMPARE and other_run is None:
        raise _invalid("other_run_id", "name the run to compare with", "other_run_required")
    if goal != Goal.COMPARE and other_run is not None:
        raise _invalid("other_run_id", "only a comparison is about two runs", "invalid")
    if other_run is not None and other_run.pk == run.pk:
        raise _invalid("other_run_id", "a run does not differ from itself", "invalid")
    if goal == Goal.PRECISION and half_width is None:
        raise _invalid("half_width", "say how wide half the interval may be", "half_width_required")
    if half_width is not None and not (math.isfinite(half_width) and half_width > 0):
        raise _invalid("half_width", "a number above 0", "invalid")
    if goal in (Goal.CERTIFY, Goal.COMPARE):
        half_width = None
    if goal == Goal.AGREEMENT and half_width is None:
        half_width = DEFAULT_AGREEMENT_WIDTH
    runs: Sequence[EvaluationRun] = [run] if other_run is None else [run, other_run]
    for each in runs:
        check_open_to_samples(each)
    if other_run is not None:
        if other_run.evaluation.corpus_id != run.evaluation.corpus_id:
            raise Conflict("the runs are of different corpora", code="corpora_differ")
        if other_run.scale != run.scale:
            raise Conflict("the runs are graded on different scales", code="scales_differ")
    return CheckSample(
        run=run, other_run=other_run, goal=goal, metric=named.name if named else "", half_width=half_width
    )


def _checked_metric(name: str) -> Metric:
    try:
        metric = parse_metric(name)
    except Invalid as error:
        messages = next(iter(error.errors.values()), [error.message])
        raise Invalid(error.message, errors={"metric": messages}, code=error.code) from None
    if not is_estimated(metric):
        raise _invalid("metric", f"{metric.name} is not estimated from check samples", "not_estimable")
    return metric


def _invalid(field: str, message: str, code: str) -> Invalid:
    return Invalid(message, errors={field: [message]}, code=code)
