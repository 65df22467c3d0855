"""What judging runs and judge versions said, as arrays: their items, whether or not these ever became judgments."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from django.db.models import Max, QuerySet

from judging.models import EvaluationRun, ItemStatus, JudgeVersion, JudgingItem, JudgingRun
from judging.statistics.agreement.consensus import ConsensusMethod, consensus_grades
from judging.statistics.tables import Integers

_ROWS = 5000
_COLUMNS = ("candidate__query_id", "candidate__document_id", "grade", "pk")


def items_of_judging_run(judging_run: JudgingRun) -> "QuerySet[JudgingItem]":
    """Return the items of a judging run that have a grade."""
    return JudgingItem.objects.filter(judging_run=judging_run, status=ItemStatus.JUDGED)


def items_of_judge_version(version: JudgeVersion, *runs: EvaluationRun) -> "QuerySet[JudgingItem]":
    """Return the newest graded item of a judge version for each pair of some runs, trials included."""
    judged = JudgingItem.objects.filter(
        judging_run__judge_version=version, judging_run__evaluation_run__in=runs, status=ItemStatus.JUDGED
    )
    pairs = judged.order_by().values("candidate__query_id", "candidate__document_id")
    return JudgingItem.objects.filter(pk__in=pairs.annotate(newest=Max("pk")).values("newest"))


def read_items(items: "QuerySet[JudgingItem]") -> Integers:
    """Read items as rows of query, document, grade and item key: shape (items, 4)."""
    rows: Any = items.order_by().values_list(*_COLUMNS)
    dtype = np.dtype([(f"f{index}", np.int64) for index in range(len(_COLUMNS))])
    table = np.fromiter(rows.iterator(chunk_size=_ROWS), dtype=dtype)
    return np.asarray(table.view(np.int64).reshape(-1, len(_COLUMNS)))


def pair_keys(rows: Integers) -> Integers:
    """Number rows by query and document, in the order of both: equal pairs get equal numbers."""
    documents, document_codes = np.unique(rows[:, 1], return_inverse=True)
    _, query_codes = np.unique(rows[:, 0], return_inverse=True)
    return np.asarray(query_codes.reshape(-1) * max(len(documents), 1) + document_codes.reshape(-1))


def consensus_rows(tables: Sequence[Integers], *, method: ConsensusMethod) -> Integers:
    """Return the consensus of judges' rows, as `read_items` gives them; the item is the first of a judge who said the same."""
    rows = np.concatenate(tables)
    keys, first, places = np.unique(pair_keys(rows), return_index=True, return_inverse=True)
    judges = np.repeat(np.arange(len(tables)), [len(table) for table in tables])
    grades, items = (np.full((len(tables), len(keys)), -1) for _ in range(2))
    grades[judges, places], items[judges, places] = rows[:, 2], rows[:, 3]
    found = consensus_grades(grades, method=method)
    sayers = (grades == found).argmax(0)
    table = np.column_stack([rows[first, :2], found, items[sayers, np.arange(len(keys))]])
    return np.asarray(table[found >= 0])
