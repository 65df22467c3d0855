"""What ended checks came to: beside their baseline, in the order of time."""

import logging
from collections.abc import Mapping
from typing import Any
from uuid import UUID

import numpy as np
from django.db import transaction

from judging.foundation.errors import Conflict
from judging.golden.laying import BASELINE_REPEATS, lay_check
from judging.models import (
    ACTIVE_STATUSES,
    Call,
    CheckOutcome,
    GoldenCheck,
    GoldenItem,
    GoldenPair,
    GoldenSet,
    ItemStatus,
    JudgingRunStatus,
)
from judging.records.roles import SYSTEM
from judging.statistics.drift import DriftCheck, check_drift, drift_baseline
from judging.statistics.tables import Floats, Integers

logger = logging.getLogger(__name__)

# Below this share of answers, a baseline or check says nothing: a failed call is no grade.
ANSWERED_AT_LEAST = 0.9
_COMPARED = (CheckOutcome.QUIET, CheckOutcome.WATCH, CheckOutcome.ALARM)


def conclude_check(check_id: UUID) -> None:
    """Store what an ended check came to, once; where another model answered, begin a new baseline. Part of its end."""
    with transaction.atomic():
        own = GoldenCheck.objects.filter(pk=check_id).values("golden_set")
        # Held, so that checks are concluded and begun one after the other.
        golden_set = GoldenSet.objects.select_for_update(no_key=True).filter(pk__in=own).first()
        check = GoldenCheck.objects.select_related("baseline").filter(pk=check_id).first()
        if golden_set is None or check is None or check.is_active or check.outcome:
            return
        found = _baseline_conclusion(check) if check.is_baseline else _check_conclusion(check)
        if not GoldenCheck.objects.filter(pk=check_id, outcome="").exclude(status__in=ACTIVE_STATUSES).update(**found):
            return
        logger.log(
            logging.WARNING if found["outcome"] == CheckOutcome.ALARM else logging.INFO,
            "golden check %s of %s: %s",
            check_id,
            golden_set.name,
            found["outcome"],
        )
        if found["outcome"] == CheckOutcome.MODEL_CHANGED:
            _begin_again(golden_set)


def conclude_forgotten_checks() -> None:
    """Conclude checks whose end was cut short."""
    ended = GoldenCheck.objects.filter(outcome="").exclude(status__in=ACTIVE_STATUSES)
    for check_id in list(ended.order_by("created_at", "pk").values_list("pk", flat=True)):
        conclude_check(check_id)


def _begin_again(golden_set: GoldenSet) -> None:
    try:
        lay_check(golden_set=golden_set, actor=SYSTEM)
    except Conflict as error:
        # The judge was deleted meanwhile, or somebody was faster: then the next check begins with the baseline.
        logger.info("no new baseline of %s: %s", golden_set.name, error.message)


def _baseline_conclusion(check: GoldenCheck) -> Mapping[str, Any]:
    grades, queries = _grades(check)
    is_whole = ~np.isnan(grades).any(axis=0)
    is_enough = check.status == JudgingRunStatus.COMPLETED and _is_enough(is_whole, queries)
    return {
        "outcome": CheckOutcome.BASELINE if is_enough else CheckOutcome.INCOMPLETE,
        "models_returned": _models_returned(check),
        "compared_count": int(is_whole.sum()),
    }


def _check_conclusion(check: GoldenCheck) -> Mapping[str, Any]:
    returned = _models_returned(check)
    nothing = {"outcome": CheckOutcome.INCOMPLETE, "models_returned": returned}
    baseline = check.baseline
    if baseline is None or check.status != JudgingRunStatus.COMPLETED:
        return nothing
    if set(returned) - set(baseline.models_returned):
        return {**nothing, "outcome": CheckOutcome.MODEL_CHANGED}
    first, queries = _grades(baseline)
    now = _grades(check)[0][0]
    is_whole = ~np.isnan(first).any(axis=0) & ~np.isnan(now)
    compared_count = int(is_whole.sum())
    if not _is_enough(is_whole, queries):
        return {**nothing, "compared_count": compared_count}
    # From the pairs at hand: a pair without an answer is left out on both sides.
    found = check_drift(drift_baseline(first[:, is_whole], queries[is_whole]), now[is_whole], _before(check))
    return {
        "outcome": CheckOutcome(found.state),
        "models_returned": returned,
        "compared_count": compared_count,
        "shift": found.shift,
        "z": found.z,
        "flip_count": found.flip_count,
        "cusum_up": found.cusum_up,
        "cusum_down": found.cusum_down,
    }


def _is_enough(is_whole: Any, queries: Integers) -> bool:
    return bool(is_whole.sum() >= ANSWERED_AT_LEAST * len(is_whole)) and len(np.unique(queries[is_whole])) > 1


def _before(check: GoldenCheck) -> DriftCheck | None:
    """Return the check of the same baseline before this one, for the sums of small shifts."""
    earlier = GoldenCheck.objects.filter(
        golden_set_id=check.golden_set_id,
        baseline=check.baseline,
        outcome__in=_COMPARED,
        created_at__lt=check.created_at,
    )
    last = earlier.order_by("-created_at", "-pk").first()
    if last is None:
        return None
    return DriftCheck(last.shift or 0.0, last.z, last.flip_count or 0, last.cusum_up, last.cusum_down, "quiet")


def _grades(check: GoldenCheck) -> tuple[Floats, Integers]:
    """Return grades, shape (judgings, pairs), NaN where there is none; and each pair's query as a number."""
    pairs = list(
        GoldenPair.objects.filter(golden_set_id=check.golden_set_id)
        .order_by("position")
        .values_list("pk", "run_query_id")
    )
    places = {pk: place for place, (pk, _) in enumerate(pairs)}
    codes: dict[object, int] = {}
    queries = np.array([codes.setdefault(query_id, len(codes)) for _, query_id in pairs], dtype=np.int64)
    grades = np.full((BASELINE_REPEATS if check.is_baseline else 1, len(pairs)), np.nan)
    judged = GoldenItem.objects.filter(golden_check=check, status=ItemStatus.JUDGED)
    for pair_id, repeat, grade in judged.values_list("pair_id", "repeat", "grade"):
        grades[repeat, places[pair_id]] = grade
    return grades, queries


def _models_returned(check: GoldenCheck) -> list[str]:
    names = Call.objects.filter(golden_check=check).exclude(model="").order_by("model")
    return list(names.values_list("model", flat=True).distinct())
