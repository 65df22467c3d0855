"""Several judges read as one: their median or their majority, a view of their grades and not a better judge.

Judges that err alike gain nothing from voting. Method, "Calibration and several judges".
"""

from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike

from judging.statistics.tables import Integers, integers

ConsensusMethod = Literal["median", "majority"]
CONSENSUS_METHODS: tuple[ConsensusMethod, ...] = get_args(ConsensusMethod)
DEFAULT_METHOD: ConsensusMethod = "median"


def consensus_grades(grades: ArrayLike, *, method: ConsensusMethod = DEFAULT_METHOD) -> Integers:
    """Give the consensus on each candidate from grades of shape (judges, candidates), below 0 where a judge has none.

    `median`: of an even number of grades the lower of the two in the middle. `majority`: the most frequent grade, of
    several as frequent the lowest. Either is a grade that some judge gave. -1 unless more than half of the judges graded:
    fewer would be a vote of the minority.
    """
    given = integers(grades)
    if given.ndim != 2:
        raise ValueError(f"grades have the shape (judges, candidates), not {given.shape}")
    is_given = given >= 0
    counts = is_given.sum(0)
    found = _median(given, counts) if method == "median" else _majority(given)
    return np.where(2 * counts > len(given), found, -1)


def _median(given: Integers, counts: Integers) -> Integers:
    missing_first = np.sort(np.maximum(given, -1), axis=0)
    # Of n grades in rising order behind the missing ones, the one at (n - 1) // 2.
    place = len(given) - counts + (np.maximum(counts, 1) - 1) // 2
    return np.asarray(np.take_along_axis(missing_first, np.minimum(place, len(given) - 1)[None, :], axis=0)[0])


def _majority(given: Integers) -> Integers:
    grades = np.arange(max(int(given.max(initial=0)), 0) + 1)
    votes = np.array([(given == grade).sum(0) for grade in grades])
    return np.asarray(votes.argmax(0), dtype=np.int64)  # argmax takes the first of several, here the lowest grade
