"""Start, estimate and cancel AI judging runs."""

import logging
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import connection, transaction

from judging.foundation.columns import uuid_param
from judging.foundation.errors import Conflict, Invalid
from judging.foundation.limits import MAX_CONCURRENCY, MAX_URL
from judging.judging_runs.estimate import Estimate, estimate
from judging.judging_runs.scope import JudgingScope, plan_select
from judging.models import (
    ACTIVE_STATUSES,
    AIJudge,
    EvaluationRun,
    EvaluationRunStatus,
    JudgeVersion,
    JudgingRun,
    Scope,
)
from judging.providers.registry import address
from judging.records.audit import record_event
from judging.records.connections import connection_of
from judging.records.idempotency import Once, find_earlier, make_once, once_of
from judging.records.lists.archiving import check_in_use
from judging.records.roles import Actor, require_member, user_of
from judging.work import lifecycle, queue
from judging.work.kind import kind_named
from judging.work.lanes import lay_lanes

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class JudgingOptions:
    """What can be chosen when a judging run is started; None: the judge's or the product's default.

    `shared_with_run_id` and `except_run_id` are for two evaluation runs judged together: see `JudgingScope`.
    """

    scope: str = Scope.ALL
    source_run_id: UUID | None = None
    depth: int | None = None
    query_limit: int | None = None
    max_concurrency: int | None = None
    max_total_tokens: int | None = None
    trial: bool = False
    shared_with_run_id: UUID | None = None
    except_run_id: UUID | None = None


def start_judging_run(
    *,
    evaluation_run: EvaluationRun,
    judge: AIJudge,
    actor: Actor,
    options: JudgingOptions | None = None,
    idempotency_key: str = "",
) -> JudgingRun:
    """Queue a judge over a completed evaluation run; return the run, `queued`, before any model is called.

    The run, its plan (one item per candidate in scope), its lanes and their first slices come in one transaction.
    With an idempotency key, the same request again returns the run it made. Raise Conflict (run_not_completed,
    run_locked, archived, idempotency_key_reused), Invalid, or Forbidden for raters. A trial's grades stay with its items: no
    judgment is written, no metric renewed.
    """
    require_member(actor)
    options = options or JudgingOptions()
    once = _once(idempotency_key, evaluation_run, judge, options)
    earlier = find_earlier(JudgingRun, actor=actor, once=once)
    if earlier is not None:
        return earlier
    return make_once(JudgingRun, lambda: _start(evaluation_run.pk, judge, actor, options, once), actor=actor, once=once)


def _start(run_id: UUID, judge: AIJudge, actor: Actor, options: JudgingOptions, once: Once) -> JudgingRun:
    with transaction.atomic():
        # Held, so that a lock of the evaluation run falls before or after the start.
        run = EvaluationRun.objects.select_for_update(no_key=True).get(pk=run_id)
        check_can_start(run)
        version = _current_version(judge)
        scope = resolve_scope(run, options)
        provider = version.ai_provider
        judging_run = JudgingRun.objects.create(
            evaluation_run=run,
            judge_version=version,
            provider_name=provider.name,
            provider_type=provider.type,
            provider_address=address(connection_of(provider))[:MAX_URL],
            scope=scope.scope,
            source_run_id=scope.source_run_id,
            depth=scope.depth,
            query_limit=scope.query_limit,
            sample_seed=scope.sample_seed,
            trial=options.trial,
            max_concurrency=options.max_concurrency or version.max_concurrency,
            max_total_tokens=options.max_total_tokens,
            idempotency_key=once.key,
            request_hash=once.request_hash,
            created_by=user_of(actor),
        )
        judging_run.total_count = _lay_plan(judging_run, run, scope, version.batch_size)
        # In the order of the index that items are claimed by: MAX() would read all of them.
        numbers = kind_named(judging_run.kind).claimable(judging_run.pk).values_list("prompt_number", flat=True)
        judging_run.prompt_count = numbers.order_by("-prompt_number").first() or 0
        judging_run.save(update_fields=["total_count", "prompt_count"])
        if judging_run.total_count:
            lay_lanes(judging_run, judging_run.max_concurrency)
        else:
            lifecycle.start(judging_run.kind, judging_run.pk)
            lifecycle.complete(judging_run.kind, judging_run.pk)
            judging_run.refresh_from_db()
    logger.info(
        "judging run %s queued: %s candidates, judge %s", judging_run.pk, judging_run.total_count, version.label
    )
    return judging_run


def _current_version(judge: AIJudge) -> JudgeVersion:
    current = AIJudge.objects.filter(pk=judge.pk, archived_at=None).values_list("version", flat=True).first()
    if current is None:
        message = "this AI judge was deleted"
        raise Invalid(message, errors={"ai_judge_id": [message]})
    return JudgeVersion.objects.select_related("ai_provider").get(judge=judge, number=current)


