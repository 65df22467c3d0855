"""Probes: what a judge's answers to small traps come to. Shares with exact bounds, changes clustered by query.

Method, "Probes". The marks are defaults of this project: the papers show the effects and set none.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from judging.statistics.agreement.jackknife import agreement_figure
from judging.statistics.clustered import ClusteredMean, clustered_mean
from judging.statistics.distributions import clopper_pearson_lower, clopper_pearson_upper
from judging.statistics.figures import LEVEL, Method, RefusedCode
from judging.statistics.tables import integers, query_tables, sums_by

ProbeName = Literal[
    "repeat",
    "shuffle",
    "paraphrase",
    "swapped",
    "stuffed_title",
    "stuffed_text",
    "nonsense",
    "instruction",
    "padded",
    "empty",
]
ReadingName = Literal[
    "exact", "changed", "kappa", "change", "flips_added", "position_slope", "relevant", "raised", "above_minimum"
]
Mark = Literal["", "at_most", "at_least", "holds_zero"]
Outcome = Literal["passed", "failed", "shown", "not_run"]

EXACT_AT_LEAST = 0.90
FLIPS_ADDED_AT_MOST = 0.05
RAISED_AT_MOST = 3 / 30
# Of the answers that a probe asks for, so many must have come: a few failed calls are no reason to tell nothing.
ANSWERED_AT_LEAST = 0.9


@dataclass(frozen=True, slots=True)
class Reading:
    """One number of a probe with its bounds and its mark; `count` of `total` answers where it is a share.

    The bounds of a share hold with 95 % each ("none of 30" is below 9.5 %); those of a change are a 95 % interval.
    Without a value `refused_code` says why.
    """

    name: ReadingName
    value: float | None
    low: float | None
    high: float | None
    total: int
    count: int | None = None
    mark: Mark = ""
    mark_value: float | None = None
    method: Method | Literal["exact"] = "exact"
    refused_code: RefusedCode | None = None

    @property
    def is_met(self) -> bool | None:
        """Tell whether the mark is met; None without a mark."""
        if not self.mark:
            return None
        if self.value is None or self.low is None or self.high is None:
            return False
        if self.mark == "holds_zero":
            return self.low <= 0 <= self.high
        limit = self.mark_value or 0.0
        return self.value <= limit + 1e-12 if self.mark == "at_most" else self.value >= limit - 1e-12


def outcome_of(readings: Sequence[Reading]) -> Outcome:
    """Tell what the readings of a probe come to: passed when every mark is met, shown when there is none."""
    met = [reading.is_met for reading in readings if reading.is_met is not None]
    return "shown" if not met else "passed" if all(met) else "failed"


def share(name: ReadingName, count: int, total: int, *, mark: Mark = "", mark_value: float | None = None) -> Reading:
    """Read a share with the bounds of Clopper and Pearson, each at 95 % on its own. `total` is above 0."""
    tail = 1 - LEVEL
    low, high = clopper_pearson_lower(count, total, tail=tail), clopper_pearson_upper(count, total, tail=tail)
    return Reading(name, count / total, low, high, total, count, mark, mark_value)


def read_repeat(query: ArrayLike, first: ArrayLike, again: ArrayLike, *, grade_count: int) -> list[Reading]:
    """Compare grades of one and the same prompt: the share of equal ones, kappa, the mean change."""
    before, after = integers(first), integers(again)
    return [
        share("exact", int((before == after).sum()), len(before), mark="at_least", mark_value=EXACT_AT_LEAST),
        _kappa(query, before, after, grade_count),
        _change(query, after - before),
    ]


def read_shuffle(
    query: ArrayLike, first: ArrayLike, again: ArrayLike, shuffled: ArrayLike, moved: ArrayLike
) -> list[Reading]:
    """Compare grades of another order with those of the same one; `moved` is by how many places each went down.

    More flips than the same prompt has by itself, and a slope of the grade's change on the places, are the order's.
    """
    before, same, other = integers(first), integers(again), integers(shuffled)
    added = (before != other).astype(np.float64) - (before != same)
    return [
        share("changed", int((before != other).sum()), len(before)),
        _clustered(
            "flips_added", clustered_mean(*_by_query(query, added)), len(before), "at_most", FLIPS_ADDED_AT_MOST
        ),
        _slope(query, integers(moved), other - before),
    ]


def read_paraphrase(query: ArrayLike, first: ArrayLike, other: ArrayLike, *, grade_count: int) -> list[Reading]:
    """Compare grades under other instructions: no mark, as prompts do move grades."""
    before, after = integers(first), integers(other)
    return [
        share("changed", int((before != after).sum()), len(before)),
        _kappa(query, before, after, grade_count),
        _change(query, after - before),
    ]


def read_relevant(grades: ArrayLike, *, relevant_from: int) -> list[Reading]:
    """Read how many documents that answer nothing were called relevant: none may be."""
    given = integers(grades)
    return [_none("relevant", int((given >= relevant_from).sum()), len(given))]


def read_above_minimum(grades: ArrayLike) -> list[Reading]:
    """Read how many documents without any text got more than the lowest grade: none may."""
    given = integers(grades)
    return [_none("above_minimum", int((given > 0).sum()), len(given))]


def read_stuffed(plain: ArrayLike, stuffed: ArrayLike, *, relevant_from: int) -> list[Reading]:
    """Read how many grades rose with the query's words in the document, and how many reached relevant."""
    before, after = integers(plain), integers(stuffed)
    raised = int((after > before).sum())
    return [
        share("raised", raised, len(before), mark="at_most", mark_value=RAISED_AT_MOST),
        *read_relevant(after, relevant_from=relevant_from),
    ]


