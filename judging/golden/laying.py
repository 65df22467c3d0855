"""Lay the jobs of a golden set: which version is asked, beside which baseline. Part of the acts and of a check's end."""

import logging

from django.db.models import Q

from judging.foundation.errors import Conflict
from judging.golden.drawing import questions
from judging.models import (
    ACTIVE_STATUSES,
    AIJudge,
    BaselineReason,
    CheckOutcome,
    GoldenCheck,
    GoldenItem,
    GoldenSet,
    JudgeVersion,
)
from judging.records.audit import record_event
from judging.records.idempotency import Once
from judging.records.roles import Actor, require_member, user_of
from judging.work.lanes import lay_lanes

logger = logging.getLogger(__name__)

BASELINE_REPEATS = 4
_NO_KEY = Once()


def lay_check(*, golden_set: GoldenSet, actor: Actor, once: Once = _NO_KEY) -> GoldenCheck:
    """Queue a check of a set whose row is held: a baseline where there is none for the judge's current version.

    Raise Forbidden or Conflict (judge_archived, check_under_way).
    """
    require_member(actor)
    judge = AIJudge.objects.select_for_update(no_key=True).get(pk=golden_set.judge_id)
    if judge.archived_at is not None:
        raise Conflict("the judge was deleted; it is kept for its runs", code="judge_archived")
    if golden_set.checks.filter(status__in=ACTIVE_STATUSES).exists():
        raise Conflict("a check of this golden set is under way; wait for it, or cancel it", code="check_under_way")
    version = JudgeVersion.objects.get(judge=judge, number=judge.version)
    baseline, reason = _baseline(golden_set, version)
    check = GoldenCheck.objects.create(
        golden_set=golden_set,
        judge_version=version,
        is_baseline=baseline is None,
        baseline_reason=reason,
        baseline=baseline,
        idempotency_key=once.key,
        request_hash=once.request_hash,
        created_by=user_of(actor),
    )
    repeats = 1 if baseline else BASELINE_REPEATS
    planned = list(
        questions(list(golden_set.pairs.order_by("position")), repeats=repeats, batch_size=version.batch_size)
    )
    GoldenItem.objects.bulk_create(
        [
            GoldenItem(golden_check=check, pair_id=each.pair_id, repeat=each.repeat, prompt_number=each.prompt_number)
            for each in planned
        ],
        batch_size=1000,
    )
    check.total_count, check.prompt_count = len(planned), planned[-1].prompt_number
    check.save(update_fields=["total_count", "prompt_count"])
    action = "golden_baseline_started" if check.is_baseline else "golden_check_started"
    record_event(
        actor=actor,
        action=action,
        subject=check,
        name=golden_set.name,
        detail={"judge": version.label, "reason": reason},
    )
    lay_lanes(check, version.max_concurrency)
    logger.info("golden check %s queued: %s questions, judge %s", check.pk, len(planned), version.label)
    return check


def _baseline(golden_set: GoldenSet, version: JudgeVersion) -> tuple[GoldenCheck | None, str]:
    """Return the baseline that holds for a version, or None and why another has to begin."""
    latest = golden_set.checks.filter(is_baseline=True).order_by("-created_at", "-pk").first()
    if latest is None:
        return None, BaselineReason.FIRST
    if latest.judge_version_id != version.pk:
        return None, BaselineReason.VERSION_CHANGED
    if latest.outcome != CheckOutcome.BASELINE:
        return None, BaselineReason.INCOMPLETE
    # Also one whose new baseline could not begin at the time.
    changed = Q(outcome=CheckOutcome.MODEL_CHANGED, baseline=latest)
    if golden_set.checks.filter(changed).exists():
        return None, BaselineReason.MODEL_CHANGED
    return latest, ""
