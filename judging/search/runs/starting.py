"""Start, stop and resume the searches of an evaluation run."""

import logging
from typing import Any
from urllib.parse import urlsplit

from django.db import transaction
from django.db.models import F

from judging.foundation.errors import Conflict, IllegalTransition, Invalid
from judging.models import (
    ACTIVE_STATUSES,
    EvaluationRun,
    EvaluationRunStatus,
    JudgingRun,
    SearchEndpoint,
    SearchItem,
    SearchRun,
    SearchRunStatus,
    SearchStatus,
)
from judging.records.audit import record_event
from judging.records.idempotency import once_of
from judging.records.lists.archiving import check_in_use
from judging.records.roles import Actor, require_member
from judging.search.runs.inputs import check_rendering, pin
from judging.work import lifecycle, queue
from judging.work.lanes import lay_lanes

logger = logging.getLogger(__name__)

_ASKED_AGAIN = (SearchStatus.PENDING, SearchStatus.FAILED, SearchStatus.SKIPPED)


def start_search_run(*, run: EvaluationRun, actor: Actor, idempotency_key: str = "") -> EvaluationRun:
    """Pin the inputs of a pending run and queue its searches; return the run, `queued`, before anything is asked.

    The idempotency key that started a run returns it as it is by then, where another start is refused. Raise Forbidden,
    Invalid (not_executed, template_invalid), or Conflict (already_started, inputs_gone, endpoint_changed).
    """
    require_member(actor)
    key = once_of(idempotency_key, {}).key
    with transaction.atomic():
        current, search = _hold(run)
        if search.status != SearchRunStatus.PENDING:
            if key and search.start_key == key:
                return current
            raise Conflict(f"the run is {search.status} already", code="already_started")
        if search.pinned_at is None:
            pin(search, current)
            search.save()
        endpoint = _check_address(search)
        check_rendering(search, current.depth or 1)
        _queue(current, search, endpoint, from_status=SearchRunStatus.PENDING, start_key=key)
        record_event(actor=actor, action="search_run_started", subject=current)
    logger.info("search run %s queued: %s searches", current.pk, search.total_count)
    current.refresh_from_db()
    return current


def stop_search_run(*, run: EvaluationRun, actor: Actor) -> EvaluationRun:
    """Stop a queued or running run at once: nothing more is sent, what came back stays.

    Raise Forbidden or Invalid (not_executed, not_active).
    """
    require_member(actor)
    search = search_of(run)
    try:
        with transaction.atomic():
            lifecycle.cancel(SearchRun.kind, search.pk)
            record_event(actor=actor, action="search_run_stopped", subject=run)
            queue.enqueue_follow_up(SearchRun.kind, search.pk)
    except IllegalTransition:
        raise Invalid("the run is neither queued nor running", code="not_active") from None
    run.refresh_from_db()
    return run


def resume_search_run(*, run: EvaluationRun, actor: Actor) -> EvaluationRun:
    """Ask again what is pending, failed or skipped, in the same run.

    Raise Forbidden, Invalid (not_executed), or Conflict: run_active, run_locked, run_being_judged, not_started,
    nothing_to_resume, endpoint_changed.
    """
    require_member(actor)
    with transaction.atomic():
        current, search = _hold(run)
        check_can_change(current, search)
        endpoint = _check_address(search)
        again = SearchItem.objects.filter(search_run=search, status__in=_ASKED_AGAIN)
        counts = {status: again.filter(status=status).count() for status in _ASKED_AGAIN}
        if not sum(counts.values()):
            raise Conflict("every search was answered", code="nothing_to_resume")
        again.update(
            status=SearchStatus.PENDING,
            claim_token=None,
            attempt_count=0,
            not_before=None,
            finished_at=None,
            failure_code="",
            failure_message="",
            page_count=0,
            latency_ms=None,
        )
        # A slice that still holds one of them finds its lane gone and leaves its rows alone.
        search.lanes.delete()
        _queue(
            current,
            search,
            endpoint,
            from_status=SearchRunStatus(search.status),
            failed_count=F("failed_count") - counts[SearchStatus.FAILED],
            skipped_count=F("skipped_count") - counts[SearchStatus.SKIPPED],
            refused_prompt_count=0,
            error="",
            error_code="",
            started_at=None,
            completed_at=None,
        )
        record_event(actor=actor, action="search_run_resumed", subject=current)
    current.refresh_from_db()
    return current


def check_can_change(run: EvaluationRun, search: SearchRun) -> None:
    """Raise Conflict when the lists of a run can't be changed now: run_active, run_locked, run_being_judged."""
    check_in_use(run)
    if search.status == SearchRunStatus.PENDING:
        raise Conflict("the run has not started yet", code="not_started")
    if search.is_active:
        raise Conflict(f"the run is {search.status}; stop it first", code="run_active")
    if run.is_locked:
        raise Conflict("the evaluation run is locked; unlock it first", code="run_locked")
    if JudgingRun.objects.filter(evaluation_run=run, status__in=ACTIVE_STATUSES).exists():
        raise Conflict("an AI judging run works on it; cancel that first", code="run_being_judged")


def address_of(url: str) -> tuple[str, str, int | None]:
    """Return scheme, host and port of an endpoint's URL: where credentials may go."""
    parts = urlsplit(url)
    default = {"http": 80, "https": 443}.get(parts.scheme)
    return parts.scheme, (parts.hostname or "").lower(), parts.port or default


def _hold(run: EvaluationRun) -> tuple[EvaluationRun, SearchRun]:
    """Lock an evaluation run that is in use, then its search run. Raise Conflict (archived)."""
    rows = EvaluationRun.objects.select_for_update(no_key=True, of=("self",)).select_related("evaluation__corpus")
    current = rows.get(pk=run.pk)
    check_in_use(current)
    return current, search_of(run, lock=True)


def search_of(run: EvaluationRun, *, lock: bool = False) -> SearchRun:
    """Return how a run is executed, `lock`: held to the end of the transaction. Raise Invalid (not_executed)."""
    rows = SearchRun.objects.select_related("endpoint", "query_set", "query_template")
    rows = rows.select_for_update(no_key=True, of=("self",)) if lock else rows
    search = rows.filter(pk=run.pk).first()
    if search is None:
        raise Invalid("the evaluation run was imported: there is no search to it", code="not_executed")
    return search


def _check_address(search: SearchRun) -> SearchEndpoint:
    endpoint = search.endpoint
    if endpoint is None:
        raise Conflict("the endpoint of this run was deleted", code="inputs_gone")
    if address_of(endpoint.url) != address_of(search.endpoint_url):
        raise Conflict("the endpoint's address is another one since this run", code="endpoint_changed")
    return endpoint


def _queue(
    run: EvaluationRun, search: SearchRun, endpoint: SearchEndpoint, *, from_status: SearchRunStatus, **changes: Any
) -> None:
    """Queue the searches of a run that is held, and make the changes of its search run that go with it."""
    held = SearchRun.objects.filter(pk=search.pk, status=from_status)
    # In one statement: a completed run can't have anything left.
    queued = held.update(status=SearchRunStatus.QUEUED, **changes)
    noted = EvaluationRun.objects.filter(pk=run.pk, status=from_status).update(
        status=EvaluationRunStatus.QUEUED,
        error="",
        error_code="",
        completed_at=None,
        query_count=search.total_count,
    )
    if not (queued and noted):
        raise IllegalTransition(f"the search run {run.pk} is no longer {from_status}")
    lay_lanes(search, endpoint.max_concurrency)
