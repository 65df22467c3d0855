"""Judge what decides between two evaluation runs: what is unjudged among the first of either's lists, by shared query."""

from dataclasses import dataclass, replace

from django.db import transaction

from judging.foundation.errors import Conflict
from judging.judging_runs.scope import count_scope
from judging.judging_runs.starting import JudgingOptions, check_can_start, resolve_scope, start_judging_run
from judging.models import AIJudge, EvaluationRun, JudgingRun, Scope
from judging.records.roles import Actor, require_member


@dataclass(frozen=True, slots=True)
class DecidingOptions:
    """How deep to look, and the limits of each judging run; None: the judge's default, and no limit."""

    depth: int
    max_concurrency: int | None = None
    max_total_tokens: int | None = None


def start_deciding_runs(
    *,
    a: EvaluationRun,
    b: EvaluationRun,
    judge: AIJudge,
    actor: Actor,
    options: DecidingOptions,
    idempotency_key: str = "",
) -> list[JudgingRun]:
    """Start a judge over the unjudged candidates among the first of either run's lists: a judging run for each, or one.

    A judging run is about one evaluation run, so that what both returned is judged with b's, once. Both start or none.
    Raise Conflict (run_not_completed, run_locked, nothing_to_judge, idempotency_key_reused), Invalid, or Forbidden.
    """
    require_member(actor)
    started = []
    with transaction.atomic():
        for run, of_run in _parts(a, b, options):
            key = f"{idempotency_key}:{run.pk.hex[:8]}" if idempotency_key else ""
            started.append(
                start_judging_run(evaluation_run=run, judge=judge, actor=actor, options=of_run, idempotency_key=key)
            )
    return started


def _parts(a: EvaluationRun, b: EvaluationRun, options: DecidingOptions) -> list[tuple[EvaluationRun, JudgingOptions]]:
    """Return the runs that have something to judge, with what of them."""
    of_b = JudgingOptions(
        scope=Scope.UNJUDGED,
        depth=options.depth,
        max_concurrency=options.max_concurrency,
        max_total_tokens=options.max_total_tokens,
        shared_with_run_id=a.pk,
    )
    parts = [(b, of_b)] if a == b else [(b, of_b), (a, replace(of_b, shared_with_run_id=b.pk, except_run_id=b.pk))]
    for run, _ in parts:
        check_can_start(run)
    wanted = [(run, each) for run, each in parts if count_scope(run, resolve_scope(run, each), 1)[0]]
    if not wanted:
        raise Conflict(
            f"every document among the first {options.depth} of both runs is judged", code="nothing_to_judge"
        )
    return wanted
