"""People against each other, and the AI against them: the ceiling that a figure of agreement is read beside.

Formulas: method, "As well as people agree with each other" and "People".
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from judging.statistics.agreement.coefficients import alpha_of_coincidences, kappa_quadratic
from judging.statistics.agreement.jackknife import figure_from, jackknife_figure
from judging.statistics.clustered import ClusteredMean, clustered_mean
from judging.statistics.figures import Figure
from judging.statistics.tables import Flags, Floats, Integers, integers, mean_grade, query_tables, sums_by

CEILING_MARGIN = 0.10
MIN_CANDIDATES = 30
MIN_PEOPLE_FOR_ALT_TEST = 3
ALT_TEST_LEVEL = 0.05

Verdict = Literal["better", "as_good", "below", "cannot_tell"]


@dataclass(frozen=True, slots=True)
class PeopleGrades:
    """Grades of several people, one entry per person and candidate, with what belongs to the candidate beside them.

    `people`, `candidates` and `queries` are codes from 0, `grades` 0 to `grade_count` - 1; a person grades a candidate
    once. `ai` is the AI's grade of the candidate, -1 where it has none.
    """

    people: Integers
    candidates: Integers
    queries: Integers
    grades: Integers
    ai: Integers
    grade_count: int

    @classmethod
    def read(
        cls,
        people: ArrayLike,
        candidates: ArrayLike,
        queries: ArrayLike,
        grades: ArrayLike,
        *,
        grade_count: int,
        ai: ArrayLike | None = None,
    ) -> "PeopleGrades":
        """Read columns of equal length; raise `ValueError` for others, and for grades outside the scale."""
        given = integers(grades)
        ai_grades = np.full(len(given), -1) if ai is None else integers(ai)
        columns = [integers(people), integers(candidates), integers(queries), given, ai_grades]
        if len({len(column) for column in columns}) > 1:
            raise ValueError("people, candidates, queries, grades and ai have one entry per person's grade each")
        if given.size and (given.min() < 0 or max(given.max(), ai_grades.max()) >= grade_count):
            raise ValueError(f"grades outside 0 to {grade_count - 1}")
        return cls(columns[0], columns[1], columns[2], given, ai_grades, grade_count)

    def others(self) -> tuple[Integers, Integers]:
        """Give, for each entry, how many other people graded its candidate, and the sum of their grades."""
        counts = np.bincount(self.candidates)
        sums = np.bincount(self.candidates, weights=self.grades).astype(np.int64)
        return counts[self.candidates] - 1, sums[self.candidates] - self.grades

    def where(self, kept: Flags) -> "PeopleGrades":
        """Give the entries that are kept."""
        return PeopleGrades(
            self.people[kept],
            self.candidates[kept],
            self.queries[kept],
            self.grades[kept],
            self.ai[kept],
            self.grade_count,
        )


def coincidences_by_query(given: PeopleGrades) -> Floats:
    """Count coincidences for any number of people, shape (queries, G, G), only queries with one.

    Each candidate with m > 1 people adds (outer(v, v) - diag v) / (m - 1), v its counts by grade (Krippendorff 2011).
    """
    G = given.grade_count
    _, candidate = np.unique(given.candidates, return_inverse=True)
    if not candidate.size:
        return np.zeros((0, G, G))
    counts = np.bincount(candidate * G + given.grades, minlength=(candidate.max() + 1) * G).reshape(-1, G)
    query = np.zeros(len(counts), dtype=np.int64)
    query[candidate] = given.queries
    people = counts.sum(1)
    several = people > 1
    v = counts[several].astype(np.float64)
    each = (v[:, :, None] * v[:, None, :] - v[:, :, None] * np.eye(G)) / (people[several] - 1)[:, None, None]
    codes, of = np.unique(query[several], return_inverse=True)
    summed = np.zeros((len(codes), G, G))
    np.add.at(summed, of, each)
    return summed


def people_alpha(given: PeopleGrades) -> Figure:
    """Compute Krippendorff's ordinal alpha of people among themselves with its jackknife interval by query.

    `grade_count` of the figure counts the grades of candidates that several people graded. Refused as a figure of
    agreement is: below 10 queries or 50 such grades (`too_few_queries`), or where nothing varies.
    """
    return jackknife_figure(coincidences_by_query(given), alpha_of_coincidences, is_bounded=True)


@dataclass(frozen=True, slots=True)
class Ceiling:
    """How well the AI agrees with people, beside how well one person agrees with the others.

    `ai` is A, the mean over persons of kappa(AI, the others); `person` is B, that of kappa(person, the others), both on
    the candidates the person graded; `difference` is A - B with its interval; `ratio` A / B, None where B is not
    above 0. All of them None where refused.
    """

    ai: float | None
    person: float | None
    difference: Figure
    ratio: float | None
    verdict: Verdict | None


def ceiling(given: PeopleGrades, *, margin: float = CEILING_MARGIN) -> Ceiling:
    """Compare the AI's agreement with people to people's agreement with each other.

    On candidates that have an AI grade and two people or more; the others' grade is their mean, rounded half up.
    Jackknife by query with plain t. Refused (`too_few_queries`) below 30 such candidates or 10 queries. Method, "As
    well as people agree with each other".
    """
    other_counts, other_sums = given.others()
    usable = (other_counts > 0) & (given.ai >= 0)
    used = given.where(usable)
    others = mean_grade(other_sums[usable], other_counts[usable])
    candidate_count = len(np.unique(used.candidates))
    codes, query = np.unique(used.queries, return_inverse=True)
    persons = np.unique(used.people)
    # A person at a time: tables of all persons at once would be large, and mostly empty.
    kappas, without = np.zeros((2, len(persons))), np.zeros((2, len(codes)))
    for index, person in enumerate(persons):
        own = used.people == person
        for side, grades in enumerate((used.ai, used.grades)):
            cells = (query[own] * used.grade_count + grades[own]) * used.grade_count + others[own]
            tables = sums_by(cells, count=len(codes) * used.grade_count**2)
            tables = tables.reshape(len(codes), used.grade_count, used.grade_count)
            total = tables.sum(0)
            kappas[side, index] = kappa_quadratic(total)
            without[side] += kappa_quadratic(total - tables) / len(persons)
    a, b = (float(side.mean()) if side.size else 0.0 for side in kappas)
    difference = figure_from(
        a - b, without[0] - without[1], pair_count=None, grade_count=candidate_count, min_grades=MIN_CANDIDATES
    )
    if difference.low is None or difference.high is None:
        return Ceiling(None, None, difference, None, None)
    return Ceiling(a, b, difference, a / b if b > 0 else None, _verdict(difference.low, difference.high, margin))


def _verdict(low: float, high: float, margin: float) -> Verdict:
    if low > 0:
        return "better"
    if low > -margin:
        return "as_good"
    return "below" if high < -margin else "cannot_tell"


@dataclass(frozen=True, slots=True)
class PersonFigures:
    """One person beside the others: candidates shared, mean of own grade minus the others' mean, kappa with them."""

    person: int
    candidate_count: int
    bias: float
    kappa: Figure


