"""How alike two runs' lists are, query by query. No grade counts here."""

from dataclasses import dataclass

import numpy as np

from judging.foundation.errors import Invalid
from judging.foundation.limits import MAX_PERSISTENCE, MIN_PERSISTENCE
from judging.metrics.list_similarity import compare_lists
from judging.metrics.names import MAX_CUTOFF
from judging.statistics.tables import Flags, Floats, Integers
from judging.trust.comparisons.queries.paired_lists import RankedLists

DEFAULT_K = 10


@dataclass(frozen=True, eq=False)
class ListFigures:
    """How alike two runs' lists are by shared query, and how long each is, whatever their documents are worth."""

    length_a: Integers
    length_b: Integers
    rbo: Floats
    jaccard: Floats
    entered: Integers
    left: Integers
    moved: Integers
    has_ties: Flags


def check_list_measure(k: int | None, p: float) -> None:
    """Raise Invalid for a k or a p out of bounds."""
    if k is not None and not 1 <= k <= MAX_CUTOFF:
        raise Invalid(f"k is a whole number from 1 to {MAX_CUTOFF}", errors={"k": [f"1 to {MAX_CUTOFF}"]})
    if not MIN_PERSISTENCE <= p <= MAX_PERSISTENCE:
        bounds = f"a number from {MIN_PERSISTENCE} to {MAX_PERSISTENCE}"
        raise Invalid(f"p is {bounds}", errors={"p": [bounds]})


def list_figures(a: RankedLists, b: RankedLists, *, k: int, p: float) -> ListFigures:
    """Compare b's lists with a's; both are of the same queries."""
    documents_a, documents_b = a.documents.tolist(), b.documents.tolist()
    starts_a, starts_b = a.starts.tolist(), b.starts.tolist()
    found = [
        compare_lists(
            documents_a[starts_a[code] : starts_a[code + 1]],
            documents_b[starts_b[code] : starts_b[code + 1]],
            k=k,
            p=p,
        )
        for code in range(len(a.query_ids))
    ]
    return ListFigures(
        length_a=np.diff(a.starts),
        length_b=np.diff(b.starts),
        rbo=np.array([each.rbo for each in found], dtype=np.float64),
        jaccard=np.array([each.jaccard for each in found], dtype=np.float64),
        entered=np.array([each.entered for each in found], dtype=np.int64),
        left=np.array([each.left for each in found], dtype=np.int64),
        moved=np.array([each.moved for each in found], dtype=np.int64),
        has_ties=a.has_ties | b.has_ties,
    )
