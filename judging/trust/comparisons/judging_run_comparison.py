"""Two judging runs or judge versions on the candidates they share: what changed, and what follows for the metrics.

Nobody need have graded. What a difference means, people's grades decide; how sure it is, the spread over queries.
Method, "Two judge versions on the same candidates".
"""

from dataclasses import asdict, dataclass, replace
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np

from judging.foundation.errors import Conflict
from judging.metrics import parse_metric, score_query
from judging.models import Candidate, EvaluationRun
from judging.statistics.agreement.jackknife import MIN_QUERIES, ROUGH_BELOW_QUERIES, agreement_figure
from judging.statistics.figures import Figure, Method, RefusedCode, refused
from judging.statistics.flips import Flips, count_flips, equal_distribution, signed_change
from judging.statistics.paired import difference_figure
from judging.statistics.tables import Flags, Floats, Integers, query_tables
from judging.trust.comparisons.judged_sides import ComparedSide
from judging.trust.judged_items import pair_keys

_ROWS = 5000


@dataclass(frozen=True, eq=False)
class SharedPairs:
    """The (query, document) pairs that both sides graded, one entry each: grades and item keys of both."""

    queries: Integers
    documents: Integers
    old: Integers
    new: Integers
    old_items: Integers
    new_items: Integers

    @property
    def change(self) -> Integers:
        return self.new - self.old

    def __len__(self) -> int:
        return len(self.queries)

    def where(self, kept: Flags) -> "SharedPairs":
        """Return some of them, in the same order."""
        columns = (self.queries, self.documents, self.old, self.new, self.old_items, self.new_items)
        return SharedPairs(*(column[kept] for column in columns))


@dataclass(frozen=True, eq=False)
class JudgingRunComparison:
    """What changed from the old side to the new one. Counts stand always, figures from ten queries on.

    `only_old_count` and `only_new_count` are graded by one side alone and left out of everything else.
    """

    old: ComparedSide
    new: ComparedSide
    pairs: SharedPairs
    only_old_count: int
    only_new_count: int

    @property
    def grade_count(self) -> int:
        """How many grades the scale has."""
        return self.new.run.grading_scale.maximum + 1

    @cached_property
    def _tables(self) -> Floats:
        return query_tables(self.pairs.queries, self.pairs.old, self.pairs.new, grade_count=self.grade_count)

    @cached_property
    def flips(self) -> Flips:
        return count_flips(self._tables) if len(self.pairs) else Flips(0, 0, 0, np.zeros((self.grade_count,) * 2))

    @property
    def query_count(self) -> int:
        """How many queries have a pair."""
        return len(self._tables)

    @property
    def matrix(self) -> list[list[int]]:
        """Return how many pairs had each old grade (rows) and each new one (columns)."""
        return [[round(count) for count in row] for row in self.flips.matrix]

    @cached_property
    def kappa(self) -> Figure:
        """Weighted kappa between the two, with its jackknife interval."""
        if self._is_empty:
            return self._nothing("jackknife_by_query")
        return agreement_figure(self._tables, "kappa_quadratic", relevant_from=self.new.run.relevant_from)

    @cached_property
    def signed_change(self) -> Figure:
        """The mean of new minus old in grades, clustered by query.

        Refused below ten queries (`too_few_queries`), and where each query changed alike but not by 0 (`no_variance`).
        """
        found = signed_change(self._tables)
        if self._is_empty or found is None or self.query_count < MIN_QUERIES:
            return self._nothing("clustered")
        if not found.standard_error and found.mean:
            return self._nothing("clustered", no_variance=True)
        low, high = found.interval
        count = self.query_count
        return Figure(
            found.mean, low, high, low, high, "clustered", count, len(self.pairs), is_rough=count < ROUGH_BELOW_QUERIES
        )

    @cached_property
    def distribution_p(self) -> float | None:
        """How often chance alone would make the two use the grades this differently; None where that can't be told."""
        if self.query_count < MIN_QUERIES:
            return None
        found = equal_distribution(self._tables)
        return None if found is None else found.p_value

    @cached_property
    def metrics(self) -> dict[str, Figure]:
        """Each metric of the new side's evaluation run: new minus old, when that side's shared grades alone count."""
        names = self.new.run.metrics
        if self._is_empty:
            return {name: self._nothing("paired_by_query") for name in names}
        old, new = metric_values(read_rankings(self.new.run), self.pairs, like=self.new.run)
        differences = new - old
        return {
            name: replace(difference_figure(differences[:, index]), grade_count=len(self.pairs))
            for index, name in enumerate(names)
        }

    @property
    def _is_empty(self) -> bool:
        return not len(self.pairs)

    def _nothing(self, method: Method, *, no_variance: bool = False) -> Figure:
        is_one_ungraded = not len(self.pairs) and not (self.only_old_count and self.only_new_count)
        code: RefusedCode = "no_variance" if no_variance else "no_ai_grades" if is_one_ungraded else "too_few_queries"
        return refused(code, method=method, query_count=self.query_count, grade_count=len(self.pairs))

    def as_dict(self) -> dict[str, Any]:
        """Return it as the API has it."""
        flips = self.flips
        return {
            "compared_count": flips.compared_count,
            "changed_count": flips.changed_count,
            "up_count": flips.up_count,
            "down_count": flips.down_count,
            "only_old_count": self.only_old_count,
            "only_new_count": self.only_new_count,
            "matrix": self.matrix,
            "kappa_quadratic": asdict(self.kappa),
            "signed_change": asdict(self.signed_change),
            "distribution_p": self.distribution_p,
            "metrics": {name: asdict(figure) for name, figure in self.metrics.items()},
        }


