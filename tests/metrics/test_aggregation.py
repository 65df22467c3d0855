import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from judging.metrics import JudgedCount, QueryScore, RunSummary, aggregate, parse_metrics, score_query
from tests.metrics.metrics_data import RUN_NAMES, effective_grades, ranked_run

METRICS = parse_metrics(["P@2", "MAP"])


def scores_of(*queries):
    return [score_query(METRICS, ranked, grades, scale_maximum=1, relevant_from=1) for ranked, grades in queries]


def test_a_run_is_the_mean_over_its_queries_with_judgments():
    summary = aggregate(METRICS, scores_of((["a", "b"], {"a": 1, "b": 1}), (["x", "c"], {"c": 1})))
    assert summary.values == {"P@2": (1 + 1 / 2) / 2, "MAP": (1 + 1 / 2) / 2}
    assert (summary.scored_query_count, summary.query_count) == (2, 2)


def test_a_judged_query_that_returned_nothing_counts_zero():
    summary = aggregate(METRICS, scores_of((["a", "b"], {"a": 1, "b": 1}), ([], {"a": 1})))
    assert summary.values == {"P@2": 0.5, "MAP": 0.5}
    assert summary.coverage == {"P@2": 1.0, "MAP": 1.0}


def test_a_query_judged_as_holding_nothing_relevant_counts_zero():
    assert aggregate(METRICS, scores_of((["a"], {"a": 1}), (["b"], {"b": 0}))).values == {"P@2": 0.25, "MAP": 0.5}


def test_a_query_without_judgments_counts_in_the_coverage_only():
    summary = aggregate(METRICS, scores_of((["a", "b"], {"a": 1, "b": 1}), (["x", "y", "z"], {})))
    assert summary.values == {"P@2": 1.0, "MAP": 1.0}
    assert (summary.scored_query_count, summary.query_count) == (1, 2)
    assert summary.coverage == {"P@2": 2 / 4, "MAP": 2 / 5}


def test_a_run_without_any_judgment_has_no_value():
    summary = aggregate(METRICS, scores_of((["a"], {}), ([], {})))
    assert summary == RunSummary({"P@2": None, "MAP": None}, {"P@2": 0.0, "MAP": 0.0}, 0, 2)


def test_a_run_without_queries_or_results_has_neither_value_nor_coverage():
    nothing: dict[str, float | None] = {"P@2": None, "MAP": None}
    assert aggregate(METRICS, []) == RunSummary(nothing, nothing, 0, 0)
    assert aggregate(METRICS, scores_of(([], {}))) == RunSummary(nothing, nothing, 0, 1)


@given(st.lists(st.floats(min_value=0, max_value=1e6), min_size=1, max_size=50))
def test_the_mean_is_exact_before_it_is_rounded_whatever_the_order(values):
    metrics = parse_metrics(["DCG@5"])
    counts = {"DCG@5": JudgedCount(1, 5)}

    def run_value(numbers):
        return aggregate(metrics, (QueryScore({"DCG@5": n}, counts, True) for n in numbers)).values["DCG@5"]

    shuffled = random.Random(7).sample(values, len(values))
    assert run_value(values) == run_value(shuffled) == math.fsum(values) / len(values)


@pytest.mark.parametrize(("run_name", "judged_percent"), [*zip(RUN_NAMES, (50, 57), strict=True)])
def test_coverage_of_the_electronics_runs_is_what_their_source_note_says(run_name, judged_percent):
    metrics = parse_metrics(["NDCG@10"])
    grades = effective_grades()
    scores = (
        score_query(metrics, ranked, grades.get(query, {}), scale_maximum=3, relevant_from=1)
        for query, ranked in ranked_run(run_name).items()
    )
    coverage = aggregate(metrics, scores).coverage["NDCG@10"]
    assert coverage is not None
    assert round(100 * coverage) == judged_percent
