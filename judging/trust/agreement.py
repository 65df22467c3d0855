"""How well two sides agree on a run's candidates, and people among themselves."""

from dataclasses import asdict, dataclass, field, replace
from itertools import combinations
from typing import Any

import numpy as np

from judging.models import EvaluationRun, RunQuery
from judging.statistics.agreement.coefficients import AGREEMENT_FIGURES, exact
from judging.statistics.agreement.consensus import DEFAULT_METHOD, ConsensusMethod
from judging.statistics.agreement.jackknife import agreement_figure, agreement_figures, figure_from
from judging.statistics.agreement.people import (
    CEILING_MARGIN,
    PeopleGrades,
    PersonFigures,
    alt_test,
    ceiling,
    each_person,
    people_alpha,
)
from judging.statistics.figures import Figure, RefusedCode, refused
from judging.statistics.tables import Floats, Integers, query_tables
from judging.trust.grades import NONE, RunGrades, read_run_grades
from judging.trust.sides import Side, read_side


@dataclass(frozen=True, slots=True)
class QueryAgreement:
    """Two sides on one query: how many pairs, how many of them alike, and the mean of a - b in grades."""

    query_id: str
    query: str
    pair_count: int
    exact_count: int
    bias: float


@dataclass(frozen=True, slots=True)
class ConsensusJudges:
    """The judges of a consensus: how each agrees with the other side, and how they agree pair by pair (weighted kappa).

    Judges that agree closely have little to correct each other with.
    """

    method: ConsensusMethod
    judges: list[tuple[Side, Figure]]
    pairwise: list[tuple[Side, Side, Figure]]

    def as_dict(self) -> dict[str, Any]:
        """Return it as the API has it."""
        return {
            "method": self.method,
            "judges": [
                {"judge": side.name, "judge_label": side.label, "kappa_quadratic": asdict(kappa)}
                for side, kappa in self.judges
            ],
            "pairwise": [
                {"first": first.name, "second": second.name, "kappa_quadratic": asdict(kappa)}
                for first, second, kappa in self.pairwise
            ],
        }


@dataclass(frozen=True, slots=True)
class Agreement:
    """Two sides of a run: all figures by name, and the confusion matrix, rows a, columns b.

    `consensus` has the judges of a side that is one, by "a" or "b".
    """

    figures: dict[str, Figure]
    confusion: list[list[int]]
    blindness: dict[str, Any]
    per_query: list[QueryAgreement] | None = None
    consensus: dict[str, ConsensusJudges] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """Return it as every interface and file has it."""
        return {
            **{name: asdict(figure) for name, figure in self.figures.items()},
            "confusion": self.confusion,
            **self.blindness,
        }


def compare_sides(
    run: EvaluationRun,
    grades: RunGrades,
    *,
    a: str,
    b: str,
    blind: bool = True,
    with_queries: bool = False,
    method: ConsensusMethod = DEFAULT_METHOD,
) -> Agreement:
    """Compare two sides, named as in `SIDES`, pair by pair; `method` is that of a consensus among them.

    Raise Invalid (unknown_side) or Conflict (scales_differ).
    """
    side_a = read_side(grades, a, blind=blind, method=method)
    side_b = read_side(grades, b, blind=blind, method=method)
    both = (side_a.grades != NONE) & (side_b.grades != NONE)
    of_a, of_b, queries = side_a.grades[both], side_b.grades[both], grades.queries[both]
    tables = query_tables(queries, of_a, of_b, grade_count=grades.grade_count)
    code = _missing(grades, (side_a, side_b), blind=blind)
    if code and not both.any():
        figures = {
            str(figure.name): refused(code, method="jackknife_by_query", query_count=0, grade_count=0)
            for figure in AGREEMENT_FIGURES
        }
    else:
        figures = {
            str(name): figure for name, figure in agreement_figures(tables, relevant_from=run.relevant_from).items()
        }
    confusion = [[round(count) for count in row] for row in tables.sum(0)]
    per_query = _per_query(run, queries, of_a, of_b) if with_queries else None
    consensus = {
        name: _consensus_judges(run, grades, side, other)
        for name, side, other in (("a", side_a, side_b), ("b", side_b, side_a))
        if side.members
    }
    return Agreement(figures, confusion, blindness(grades), per_query, consensus)


def _consensus_judges(run: EvaluationRun, grades: RunGrades, side: Side, other: Side) -> ConsensusJudges:
    return ConsensusJudges(
        side.method,
        [(judge, _kappa(run, grades, judge, other)) for judge in side.members],
        [(first, second, _kappa(run, grades, first, second)) for first, second in combinations(side.members, 2)],
    )


def _kappa(run: EvaluationRun, grades: RunGrades, a: Side, b: Side) -> Figure:
    both = (a.grades != NONE) & (b.grades != NONE)
    tables = query_tables(grades.queries[both], a.grades[both], b.grades[both], grade_count=grades.grade_count)
    return agreement_figure(tables, "kappa_quadratic", relevant_from=run.relevant_from)


