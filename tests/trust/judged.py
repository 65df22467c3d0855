"""Judging runs with the outcomes a test wants, written in bulk."""

from collections.abc import Sequence
from itertools import groupby
from operator import attrgetter
from typing import Any

from judging.models import AIJudge, Candidate, EvaluationRun, ItemStatus, JudgingItem, JudgingRun
from tests.factories import make_judge

Rows = Sequence[Sequence[int | None]]  # grades by query and rank; None: it failed


def make_judged_run(run: EvaluationRun, rows: Rows, *, judge: AIJudge | None = None, **fields: Any) -> JudgingRun:
    """Make a completed judging run that gave these grades; fewer rows or columns than the run has: not in its scope."""
    version = (judge or make_judge()).versions.order_by("-number").first()
    assert version is not None
    candidates = Candidate.objects.filter(run=run).order_by("position", "rank")
    by_query = zip(rows, (list(lists) for _, lists in groupby(candidates, attrgetter("position"))), strict=False)
    items = [(row, grades[row.rank - 1]) for grades, found in by_query for row in found if row.rank <= len(grades)]
    judged = sum(grade is not None for _, grade in items)
    judging_run = JudgingRun.objects.create(
        evaluation_run=run,
        judge_version=version,
        status="completed",
        max_concurrency=1,
        total_count=len(items),
        judged_count=judged,
        failed_count=len(items) - judged,
        **{"trial": True, **fields},
    )
    JudgingItem.objects.bulk_create(
        JudgingItem(
            judging_run=judging_run,
            candidate=row,
            run_query_id=row.run_query_id,
            prompt_number=1,
            status=ItemStatus.JUDGED if grade is not None else ItemStatus.FAILED,
            grade=grade,
            reasoning=f"{version.label} says {grade}" if grade is not None else "",
            failure_code="" if grade is not None else "unparseable",
        )
        for row, grade in items
    )
    return judging_run
