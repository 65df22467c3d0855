"""Make, check, reschedule and delete golden sets."""

from contextlib import suppress
from typing import Any

from django.db import transaction

from judging.foundation.errors import Conflict, Invalid, NotFound
from judging.foundation.limits import (
    MAX_GOLDEN_INTERVAL_DAYS,
    MAX_GOLDEN_PER_QUERY,
    MAX_GOLDEN_QUERIES,
    MAX_NAME,
    MIN_GOLDEN_QUERIES,
)
from judging.golden.conclusions import conclude_check
from judging.golden.drawing import drawn_pairs
from judging.golden.laying import lay_check
from judging.golden.reads import golden_sets_due
from judging.models import (
    ACTIVE_STATUSES,
    AIJudge,
    Call,
    EvaluationRun,
    EvaluationRunStatus,
    GoldenCheck,
    GoldenItem,
    GoldenPair,
    GoldenSet,
)
from judging.records.audit import record_event
from judging.records.idempotency import find_earlier, make_once, once_of
from judging.records.lists.archiving import check_in_use
from judging.records.roles import Actor, require_member, user_of
from judging.records.visibility import get_judge
from judging.work import lifecycle

DEFAULT_QUERIES = 40
DEFAULT_PER_QUERY = 5


def create_golden_set(
    *,
    name: str,
    evaluation_run: EvaluationRun,
    judge: AIJudge,
    actor: Actor,
    query_count: int = DEFAULT_QUERIES,
    per_query: int = DEFAULT_PER_QUERY,
    every_days: int | None = None,
    idempotency_key: str = "",
) -> GoldenSet:
    """Draw a golden set from a completed run, and queue its baseline: four judgings by the judge's current version.

    With an idempotency key, the same request again returns the set it made. Raise Forbidden, NotFound, Invalid or
    Conflict (run_not_completed, too_few_candidates, judge_archived, idempotency_key_reused).
    """
    require_member(actor)
    get_judge(actor, judge.pk)
    asked_for: dict[str, Any] = {
        "golden_set": name,
        "run": str(evaluation_run.pk),
        "judge": str(judge.pk),
        "rest": [query_count, per_query, every_days],
    }
    once = once_of(idempotency_key, asked_for)
    earlier = find_earlier(GoldenCheck, actor=actor, once=once)
    if earlier is not None:
        return earlier.golden_set
    golden_set = GoldenSet(
        name=_checked_name(name),
        evaluation_run=evaluation_run,
        judge=judge,
        query_count=_within("query_count", query_count, MIN_GOLDEN_QUERIES, MAX_GOLDEN_QUERIES),
        per_query=_within("per_query", per_query, 1, MAX_GOLDEN_PER_QUERY),
        every_days=_checked_interval(every_days),
        created_by=user_of(actor),
    )

    def make() -> GoldenCheck:
        with transaction.atomic():
            # Held, so that the run is deleted before or after.
            run = EvaluationRun.objects.select_for_update(no_key=True).get(pk=evaluation_run.pk)
            if run.status != EvaluationRunStatus.COMPLETED:
                raise Conflict(
                    f"the evaluation run is {run.status}; golden sets take documents of completed runs only",
                    code="run_not_completed",
                )
            check_in_use(run)
            golden_set.save(force_insert=True)
            GoldenPair.objects.bulk_create(drawn_pairs(run, golden_set), batch_size=500)
            record_event(
                actor=actor, action="golden_set_created", subject=golden_set, detail={"evaluation_run": run.name}
            )
            return lay_check(golden_set=golden_set, actor=actor, once=once)

    return make_once(GoldenCheck, make, actor=actor, once=once).golden_set