def _missing(grades: RunGrades, sides: tuple[Side, Side], *, blind: bool) -> RefusedCode | None:
    """Say what a comparison without a single pair lacks."""
    if any(side.kind == "ai" and side.is_empty for side in sides):
        return "no_ai_grades"
    if any(side.kind == "people" and side.is_empty for side in sides):
        return "no_blind_grades" if blind and len(grades.people.candidates) else "no_people"
    return None


def blindness(grades: RunGrades) -> dict[str, Any]:
    """Return how many of people's grades were given with the AI's in sight, and what that seems to have done.

    `unblind_share` is shown / (shown + blind), `unknown_count` the grades of which it is not known; `anchoring` how
    much more often people gave the AI's grade where they saw it, as a difference of two shares.
    """
    people = grades.people
    shown, blind = int(people.is_shown.sum()), int(people.is_blind.sum())
    return {
        "blind_count": blind,
        "shown_count": shown,
        "unknown_count": len(people.candidates) - shown - blind,
        "unblind_share": shown / (shown + blind) if shown + blind else None,
        "anchoring": asdict(_anchoring(grades)),
    }


def _anchoring(grades: RunGrades) -> Figure:
    people = grades.people
    tables = {}
    for name, chosen, given in (("shown", people.is_shown, people.grades), ("blind", people.is_blind, people.blind)):
        means = grades.mean_of(people.candidates[chosen], given[chosen])
        both = (means != NONE) & (grades.ai != NONE)
        tables[name] = _by_every_query(grades, grades.queries[both], grades.ai[both], means[both])
    counts = {name: int(table.sum()) for name, table in tables.items()}
    involved = (tables["shown"].sum((1, 2)) + tables["blind"].sum((1, 2))) > 0
    shown, blind = (tables[name][involved] for name in ("shown", "blind"))
    value = float(exact(shown.sum(0)) - exact(blind.sum(0)))
    without = exact(shown.sum(0) - shown) - exact(blind.sum(0) - blind)
    # Both sides need pairs of their own: of the fewer there must be enough.
    return replace(
        figure_from(value, np.asarray(without), pair_count=None, grade_count=min(counts.values())),
        grade_count=sum(counts.values()),
    )


def _by_every_query(grades: RunGrades, queries: Integers, a: Integers, b: Integers) -> Floats:
    """Count pairs as `query_tables` does, with a table for each of the run's queries."""
    G, Q = grades.grade_count, len(grades.query_ids)
    counts = np.bincount((queries * G + a) * G + b, minlength=Q * G * G)
    return counts.reshape(Q, G, G).astype(np.float64)


def _per_query(run: EvaluationRun, queries: Integers, a: Integers, b: Integers) -> list[QueryAgreement]:
    named = list(RunQuery.objects.filter(run=run).order_by("position").values_list("pk", "text"))
    counts = np.bincount(queries, minlength=len(named))
    exact_counts = np.bincount(queries, weights=a == b, minlength=len(named))
    differences = np.bincount(queries, weights=a - b, minlength=len(named))
    return [
        QueryAgreement(str(pk), text, int(n), int(same), float(difference / n))
        for (pk, text), n, same, difference in zip(named, counts, exact_counts, differences, strict=True)
        if n
    ]


def people_among_themselves(grades: RunGrades, *, margin: float = CEILING_MARGIN) -> dict[str, Any]:
    """Return how well people agree with each other, and the AI beside them: the ceiling of any judge.

    `judge_kappa` (A) and `person_kappa` (B) are means over persons of kappa with the other people, `difference` A - B
    with its interval, `verdict` its reading. Each person stands with their own count, bias and kappa.
    """
    given = grades.by_person()
    found = ceiling(given, margin=margin)
    test = alt_test(given)
    return {
        "alpha_ordinal": asdict(_code_without_people(people_alpha(given), given)),
        "judge_kappa": found.ai,
        "person_kappa": found.person,
        "difference": asdict(_code_without_people(found.difference, given)),
        "ratio": found.ratio,
        "verdict": found.verdict,
        "persons": [
            {
                "author": grades.people.names[person.person],
                "candidate_count": person.candidate_count,
                "bias": person.bias,
                "kappa_quadratic": asdict(person.kappa),
            }
            for person in each_person(given)
        ],
        "alt_test": None
        if test is None
        else {
            "beaten_share": test.beaten_share,
            "mean_advantage": test.mean_advantage,
            "is_passed": test.is_passed,
        },
    }


def each_beside_the_others(run: EvaluationRun) -> dict[str, PersonFigures]:
    """Compare each person with the other people on what they share, by all grades as they stand; by name, as exports have it."""
    grades = read_run_grades(run)
    return {grades.people.names[each.person]: each for each in each_person(grades.by_person(blind=False))}


def _code_without_people(figure: Figure, given: PeopleGrades) -> Figure:
    return replace(figure, refused_code="no_people") if figure.refused_code and not len(given.grades) else figure
