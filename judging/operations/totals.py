"""Totals for operators: how much work there is, how it goes, what was left behind."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, Model, Q, QuerySet, Sum

from judging.foundation.clock import shared_now
from judging.foundation.limits import STALLED_AFTER
from judging.models import (
    BatchExecution,
    BatchStatus,
    Call,
    EvaluationRun,
    EvaluationRunStatus,
    JudgeJob,
    JudgingRun,
    JudgingRunStatus,
    Lane,
)
from judging.work.kind import all_kinds


def stalled_lanes() -> QuerySet[Lane]:
    """Return the lanes of active jobs whose worker is gone and that nobody has queued again."""
    limit = shared_now() - STALLED_AFTER
    is_active = Q()
    for kind in all_kinds():
        is_active |= Q(kind=kind.name, job_id__in=kind.active().values("pk"))
    is_left = Q(lease_until__lt=limit) | Q(lease_token__isnull=True)
    return Lane.objects.filter(is_active, is_left, is_done=False, enqueued_at__lt=limit)


@dataclass(frozen=True, slots=True)
class WorkTotals:
    """Sums over all jobs of one kind of work: items by outcome, calls and tokens."""

    items: dict[str, int]
    calls: int
    input_tokens: int
    output_tokens: int


def counts_by_status(model: type[EvaluationRun] | type[JudgingRun] | type[BatchExecution]) -> dict[str, int]:
    """Return how many rows each status has, statuses without any included."""
    statuses = {EvaluationRun: EvaluationRunStatus, JudgingRun: JudgingRunStatus, BatchExecution: BatchStatus}[model]
    rows = model._default_manager.order_by().values_list("status").annotate(count=Count("pk"))
    return {**dict.fromkeys(statuses.values, 0), **dict(rows)}


def judge_jobs() -> list[type[JudgeJob]]:
    """Return the jobs of every kind of work that asks a judge for grades."""
    return [kind.jobs for kind in all_kinds() if issubclass(kind.jobs, JudgeJob)]


def totals_by_kind() -> dict[str, WorkTotals]:
    """Return the totals of each kind of work that asks AI providers, by the first word of its name."""
    by_kind = {jobs.kind: _judging_totals(jobs) for jobs in judge_jobs()} | {BatchExecution.kind: _batch_totals()}
    return {kind.split("_")[0]: totals for kind, totals in by_kind.items()}


def _judging_totals(jobs: type[JudgeJob]) -> WorkTotals:
    """Sum the counters of AI judging runs, probes or golden checks, without counting items: there may be millions."""
    names = ("total_count", "judged_count", "failed_count", "skipped_count")
    sums = _sums(jobs, *names, "call_count", "input_tokens", "output_tokens")
    total, judged, failed, skipped = (sums[name] for name in names)
    items = {"judged": judged, "failed": failed, "skipped": skipped, "pending": total - judged - failed - skipped}
    return WorkTotals(items, sums["call_count"], sums["input_tokens"], sums["output_tokens"])


def _batch_totals() -> WorkTotals:
    names = ("total_count", "completed_count", "failed_count")
    sums = _sums(BatchExecution, *names, "call_count", "input_tokens", "output_tokens")
    total, completed, failed = (sums[name] for name in names)
    items = {"completed": completed, "failed": failed, "pending": total - completed - failed}
    return WorkTotals(items, sums["call_count"], sums["input_tokens"], sums["output_tokens"])


def calls_by_error(since: datetime) -> dict[str, int]:
    """Return how many calls were made since a moment, by error code; "" is no error."""
    first = first_call_since(since)
    if first is None:
        return {}
    rows = Call.objects.filter(pk__gte=first, created_at__gte=since).order_by().values_list("error_code")
    return dict(rows.annotate(count=Count("pk")))


def first_call_since(moment: datetime) -> int | None:
    """Return the id of the first call made since a moment, None without one.

    Calls are numbered about as they are made (those of several workers within a second of each other), so the place
    is found by halving, in some 20 reads by primary key: the table holds millions and no index on its times.
    """
    moment -= timedelta(seconds=60)
    calls = Call.objects.order_by("pk").values_list("pk", "created_at")
    newest = Call.objects.order_by("-pk").values_list("pk", "created_at").first()
    oldest = calls.first()
    if oldest is None or newest is None or newest[1] < moment:
        return None
    low, high = oldest[0], newest[0]
    while low < high:
        middle = (low + high) // 2
        found = calls.filter(pk__gte=middle).first()
        if found is None or found[1] >= moment:
            high = middle
        else:
            low = found[0] + 1
    return low


def pk_ranges(model: type[Model], *, before: int, size: int) -> Iterator[tuple[int, int]]:
    """Yield [first, next first) of a table's primary keys below `before`, `size` rows at a time."""
    keys = model._default_manager.filter(pk__lt=before).order_by("pk").values_list("pk", flat=True)
    first = keys.first()
    while first is not None:
        following = keys.filter(pk__gte=first)[size : size + 1].first()
        yield first, before if following is None else following
        first = following


def _sums(model: type[JudgeJob] | type[BatchExecution], *names: str) -> dict[str, int]:
    sums = model._default_manager.order_by().aggregate(**{f"sum_{name}": Sum(name) for name in names})
    return {name: sums[f"sum_{name}"] or 0 for name in names}
