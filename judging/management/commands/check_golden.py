"""`manage.py check_golden`: whether judges still grade their golden sets as they used to."""

import json
from typing import Any

from django.core.management.base import CommandError, CommandParser

from judging.foundation.errors import DomainError
from judging.golden.acts import start_due_checks, start_golden_check
from judging.golden.conclusions import conclude_check
from judging.golden.reads import golden_sets
from judging.management.arguments import get_by_id_or_name
from judging.management.command import BaseCommand
from judging.management.inline import work_inline
from judging.models import ACTIVE_STATUSES, CheckOutcome, GoldenCheck
from judging.records.roles import SYSTEM

INCOMPLETE, ALARM = 1, 3


class Command(BaseCommand):
    help = (
        "Check golden sets and wait for what comes of it, in this process where no worker is faster. Ends with 0 when no "
        "judge drifts, 3 when one does, 1 when a check could not be made or said nothing, and none drifts. A new "
        "baseline counts as no drift."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("sets", nargs="*", metavar="SET", help="ids or names; default: every set")
        parser.add_argument("--due", action="store_true", help="only those whose days are over")
        parser.add_argument("--json", action="store_true", help="print the checks as JSON and nothing else")

    def handle(self, *args: Any, **options: Any) -> None:
        started, refused_count = self._started(options["sets"], is_due=options["due"])
        for check in started:
            work_inline(check, self.stderr)
            conclude_check(check.pk)  # a worker that ended it may be a moment behind
            # Where another model answered, a new baseline has begun.
            following = check.golden_set.checks.filter(status__in=ACTIVE_STATUSES, is_baseline=True).first()
            if following is not None and following != check:
                work_inline(following, self.stderr)
        ended = list(
            GoldenCheck.objects.filter(pk__in=[check.pk for check in started])
            .select_related("golden_set", "judge_version")
            .order_by("created_at", "pk")
        )
        if options["json"]:
            self.stdout.write(json.dumps([_described(check) for check in ended], indent=2))
        else:
            for check in ended:
                self.stdout.write(_line(check))
            if not ended and not refused_count:
                self.stdout.write("No golden set is due." if options["due"] else "There is no golden set to check.")
        outcomes = {check.outcome for check in ended}
        if CheckOutcome.ALARM in outcomes:
            raise SystemExit(ALARM)
        if refused_count or outcomes & {"", CheckOutcome.INCOMPLETE}:
            raise SystemExit(INCOMPLETE)

    def _started(self, names: list[str], *, is_due: bool) -> tuple[list[GoldenCheck], int]:
        """Start what was asked for; return the checks, and how many sets refused and were told of."""
        if is_due:
            if names:
                raise CommandError("--due takes every set that is due; name none")
            return start_due_checks(actor=SYSTEM), 0
        sets = golden_sets(SYSTEM).filter(judge__archived_at=None)
        chosen = [get_by_id_or_name(sets, name) for name in names] if names else list(sets.order_by("created_at", "pk"))
        started: list[GoldenCheck] = []
        for golden_set in chosen:
            try:
                started.append(start_golden_check(golden_set=golden_set, actor=SYSTEM))
            except DomainError as error:
                self.stderr.write(f"{golden_set.name}: {error.message}")
        return started, len(chosen) - len(started)


def _line(check: GoldenCheck) -> str:
    """Say on one line what a check came to."""
    said = f"{check.golden_set.name}, {check.judge_version.label}: {check.get_outcome_display()}"
    if check.shift is None:
        return f"{said}. {check.error}".rstrip(". ") + "."
    measured = "" if check.z is None else f", z {check.z:+.2f}"
    return f"{said} ({check.flip_count} of {check.compared_count} grades changed, {check.shift:+.3f} on average{measured})."


def _described(check: GoldenCheck) -> dict[str, Any]:
    """Return a check under the API's names."""
    return {
        "id": str(check.pk),
        "golden_set_id": str(check.golden_set_id),
        "golden_set": check.golden_set.name,
        "ai_judge_version": check.judge_version.number,
        "is_baseline": check.is_baseline,
        "baseline_reason": check.baseline_reason,
        "status": check.status,
        "outcome": check.outcome,
        "models_returned": check.models_returned,
        "compared_count": check.compared_count,
        "shift": check.shift,
        "z": check.z,
        "flip_count": check.flip_count,
        "failed_count": check.failed_count,
        "error": check.error,
        "error_code": check.error_code,
    }
