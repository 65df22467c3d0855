"""Which grades a query's metric still needs, whatever the answers will be."""

from itertools import product

import pytest

from judging.metrics import METRIC_FAMILIES, compute_query, parse_metric
from judging.statistics.estimates.settling import SETTLED_FAMILIES, settle

SCALE = {"scale_maximum": 2, "relevant_from": 1}
RANKED = ["a", "b", "c", "d"]
POOL = ["x", "b", "a", "y", "c", "d"]  # in falling AI grade


def needed(metric, grades, ranked=RANKED, pool=POOL):
    return settle(parse_metric(metric), ranked, pool, grades, **SCALE).needed


def test_reciprocal_rank_goes_down_to_the_first_relevant_one() -> None:
    assert needed("MRR@3", {}) == ("a",)
    assert needed("MRR@3", {"a": 0, "c": 1}) == ("b",)
    assert needed("MRR@3", {"a": 0, "b": 1}) == ()
    assert needed("MRR@3", {"a": 0, "b": 0, "c": 0}) == ()


def test_ndcg_needs_the_first_k_then_as_many_as_could_be_the_best() -> None:
    assert needed("NDCG@2", {"b": 0}) == ("a",)
    assert needed("NDCG@2", {"a": 0, "b": 0}) == ()  # worth 0 whatever the ideal list is
    assert needed("NDCG@2", {"a": 1, "b": 0}) == ("x", "y")
    assert needed("NDCG@2", {"a": 2, "b": 0}) == ("x",)
    assert needed("NDCG@2", {"a": 2, "b": 0, "x": 1}) == ("y",)
    assert needed("NDCG@2", {"a": 2, "b": 2}) == ()
    assert needed("NDCG@2", {"a": 1, "b": 0, "x": 0, "y": 0, "c": 0, "d": 0}) == ()


def test_recall_and_precision_at_relevant_ranks_need_the_whole_pool() -> None:
    for name in ("Recall@2", "MAP", "MAP@2", "F1@3"):
        assert set(needed(name, {"a": 1})) == {"x", "b", "y", "c", "d"}
        assert needed(name, dict.fromkeys(POOL, 0)) == ()


def test_err_stops_where_hardly_anybody_gets() -> None:
    assert needed("ERR@4", {}) == ("a", "b", "c")
    assert needed("ERR@4", {"a": 1}) == ("b", "c", "d")
    deep = [str(rank) for rank in range(20)]
    few = needed("ERR@20", {}, deep, deep)
    assert 2 <= len(few) < 8
    assert few == tuple(deep[: len(few)])
    # Answers below the best leave more to find.
    assert needed("ERR@20", dict.fromkeys(few, 0), deep, deep) != ()


def test_a_query_that_returned_nothing_needs_nothing() -> None:
    assert needed("NDCG@10", {}, []) == ()


def test_exactly_the_settled_families_are_settled_by_query() -> None:
    for family in METRIC_FAMILIES:
        name = family.forms[-1].replace("@k", "@10")
        if family.name in SETTLED_FAMILIES:
            assert needed(name, {}) != ()
        else:
            with pytest.raises(ValueError, match="whole queries"):
                needed(name, {})


@pytest.mark.parametrize("name", ["NDCG@2", "NDCG_lin@3", "MRR", "MRR@2", "ERR@3", "MAP", "Recall@2", "F1@2"])
def test_nothing_that_comes_later_changes_what_is_settled(name: str) -> None:
    """Over all answers: ask for what is needed, in any order, until it is settled; then no further grade matters."""
    metric = parse_metric(name)
    ranked, pool = ["a", "b", "c"], ["d", "b", "a", "c"]
    tolerance = 0.005 if metric.family == "ERR" else 1e-12
    for answers in product(range(3), repeat=4):
        truth = dict(zip(["a", "b", "c", "d"], answers, strict=True))
        grades: dict[str, int] = {}
        while missing := settle(metric, ranked, pool, grades, **SCALE).needed:
            assert not set(missing) & grades.keys()
            grades[missing[-1]] = truth[missing[-1]]
        settled = compute_query([metric], ranked, grades, **SCALE)[metric.name]
        assert settled == pytest.approx(compute_query([metric], ranked, truth, **SCALE)[metric.name], abs=tolerance)


@pytest.mark.parametrize("name", ["NDCG@2", "MRR@3", "ERR@3"])
def test_what_is_needed_is_needed_whatever_the_other_answers_are(name: str) -> None:
    metric = parse_metric(name)
    ranked, pool = ["a", "b", "c"], ["d", "b", "a", "c"]
    first = settle(metric, ranked, pool, {}, **SCALE).needed
    for one in first:
        others = [each for each in first if each != one]
        for answers in product(range(3), repeat=len(others)):
            grades = dict(zip(others, answers, strict=True))
            assert one in settle(metric, ranked, pool, grades, **SCALE).needed