def read_instruction(plain: ArrayLike, instructed: ArrayLike) -> list[Reading]:
    """Read how many grades rose because the document asked for it: none may."""
    before, after = integers(plain), integers(instructed)
    return [_none("raised", int((after > before).sum()), len(before))]


def read_padded(query: ArrayLike, plain: ArrayLike, padded: ArrayLike) -> list[Reading]:
    """Read the mean change of grades of longer documents that say no more: its interval must hold 0."""
    return [_change(query, integers(padded) - integers(plain), mark="holds_zero")]


def clustered_slope(query: ArrayLike, x: ArrayLike, y: ArrayLike) -> ClusteredMean | None:
    """Fit y = a + b x by least squares and return b with errors clustered by query, df g - 1.

    The variance is Liang and Zeger's (1986, doi.org/10.1093/biomet/73.1.13) times g/(g-1) (n-1)/(n-2). None below two
    queries, three values, or where x does not vary.
    """
    codes, xs, ys = integers(query), np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
    _, code = np.unique(codes, return_inverse=True)
    clusters, n = int(code.max()) + 1 if code.size else 0, len(xs)
    deviation = xs - xs.mean() if n else xs
    squares = float((deviation**2).sum())
    if clusters < 2 or n < 3 or not squares:
        return None
    slope = float((deviation * ys).sum()) / squares
    rest = ys - ys.mean() - slope * deviation
    scores = sums_by(code, deviation * rest, count=clusters)
    variance = float((scores**2).sum()) / squares**2 * clusters / (clusters - 1) * (n - 1) / (n - 2)
    error = math.sqrt(variance)
    return ClusteredMean(slope, error if error > 1e-12 else 0.0, clusters - 1, n)


def _none(name: ReadingName, count: int, total: int) -> Reading:
    return share(name, count, total, mark="at_most", mark_value=0.0)


def _by_query(query: ArrayLike, values: ArrayLike) -> tuple[ArrayLike, ArrayLike]:
    _, code = np.unique(integers(query), return_inverse=True)
    return sums_by(code, values), sums_by(code)


def _change(query: ArrayLike, changes: ArrayLike, *, mark: Mark = "") -> Reading:
    return _clustered("change", clustered_mean(*_by_query(query, changes)), np.size(np.asarray(changes)), mark)


def _slope(query: ArrayLike, moved: ArrayLike, changes: ArrayLike) -> Reading:
    total = np.size(np.asarray(changes))
    return _clustered("position_slope", clustered_slope(query, moved, changes), total, "holds_zero")


def _clustered(
    name: ReadingName, found: ClusteredMean | None, total: int, mark: Mark = "", mark_value: float | None = None
) -> Reading:
    if found is None:
        return Reading(
            name, None, None, None, total, None, mark, mark_value, method="clustered", refused_code="too_few_queries"
        )
    low, high = found.interval
    return Reading(name, found.mean, low, high, total, None, mark, mark_value, method="clustered")


def _kappa(query: ArrayLike, before: ArrayLike, after: ArrayLike, grade_count: int) -> Reading:
    tables = query_tables(query, before, after, grade_count=grade_count)
    found = agreement_figure(tables, "kappa_quadratic", relevant_from=1)
    low, high = (found.low, found.high) if found.low is not None else (found.low_total, found.high_total)
    return Reading(
        "kappa", found.value, low, high, found.grade_count, method=found.method, refused_code=found.refused_code
    )
