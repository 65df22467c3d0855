"""AI judging runs and their items, as every interface lists them."""

from dataclasses import dataclass
from datetime import datetime
from functools import cache
from uuid import UUID

from django.db.models import F, QuerySet
from django.utils import timezone

from judging.foundation.errors import Invalid, NotFound
from judging.models import ACTIVE_STATUSES, EvaluationRun, ItemStatus, JudgingItem, JudgingRun


def judging_runs(evaluation_run: EvaluationRun | None = None) -> QuerySet[JudgingRun]:
    """Return the AI judging runs, or those of one evaluation run, newest first, with all that a row shows.

    A run's counters come from its one row, so they add up at every read.
    """
    runs = JudgingRun.objects.select_related("judge_version", "created_by", "evaluation_run").defer(
        "judge_version__prompt_template", "judge_version__system_prompt"
    )
    if evaluation_run is not None:
        runs = runs.filter(evaluation_run=evaluation_run)
    return runs.order_by("-created_at", "-pk")


def active_judging_runs() -> QuerySet[JudgingRun]:
    """Return the AI judging runs under way, newest first."""
    return judging_runs().filter(status__in=ACTIVE_STATUSES)


@cache
def _each_run() -> QuerySet[JudgingRun]:
    """Return all runs, made once and without an order, which one row does not need."""
    return judging_runs().order_by()


def get_judging_run(judging_run_id: UUID) -> JudgingRun:
    """Return an AI judging run. Raise NotFound."""
    run = next(iter(_each_run().filter(pk=judging_run_id)), None)
    if run is None:
        raise NotFound("no such AI judging run")
    return run


def judging_items(judging_run: JudgingRun, *, status: str = "", failure_code: str = "") -> QuerySet[JudgingItem]:
    """Return a judging run's items in the order of its plan, with candidate, query label and reply. Raise Invalid."""
    items = JudgingItem.objects.filter(judging_run=judging_run).select_related(
        "candidate__document", "call", "run_query"
    )
    if failure_code:
        items = items.filter(failure_code=failure_code)
    if not status:
        # The plan was laid in this order, and there is an index that begins with the run for each of the two.
        return items.order_by("candidate_id")
    if status not in ItemStatus.values:
        raise Invalid("unknown status", errors={"status": [f"one of {', '.join(ItemStatus.values)}"]})
    return items.filter(status=status).order_by("pk")


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast a run goes: candidates per second, and seconds left; None where that can't be told."""

    rate: float | None
    seconds_left: float | None


def pace_of(run: JudgingRun, *, now: datetime | None = None) -> Pace:
    """Return the mean pace of a run from its start to its end or to now."""
    done = run.judged_count + run.failed_count
    if run.started_at is None or not done:
        return Pace(None, None)
    seconds = ((run.completed_at or now or timezone.now()) - run.started_at).total_seconds()
    if seconds <= 0:
        return Pace(None, None)
    rate = done / seconds
    return Pace(rate, run.pending_count / rate if run.is_active else None)


def newest_ended_run_of(judge_id: UUID) -> JudgingRun | None:
    """Return the newest ended judging run of a judge, any version, that made calls and settled candidates."""
    ended = (
        judging_runs().filter(judge_version__judge_id=judge_id, call_count__gt=0).exclude(status__in=ACTIVE_STATUSES)
    )
    return ended.alias(done=F("judged_count") + F("failed_count")).filter(done__gt=0).first()