def start_golden_check(*, golden_set: GoldenSet, actor: Actor, idempotency_key: str = "") -> GoldenCheck:
    """Queue a check; a new baseline instead where the judge has a new version, or the last check says so.

    Raise Forbidden, NotFound or Conflict (check_under_way, judge_archived, idempotency_key_reused).
    """
    require_member(actor)
    get_judge(actor, golden_set.judge_id)
    once = once_of(idempotency_key, {"check_of": str(golden_set.pk)})
    earlier = find_earlier(GoldenCheck, actor=actor, once=once)
    if earlier is not None:
        return earlier

    def make() -> GoldenCheck:
        with transaction.atomic():
            return lay_check(golden_set=_held(golden_set), actor=actor, once=once)

    return make_once(GoldenCheck, make, actor=actor, once=once)


def start_due_checks(*, actor: Actor) -> list[GoldenCheck]:
    """Queue a check of each set that is due; what can't begin is left for the next time. Raise Forbidden."""
    require_member(actor)
    started = []
    for due in golden_sets_due():
        with suppress(Conflict, NotFound), transaction.atomic():
            # Read again under its lock: supervisors of several hosts find it due at once.
            held = _held(due)
            if held.pk in {each.pk for each in golden_sets_due()}:
                started.append(lay_check(golden_set=held, actor=actor))
    return started


def cancel_golden_check(*, check: GoldenCheck, actor: Actor) -> GoldenCheck:
    """Cancel a check at once; a cancelled one stays as it is. Raise Forbidden, NotFound or Conflict (already_ended)."""
    require_member(actor)
    get_judge(actor, check.judge_version.judge_id)

    def record() -> None:
        conclude_check(check.pk)
        record_event(actor=actor, action="golden_check_cancelled", subject=check, name=check.golden_set.name)

    lifecycle.cancel_once(check, what="the check", record=record)
    return check


def reschedule_golden_set(*, golden_set: GoldenSet, actor: Actor, every_days: int | None) -> GoldenSet:
    """Set after how many days a set is checked again, None for by hand alone. Raise Forbidden, NotFound or Invalid."""
    require_member(actor)
    get_judge(actor, golden_set.judge_id)
    days = _checked_interval(every_days)
    with transaction.atomic():
        held = _held(golden_set)
        held.every_days = days
        held.save(update_fields=["every_days"])
        record_event(actor=actor, action="golden_set_rescheduled", subject=held, detail={"every_days": days})
    return held


def delete_golden_set(*, golden_set: GoldenSet, actor: Actor) -> None:
    """Delete a set with all its checks. Raise Forbidden, NotFound or Conflict (check_under_way)."""
    require_member(actor)
    get_judge(actor, golden_set.judge_id)
    with transaction.atomic():
        held = _held(golden_set)
        if held.checks.filter(status__in=ACTIVE_STATUSES).exists():
            raise Conflict("a check of this golden set is under way; cancel it first", code="check_under_way")
        record_event(actor=actor, action="golden_set_deleted", subject=held)
        # Tens of thousands of rows after a year: statements, each table before the ones it refers to.
        for rows in (
            GoldenItem.objects.filter(golden_check__golden_set=held),
            Call.objects.filter(golden_check__golden_set=held),
        ):
            rows._raw_delete(using="default")
        held.delete()


def _held(golden_set: GoldenSet) -> GoldenSet:
    held = GoldenSet.objects.select_for_update(no_key=True).filter(pk=golden_set.pk).first()
    if held is None:
        raise NotFound("no such golden set")
    return held


def _checked_name(name: str) -> str:
    name = name.strip()
    if not 0 < len(name) <= MAX_NAME or not name.isprintable():
        message = f"1 to {MAX_NAME} printable characters"
        raise Invalid(f"a name has {message}", errors={"name": [message]})
    return name


def _checked_interval(days: int | None) -> int | None:
    return None if days is None else _within("every_days", days, 1, MAX_GOLDEN_INTERVAL_DAYS)


def _within(field: str, value: int, least: int, most: int) -> int:
    if not least <= value <= most:
        message = f"{least} to {most}"
        raise Invalid(f"{field} is {message}", errors={field: [message]})
    return value
