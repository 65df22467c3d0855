"""Print how often the intervals hold what people say, on the sample data; made again on any machine.

    .venv/bin/python scripts/coverage_tables.py            300 samples a cell, about half a minute
    .venv/bin/python scripts/coverage_tables.py 1000

Each line: a metric, a judge, the share of the grades that people gave; how many in a hundred of the judge intervals (for
these queries) and of the total intervals (for queries like these) held the value that all of people's grades give; half
the width of the judge interval; and how many times as wide the total one is as if people had graded everything. Then two
runs that are alike, looked at after every batch: how often each kind of interval calls one better. Last, the CPU time
of a look and of the queue.
"""

import os
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "releval.settings")

import numpy as np

from judging.statistics.agreement.jackknife import agreement_figures
from judging.statistics.estimates.by_document import Population, document_figure, estimate_by_document
from judging.statistics.estimates.review_queue import (
    inclusion_probabilities,
    permanent_numbers,
    review_order,
    review_sizes,
)
from judging.statistics.tables import query_tables
from tests.statistics.simulation import JUDGES, METRICS, SHARES, cell, null_comparison


def print_coverage(repetitions: int) -> None:
    print(f"{'metric':8} {'judge':8} {'share':>5}  {'judge':>6} {'total':>6}  {'half-width':>10} {'ratio':>6}")
    coverages = []
    for metric in METRICS:
        for judge in JUDGES:
            for share in SHARES:
                c = cell(metric, judge, share, repetitions)
                coverages += [c.judge_coverage, c.total_coverage]
                print(
                    f"{metric:8} {judge:8} {share:5.0%}  {c.judge_coverage:6.1%} {c.total_coverage:6.1%}"
                    f"  {c.half_width:10.3f} {c.width_ratio:6.2f}"
                )
    print(f"mean of {len(coverages)} coverages {np.mean(coverages):.1%}, lowest {min(coverages):.1%}\n")


def print_null(repetitions: int) -> None:
    shares = null_comparison(repetitions)
    print("two runs alike, looked at after every batch of 40 from 75 to 445 grades; called")
    print(f"  for queries like these: anytime {shares.anytime_total:.1%}, ordinary {shares.ordinary_total:.1%}")
    print(f"  for these queries:      anytime {shares.anytime:.1%}, ordinary {shares.ordinary:.1%}\n")


def print_times() -> None:
    for count in (1_000, 100_000):
        rng = np.random.default_rng(1)
        query = np.repeat(np.arange(count // 10), 10)
        ai = rng.integers(0, 4, count)
        people = np.clip(ai + rng.integers(-1, 2, count), 0, 3)
        weights = np.full(count, 1 / count)
        sizes = review_sizes(weights)
        n = count // 5
        started = time.process_time()
        numbers = permanent_numbers(1, ((str(code), str(row)) for row, code in enumerate(query)))
        hashed = time.process_time()
        order = review_order(query, numbers, sizes, rng.random(count // 10))
        queued = time.process_time()
        chosen = np.zeros(count, dtype=bool)
        chosen[order[:n]] = True
        population = Population(weights, ai, query, count // 10, 4)
        gains = (people >= 2).astype(float)
        estimate = estimate_by_document(population, gains, chosen, inclusion_probabilities(sizes, n))
        document_figure(population, estimate)
        looked = time.process_time()
        agreement_figures(query_tables(query, ai, people, grade_count=4), relevant_from=2)
        agreed = time.process_time()
        print(
            f"{count:7} candidates, CPU ms: permanent numbers {1000 * (hashed - started):.1f},"
            f" queue {1000 * (queued - hashed):.1f}, look {1000 * (looked - queued):.1f},"
            f" twelve figures of agreement {1000 * (agreed - looked):.1f}"
        )


if __name__ == "__main__":
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 300
    print_coverage(count)
    print_null(count)
    print_times()
