"""The range of a query's difference, beside every way to grade its unjudged documents."""

import itertools
import random

import numpy as np
import pytest

from judging.metrics import compute_query, parse_metric
from judging.statistics.delta_ranges import UNJUDGED, PairedDocuments, delta_ranges

TOP = 2
RELEVANT_FROM = 1


def every_difference(name: str, a: list[str], b: list[str], grades: dict[str, int], depth: int) -> list[float]:
    """Compute b - a with the metric's own formula for every way to grade what neither list's top has a grade for."""
    metric = parse_metric(name)
    unjudged = sorted(({*a[:depth], *b[:depth]}) - grades.keys())
    found = []
    for given in itertools.product(range(TOP + 1), repeat=len(unjudged)):
        all_grades = {**grades, **dict(zip(unjudged, given, strict=True))}
        of_a, of_b = (
            compute_query([metric], ranked, all_grades, scale_maximum=TOP, relevant_from=RELEVANT_FROM)[metric.name]
            for ranked in (a, b)
        )
        found.append(of_b - of_a)
    return found


def documents_of(cases: list[tuple[list[str], list[str], dict[str, int]]]) -> PairedDocuments:
    rows = [
        (code, a.index(each) + 1 if each in a else 0, b.index(each) + 1 if each in b else 0, grades.get(each, UNJUDGED))
        for code, (a, b, grades) in enumerate(cases)
        for each in sorted({*a, *b})
    ]
    judged = [[list(grades.values()).count(grade) for grade in range(TOP + 1)] for _, _, grades in cases]
    queries, place_a, place_b, given = np.array(rows, dtype=np.int64).T
    return PairedDocuments(queries, place_a, place_b, given, np.array(judged, dtype=np.int64))


@pytest.mark.parametrize(
    ("name", "depth"),
    [("P@3", 3), ("RBP", 5), ("DCG@3", 3), ("SDCG@3", 3), ("NDCG@3", 3), ("NDCG_lin@4", 4), ("Recall@3", 3),
     ("F1@3", 3), ("MRR", 5), ("MRR@3", 3)],
)  # fmt: skip
def test_the_range_is_exactly_what_grading_everything_could_come_to(name: str, depth: int) -> None:
    draw = random.Random(11)
    pool = [f"d{number}" for number in range(7)]
    cases: list[tuple[list[str], list[str], dict[str, int]]] = []
    while len(cases) < 60:
        a, b = (draw.sample(pool, draw.randint(0, 5)) for _ in range(2))
        grades = {each: draw.randint(0, TOP) for each in pool if draw.random() < 0.45}
        if (not a and not b) or len(({*a[:depth], *b[:depth]}) - grades.keys()) > 5:
            continue
        cases.append((a, b, grades))
    low, high = delta_ranges(parse_metric(name), documents_of(cases), relevant_from=RELEVANT_FROM)
    for index, case in enumerate(cases):
        possible = every_difference(name, *case, depth)
        assert (low[index], high[index]) == pytest.approx((min(possible), max(possible)), abs=1e-9), (name, case)
