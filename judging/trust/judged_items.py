"""What judging runs and judge versions said, as arrays: their items, whether or not these ever became judgments."""

from typing import Any

import numpy as np
from django.db.models import Max, QuerySet

from judging.models import EvaluationRun, ItemStatus, JudgeVersion, JudgingItem, JudgingRun
from judging.statistics.tables import Integers

_ROWS = 5000
_COLUMNS = ("candidate__query_id", "candidate__document_id", "grade", "pk")


def items_of_judging_run(judging_run: JudgingRun) -> "QuerySet[JudgingItem]":
    """Return the items of a judging run that have a grade."""
    return JudgingItem.objects.filter(judging_run=judging_run, status=ItemStatus.JUDGED)


def items_of_judge_version(version: JudgeVersion, run: EvaluationRun) -> "QuerySet[JudgingItem]":
    """Return the newest graded item of a judge version for each candidate of a run, trials included."""
    judged = JudgingItem.objects.filter(
        judging_run__judge_version=version, judging_run__evaluation_run=run, status=ItemStatus.JUDGED
    )
    newest = judged.order_by().values("candidate_id").annotate(newest=Max("pk")).values("newest")
    return JudgingItem.objects.filter(pk__in=newest)


def read_items(items: "QuerySet[JudgingItem]") -> Integers:
    """Read items as rows of query, document, grade and item key: shape (items, 4)."""
    rows: Any = items.order_by().values_list(*_COLUMNS)
    dtype = np.dtype([(f"f{index}", np.int64) for index in range(len(_COLUMNS))])
    table = np.fromiter(rows.iterator(chunk_size=_ROWS), dtype=dtype)
    return np.asarray(table.view(np.int64).reshape(-1, len(_COLUMNS)))
