"""Why an AI judging run under way is slower than it could be, as every page and REST tell it."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import OuterRef, Subquery
from django.utils import timezone

from judging.foundation.text import cut_text
from judging.models import Call, JudgingRun, JudgingRunStatus, Slowness, Throttle
from judging.work import workers

# Shorter waits are the ordinary course of things.
_NOTICED_AFTER = timedelta(seconds=10)
# A model may think this long.
_SILENT_AFTER = timedelta(seconds=60)
_MOST_ERROR = 300


# In the words of REST, with what each means.
CAUSES = {
    "no_worker": "no worker runs",
    "worker_busy": "it waits for a free worker",
    "rate_limited": "the provider answers 429",
    "provider_failing": "the provider answers with other errors, or not at all",
    "provider_limit": "the limits set on its AI provider",
    "token_budget": "little of its token budget is left",
}


def with_slowness(runs: Sequence[JudgingRun]) -> Sequence[JudgingRun]:
    """Set `slowness` of each run that something holds up, and return them all. At most two queries."""
    active = [run for run in runs if run.is_active]
    if not active:
        return runs
    has_worker, now = workers.has_live_worker(), timezone.now()
    starving = {run.pk: since for run in active if (since := _without_reply_since(run, now)) is not None}
    errors = _last_errors(starving) if has_worker else {}
    for run in active:
        run.slowness = _slowness(run, starving.get(run.pk), errors.get(run.pk, ("", "")), has_worker, now)
    return runs


def _without_reply_since(run: JudgingRun, now: datetime) -> datetime | None:
    since = run.last_success_at or run.started_at
    return since if since is not None and now - since > _NOTICED_AFTER else None


def _last_errors(starving: dict[UUID, datetime]) -> dict[UUID, tuple[str, str]]:
    """Return code and message of the last call of each of these runs, empty where it was answered."""
    if not starving:
        return {}
    calls = Call.objects.filter(judging_run=OuterRef("pk")).order_by("-pk")
    codes = JudgingRun.objects.filter(pk__in=starving).annotate(
        code=Subquery(calls.values("error_code")[:1]), message=Subquery(calls.values("error")[:1])
    )
    rows = codes.order_by().values_list("pk", "code", "message")
    return {pk: (code or "", message or "") for pk, code, message in rows}


def _slowness(
    run: JudgingRun, starving_since: datetime | None, error: tuple[str, str], has_worker: bool, now: datetime
) -> Slowness | None:
    code, message = error
    if not has_worker:
        text = "It waits until one is: python manage.py serve"
        return Slowness("no_worker", "No worker is running", text)
    if run.status == JudgingRunStatus.QUEUED:
        if now - run.created_at < _NOTICED_AFTER:
            return None
        return Slowness("worker_busy", "Waiting for a worker", "All of them are busy with other work.", run.created_at)
    if code == "rate_limited" or (run.throttle == Throttle.RATE_LIMITED and not code):
        text = "It answers 429, so fewer calls are made at a time."
        return Slowness("rate_limited", "Waiting for the provider", text, run.throttled_since or starving_since)
    if code:
        text = f"Calls fail and are tried again. The last one: {cut_text(message, _MOST_ERROR) or code}"
        return Slowness("provider_failing", "Waiting for the provider", text, starving_since)
    if run.throttle == Throttle.PROVIDER_LIMIT:
        text = "Calls wait for the limits set on the AI provider, which all its runs share."
        return Slowness("provider_limit", "Provider limit", text, run.throttled_since)
    if _is_short_of_tokens(run):
        spent = run.input_tokens + run.output_tokens
        text = f"{spent:,} of {run.max_total_tokens:,} tokens are spent, so fewer calls are made at a time."
        return Slowness("token_budget", "Token budget", text)
    if starving_since is not None and now - starving_since > _SILENT_AFTER:
        text = "Its calls are under way, and none was answered."
        return Slowness("provider_failing", "Waiting for the provider", text, starving_since)
    return None


def _is_short_of_tokens(run: JudgingRun) -> bool:
    """Tell whether what is left of the budget may not pay for as many calls as could be made at a time."""
    spent = run.input_tokens + run.output_tokens
    if not run.max_total_tokens or not run.call_count or not spent:
        return False
    return spent + run.max_concurrency * spent / run.call_count >= run.max_total_tokens