def compare_judging(old: ComparedSide, new: ComparedSide) -> JudgingRunComparison:
    """Compare two sides pair by pair, whichever evaluation runs they belong to. Raise Conflict (scales_differ)."""
    if old.run.scale != new.run.scale:
        raise Conflict("the two graded on different scales", code="scales_differ")
    rows = old.read(), new.read()
    pairs = shared_pairs(*rows)
    return JudgingRunComparison(old, new, pairs, len(rows[0]) - len(pairs), len(rows[1]) - len(pairs))


def shared_pairs(old: Integers, new: Integers) -> SharedPairs:
    """Return the pairs of two tables of rows, as sides are read, by query and document."""
    keys = pair_keys(np.concatenate([old, new]))
    _, of_old, of_new = np.intersect1d(keys[: len(old)], keys[len(old) :], assume_unique=True, return_indices=True)
    before, after = old[of_old], new[of_new]
    return SharedPairs(before[:, 0], before[:, 1], before[:, 2], after[:, 2], before[:, 3], after[:, 3])


Rankings: TypeAlias = dict[int, list[int]]


def read_rankings(run: EvaluationRun) -> Rankings:
    """Return the documents of each of a run's queries, in rank order."""
    ranked: Rankings = {}
    rows = Candidate.objects.filter(run=run).order_by("position", "rank").values_list("query_id", "document_id")
    for query_id, document_id in rows.iterator(chunk_size=_ROWS):
        ranked.setdefault(query_id, []).append(document_id)
    return ranked


def metric_values(ranked: Rankings, pairs: SharedPairs, *, like: EvaluationRun) -> tuple[Floats, Floats]:
    """Compute the metrics of the run it is `like` on rankings, with the old and with the new grades of `pairs` alone.

    Two arrays of shape (queries with a pair, metrics). As nothing else counts, what neither side graded is unjudged in
    both, so a difference comes from the grades alone.
    """
    metrics = [parse_metric(name) for name in like.metrics]
    starts = np.flatnonzero(np.diff(pairs.queries, prepend=-1))
    ends = np.append(starts[1:], len(pairs))
    sides: tuple[list[list[float]], list[list[float]]] = ([], [])
    for start, end in zip(starts, ends, strict=True):
        documents = pairs.documents[start:end].tolist()
        returned = ranked.get(int(pairs.queries[start]), [])
        for grades, values in zip((pairs.old, pairs.new), sides, strict=True):
            given = dict(zip(documents, grades[start:end].tolist(), strict=True))
            score = score_query(
                metrics,
                returned,
                given,
                scale_maximum=like.grading_scale.maximum,
                relevant_from=like.relevant_from,
            )
            values.append([score.values[metric.name] or 0.0 for metric in metrics])
    old, new = (np.array(values, dtype=np.float64).reshape(-1, len(metrics)) for values in sides)
    return old, new


def changed_rows(
    comparison: JudgingRunComparison, *, change: str = "changed", cell: tuple[int, int] | None = None
) -> Integers:
    """Return which of the shared pairs are wanted, the largest change first.

    `cell` is an old and a new grade; else `change` is "all", "changed", "up" or "down".
    """
    pairs = comparison.pairs
    difference = pairs.change
    wanted: dict[str, Flags] = {
        "all": np.ones(len(pairs), dtype=np.bool_),
        "up": difference > 0,
        "down": difference < 0,
    }
    chosen = wanted.get(change, difference != 0) if cell is None else (pairs.old == cell[0]) & (pairs.new == cell[1])
    found = np.flatnonzero(chosen)
    return np.asarray(found[np.lexsort((pairs.new_items[found], -np.abs(difference[found])))])