def each_person(given: PeopleGrades) -> list[PersonFigures]:
    """Compare each person with the others on the candidates they share; those who share none are left out.

    The bias is taken from the others' unrounded mean, kappa from their mean rounded half up. Method, "People".
    """
    counts, sums = given.others()
    shared = counts > 0
    used, counts, sums = given.where(shared), counts[shared], sums[shared]
    rounded, deviations = mean_grade(sums, counts), used.grades - sums / counts
    found = []
    for person in np.unique(used.people):
        own = used.people == person
        tables = query_tables(used.queries[own], used.grades[own], rounded[own], grade_count=used.grade_count)
        kappa = jackknife_figure(tables, kappa_quadratic, is_bounded=True)
        found.append(PersonFigures(int(person), int(own.sum()), float(deviations[own].mean()), kappa))
    return found


@dataclass(frozen=True, slots=True)
class AltTest:
    """The alternative annotator test: may the AI stand in for one of these people?

    `beaten_share` is omega, the share of people it is shown to be as good as; passed from one half on.
    `mean_advantage` is rho, the mean share of candidates on which the AI is at least as near to the others.
    `p_values` by person, in the order of their codes; None without any spread, which counts as not beaten.
    """

    beaten_share: float
    mean_advantage: float
    is_passed: bool
    p_values: dict[int, float | None]


def alt_test(given: PeopleGrades, *, allowance: float = 0.15) -> AltTest | None:
    """Test with t clustered by query whether the AI can take a person's place (Calderon et al. 2025, arXiv 2501.10970).

    `allowance` is epsilon: 0.2 for experts, 0.15 for skilled, 0.1 for crowd workers. Benjamini-Yekutieli at 0.05. The
    published test takes candidates for independent, and is wrong 22 to 27 % of the time where it says 5. None with
    fewer than three people who share 30 candidates or more each.
    """
    counts, _ = given.others()
    used = given.where((counts > 0) & (given.ai >= 0))
    own_distance, ai_distance = _distances(used)
    person_wins = (own_distance <= ai_distance).astype(np.float64)
    ai_wins = (ai_distance <= own_distance).astype(np.float64)
    persons = [int(p) for p in np.unique(used.people) if (used.people == p).sum() >= MIN_CANDIDATES]
    if len(persons) < MIN_PEOPLE_FOR_ALT_TEST:
        return None
    means: dict[int, ClusteredMean | None] = {}
    advantages = []
    for person in persons:
        own = used.people == person
        _, query = np.unique(used.queries[own], return_inverse=True)
        means[person] = clustered_mean(np.bincount(query, (person_wins - ai_wins)[own]), np.bincount(query))
        advantages.append(float(ai_wins[own].mean()))
    p_values = {person: mean.p_below(allowance) if mean else None for person, mean in means.items()}
    beaten = benjamini_yekutieli([1.0 if p is None else p for p in p_values.values()], level=ALT_TEST_LEVEL)
    share = sum(beaten) / len(persons)
    return AltTest(share, float(np.mean(advantages)), share >= 0.5, p_values)


def _distances(given: PeopleGrades) -> tuple[Floats, Floats]:
    """Give mean squared distances to the other people of each entry's candidate: of the entry itself and of the AI."""
    others, sums = given.others()
    squares = np.bincount(given.candidates, weights=given.grades**2)[given.candidates] - given.grades**2

    def distance(grade: Integers) -> Floats:
        # Whole numbers until the division, so that equal distances are equal.
        return np.asarray((others * grade**2 - 2 * grade * sums + squares) / others)

    return distance(given.grades), distance(given.ai)


def benjamini_yekutieli(p_values: list[float], *, level: float) -> list[bool]:
    """Say which hypotheses are rejected at a false discovery rate of `level` under any dependence (2001)."""
    count = len(p_values)
    if not count:
        return []
    p = np.asarray(p_values)
    limits = np.arange(1, count + 1) / count * level / (1 / np.arange(1, count + 1)).sum()
    passed = np.flatnonzero(np.sort(p) <= limits)
    return [bool(each) for each in p <= np.sort(p)[passed[-1]]] if passed.size else [False] * count
