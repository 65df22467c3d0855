"""Create, cancel and retry batch executions."""

import logging
from collections.abc import Sequence
from typing import Any

from django.db import transaction

from judging.foundation.errors import Conflict
from judging.foundation.limits import MAX_ID_CHARS, MAX_URL
from judging.foundation.validation import raise_if_any, text_problem
from judging.models import (
    BatchEvaluator,
    BatchExecution,
    BatchItem,
    BatchItemStatus,
    EvaluatorResult,
    EvaluatorVersion,
    JudgeVersion,
)
from judging.providers.registry import address
from judging.records.audit import record_event
from judging.records.connections import connection_of
from judging.records.idempotency import Once, find_earlier, make_once, once_of
from judging.records.roles import Actor, require_member, user_of
from judging.responses.inputs import BatchInput, check_inputs, clean_tags
from judging.responses.plans import BatchPlan, plan_again
from judging.work import lifecycle
from judging.work.lanes import lay_lanes

logger = logging.getLogger(__name__)

CANCELLED = "cancelled"


def once(
    key: str, *, asked_for: Sequence[str], inputs: Sequence[BatchInput], tags: Sequence[str], project_id: str
) -> Once:
    """Return a request's key with what it asks for. Raise Invalid for a key that can't be."""
    body: dict[str, Any] = {
        "asked_for": list(asked_for),
        "inputs": [[given.content(), given.user_id, given.session_id] for given in inputs],
        "tags": list(tags),
        "project": project_id,
    }
    return once_of(key, body)


def earlier_batch(*, actor: Actor, once: Once) -> BatchExecution | None:
    """Return the batch that the same request made. Raise Conflict (idempotency_key_reused) if it was another one."""
    return find_earlier(BatchExecution, actor=actor, once=once)


def create_batch(
    *,
    actor: Actor,
    plan: BatchPlan,
    inputs: Sequence[BatchInput],
    tags: Sequence[str] = (),
    project_id: str = "",
    once: Once = Once(),  # noqa: B008  (immutable)
    is_immediate: bool = False,
) -> BatchExecution:
    """Queue a plan over inputs; return the batch, `pending`, before any model is called. One bad input refuses all.

    A request with a key of its own is looked up first (`earlier_batch`); made meanwhile, that batch is returned here,
    too. An immediate batch is not queued: its maker works on it, and lists leave it out. Raise Invalid, Forbidden, or
    Conflict (idempotency_key_reused).
    """
    require_member(actor)
    tags = clean_tags(tags)
    if message := text_problem(project_id, limit=MAX_ID_CHARS):
        raise_if_any({"project_id": [message]})
    check_inputs(inputs, plan, path="" if is_immediate else "inputs")
    rows = [
        BatchItem(index=index, input=given.content(), user_id=given.user_id, session_id=given.session_id)
        for index, given in enumerate(inputs)
    ]
    batch = BatchExecution(
        tags=tags,
        project_id=project_id,
        idempotency_key=once.key,
        request_hash=once.request_hash,
        is_immediate=is_immediate,
        created_by=user_of(actor),
    )
    return make_once(BatchExecution, lambda: _create(batch, plan, rows), actor=actor, once=once)


def cancel_batch(*, actor: Actor, batch: BatchExecution) -> BatchExecution:
    """Cancel a batch at once: what has not ended fails as "cancelled". A cancelled one stays as it is.

    Raise Forbidden, or Conflict (already_ended).
    """
    require_member(actor)

    def record() -> None:
        record_event(actor=actor, action="batch_cancelled", subject=batch)

    lifecycle.cancel_once(batch, what="the batch", record=record, error=CANCELLED, error_code=CANCELLED)
    return batch


def retry_failed(*, actor: Actor, batch: BatchExecution) -> BatchExecution:
    """Make a new batch of the failed inputs of one that has ended, at the versions that it had.

    Raise Forbidden, NotFound (a judge that is private to others), Invalid (no_model_configured), or Conflict
    (not_ended, nothing_failed, inputs_pruned).
    """
    require_member(actor)
    if batch.is_active:
        raise Conflict("the batch has not ended yet", code="not_ended")
    failed = BatchItem.objects.filter(batch=batch, status=BatchItemStatus.FAILED).order_by("index")
    rows = [
        BatchItem(index=index, input=item.input, user_id=item.user_id, session_id=item.session_id)
        for index, item in enumerate(failed)
    ]
    if not rows:
        raise Conflict("no item of the batch failed", code="nothing_failed")
    if not all(row.input for row in rows):
        raise Conflict("the inputs of the batch were pruned, it can't be run again", code="inputs_pruned")
    again = BatchExecution(tags=batch.tags, project_id=batch.project_id, retried_from=batch, created_by=user_of(actor))
    return _create(again, plan_again(actor=actor, batch=batch), rows)


def _create(batch: BatchExecution, plan: BatchPlan, items: list[BatchItem]) -> BatchExecution:
    batch.judge_id = plan.judge_id
    batch.response_judge_version = plan.response_judge_version
    batch.relevance_judge_version = plan.relevance_judge_version
    batch.max_concurrency = plan.max_concurrency
    batch.total_count = len(items)
    with transaction.atomic():
        batch.prompt_count = len(items) * len(plan.evaluators)
        batch.save(force_insert=True)
        evaluators = BatchEvaluator.objects.bulk_create(_evaluators(batch, plan))
        for item in items:
            item.batch = batch
        BatchItem.objects.bulk_create(items)
        EvaluatorResult.objects.bulk_create(
            [EvaluatorResult(batch=batch, item=item, evaluator=row) for item in items for row in evaluators]
        )
        call_count = len(items) * len(evaluators)
        lay_lanes(batch, min(batch.max_concurrency, call_count), is_queued=not batch.is_immediate)
    logger.info("batch %s queued: %s items, %s evaluators", batch.pk, len(items), len(evaluators))
    return batch


def _evaluators(batch: BatchExecution, plan: BatchPlan) -> list[BatchEvaluator]:
    return [
        BatchEvaluator(
            batch=batch,
            position=position,
            name=planned.version.name,
            evaluator_version=planned.version if isinstance(planned.version, EvaluatorVersion) else None,
            judge_version=planned.version if isinstance(planned.version, JudgeVersion) else None,
            ai_provider=planned.ai_provider,
            provider_name=planned.ai_provider.name,
            provider_type=planned.ai_provider.type,
            provider_address=address(connection_of(planned.ai_provider))[:MAX_URL],
            model=planned.model,
        )
        for position, planned in enumerate(plan.evaluators)
    ]