def check_can_start(run: EvaluationRun) -> None:
    """Raise Conflict when no AI judging run can start on an evaluation run in this state."""
    if run.status != EvaluationRunStatus.COMPLETED:
        raise Conflict(
            f"the evaluation run is {run.status}; AI judging starts on completed runs only", code="run_not_completed"
        )
    if run.is_locked:
        raise Conflict("the evaluation run is locked; unlock it to judge it", code="run_locked")
    check_in_use(run)


def estimate_judging_run(*, evaluation_run: EvaluationRun, judge: AIJudge, options: JudgingOptions) -> Estimate:
    """Return what `start_judging_run` with the same arguments would come to. Raises what it would raise."""
    check_can_start(evaluation_run)
    scope = resolve_scope(evaluation_run, options)
    return estimate(evaluation_run, judge, scope, max_concurrency=options.max_concurrency, trial=options.trial)


def resolve_scope(run: EvaluationRun, options: JudgingOptions) -> JudgingScope:
    """Return the scope that the options name on this run. Raise Invalid."""
    if options.scope not in Scope.values:
        raise Invalid("unknown scope", errors={"scope": [f"one of {', '.join(Scope.values)}"]})
    scope = Scope(options.scope)
    for name in ("depth", "query_limit", "max_total_tokens", "max_concurrency"):
        value = getattr(options, name)
        if value is not None and value < 1:
            raise Invalid(f"{name} must be at least 1", errors={name: ["at least 1"]})
    if options.max_concurrency is not None and options.max_concurrency > MAX_CONCURRENCY:
        message = f"at most {MAX_CONCURRENCY}"
        raise Invalid(f"max_concurrency is {message}", errors={"max_concurrency": [message]})
    source_run_id: UUID | None = None
    if scope in (Scope.FAILED, Scope.REMAINING):
        source_run_id = _source_run_id(run, options.source_run_id, trial=options.trial)
    elif options.source_run_id is not None:
        message = "only the scopes failed and remaining take a source run"
        raise Invalid(message, errors={"source_run_id": [message]})
    # The sample of one evaluation run is the same for each judge, so that judges are compared on the same queries.
    seed = run.pk.int % 2**31
    return JudgingScope(
        scope,
        source_run_id,
        options.depth,
        options.query_limit,
        seed,
        options.shared_with_run_id,
        options.except_run_id,
    )


def _source_run_id(run: EvaluationRun, wanted: UUID | None, *, trial: bool) -> UUID:
    ended = JudgingRun.objects.filter(evaluation_run=run).exclude(status__in=ACTIVE_STATUSES)
    if wanted is not None:
        ended = ended.filter(pk=wanted)
    elif not trial:
        # What a trial failed on says nothing of the grades that count.
        ended = ended.filter(trial=False)
    source = ended.order_by("-created_at", "-pk").values_list("pk", flat=True).first()
    if source is None:
        message = (
            "no ended AI judging run of this evaluation run has this id"
            if wanted is not None
            else "no AI judging run of this evaluation run has ended yet"
        )
        raise Invalid(message, errors={"source_run_id": [message]})
    return source


def _lay_plan(judging_run: JudgingRun, run: EvaluationRun, scope: JudgingScope, batch_size: int) -> int:
    sql, parameters = plan_select(run, scope, batch_size, constants=", %s, 'pending', 0, '', '', ''")
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO judging_judgingitem (candidate_id, run_query_id, prompt_number, judging_run_id, status,"
            f" attempt_count, reasoning, failure_code, failure_message) {sql}",
            [uuid_param(judging_run.pk), *parameters],
        )
        return int(cursor.rowcount)


def cancel_judging_run(*, judging_run: JudgingRun, actor: Actor) -> JudgingRun:
    """Cancel a queued or running judging run at once; a cancelled one stays as it is.

    Raise Forbidden or Conflict (already_ended).
    """
    require_member(actor)

    def record() -> None:
        name = judging_run.judge_version.label
        record_event(actor=actor, action="judging_run_cancelled", subject=judging_run, name=name)
        if not judging_run.is_only_trial:
            queue.enqueue_metrics(judging_run.evaluation_run_id)

    lifecycle.cancel_once(judging_run, what="the AI judging run", record=record)
    return judging_run


def _once(key: str, run: EvaluationRun, judge: AIJudge, options: JudgingOptions) -> Once:
    asked_for: dict[str, Any] = {
        "run": str(run.pk),
        "judge": str(judge.pk),
        "scope": str(options.scope),
        "source": str(options.source_run_id),
        "rest": [options.depth, options.query_limit, options.max_concurrency, options.max_total_tokens],
    }
    # Only where it says something: keys used before there were trials still answer the run they made.
    if options.trial:
        asked_for["trial"] = True
    if options.shared_with_run_id is not None:
        asked_for["beside"] = [str(options.shared_with_run_id), str(options.except_run_id)]
    return once_of(key, asked_for)
