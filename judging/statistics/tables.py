"""Tables of grade pairs, one per query: what every figure of agreement is computed from."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Flags = NDArray[np.bool_]


def integers(values: ArrayLike) -> Integers:
    """Read whole numbers as an array; raise `ValueError` when one of them is none."""
    array = np.asarray(values)
    if array.size and not np.issubdtype(array.dtype, np.integer) and not np.issubdtype(array.dtype, np.bool_):
        raise ValueError(f"whole numbers are wanted, not {array.dtype}")
    return array.astype(np.int64)


def sums_by(code: Integers, values: ArrayLike | None = None, *, count: int = 0) -> Floats:
    """Sum values (ones unless given) by code, shape (count,) or as long as the codes ask for."""
    weights = None if values is None else np.asarray(values, dtype=np.float64)
    return np.bincount(code, weights=weights, minlength=count).astype(np.float64)


def query_tables(
    query: ArrayLike, a: ArrayLike, b: ArrayLike, *, grade_count: int, weights: ArrayLike | None = None
) -> Floats:
    """Count pairs of grades by query: shape (queries, G, G), rows a, columns b.

    `query`, `a`, `b` hold one whole number per pair: any code of its query, and the two grades, 0 to G - 1.
    `weights` are 1 unless given (1 / inclusion probability of a sample). Queries stand in the order of their codes,
    only those with a pair. Method, "Figures": T_q. Raises `ValueError` for grades outside the scale and for arrays
    of different lengths.
    """
    queries, rows, columns = integers(query), integers(a), integers(b)
    if not len(queries) == len(rows) == len(columns):
        raise ValueError("query, a and b hold one entry per pair each")
    for side in (rows, columns):
        if side.size and not (side.min() >= 0 and side.max() < grade_count):
            raise ValueError(f"grades outside 0 to {grade_count - 1}")
    _, code = np.unique(queries, return_inverse=True)
    query_count = int(code.max()) + 1 if code.size else 0
    counts = sums_by((code * grade_count + rows) * grade_count + columns, weights, count=query_count * grade_count**2)
    return counts.reshape(query_count, grade_count, grade_count)


def relevance_tables(tables: ArrayLike, relevant_from: int) -> Floats:
    """Fold G x G tables (leading axes stay) to 2 x 2: index 0 below `relevant_from`, 1 from there on.

    Raises `ValueError` when `relevant_from` leaves nothing on one side.
    """
    whole = np.asarray(tables, dtype=np.float64)
    if not 1 <= relevant_from < whole.shape[-1]:
        raise ValueError(f"relevant_from is 1 to {whole.shape[-1] - 1}, not {relevant_from}")
    cuts = [0, relevant_from]
    return np.asarray(np.add.reduceat(np.add.reduceat(whole, cuts, axis=-1), cuts, axis=-2), dtype=np.float64)


def mean_grade(sums: ArrayLike, counts: ArrayLike) -> Integers:
    """Round the mean of several people's grades half up, without floating point: (2 sum + count) // (2 count).

    `counts` are 1 or more. The rule of the product for a candidate with several people.
    """
    total, count = integers(sums), integers(counts)
    return (2 * total + count) // (2 * count)
