"""Values worked out by hand: what the formulas mean where textbooks differ."""

from math import log2

import pytest

from judging.metrics import compute_query, count_judged, coverage, parse_metrics, score_query

GRADES = {"a": 3, "b": 2, "c": 0, "d": 1, "e": 3}
RANKED = ["a", "x", "b", "y", "c", "d"]  # x and y are unjudged, e was not returned


def values_of(*names, ranked=RANKED, grades=GRADES, scale_maximum=3, relevant_from=1):
    return compute_query(parse_metrics(names), ranked, grades, scale_maximum=scale_maximum, relevant_from=relevant_from)


def value_of(name, **given):
    return values_of(name, **given)[name]


def test_ndcg_counts_unjudged_and_unreturned_documents():
    # Leaving the unjudged out of the list would give 0.742083.
    assert value_of("NDCG@5") == pytest.approx(0.636838, abs=1e-6)
    assert value_of("NDCG_lin@5") == pytest.approx(0.632565, abs=1e-6)


def test_the_ideal_of_ndcg_is_cut_at_k_too():
    assert value_of("NDCG@1") == 1.0
    assert value_of("NDCG@2") == pytest.approx(7 / (7 + 7 / log2(3)))


def test_dcg_is_not_normalized():
    assert value_of("DCG@3") == pytest.approx(7 + 3 / 2)


def test_sdcg_is_the_share_of_a_full_list_of_the_highest_grade():
    assert value_of("SDCG@3") == pytest.approx((7 + 3 / 2) / (7 * (1 + 1 / log2(3) + 1 / 2)))
    assert value_of("SDCG@1") == 1.0
    # However few were returned, the perfect list has k documents; and its grade is the scale's, not the query's.
    assert value_of("SDCG@2", ranked=["a"]) == pytest.approx(1 / (1 + 1 / log2(3)))
    assert value_of("SDCG@1", scale_maximum=9) == pytest.approx(7 / 511)


def test_precision_divides_by_k_however_few_were_returned():
    assert value_of("P@10") == 3 / 10
    assert value_of("Precision@4") == 2 / 4


def test_recall_divides_by_every_known_relevant_document():
    assert value_of("Recall@3") == 2 / 4
    assert value_of("Recall@1000") == 3 / 4


def test_f1_is_the_harmonic_mean_of_the_two_at_k():
    precision, recall = 2 / 3, 2 / 4
    assert value_of("F1@3") == pytest.approx(2 * precision * recall / (precision + recall))


def test_average_precision_divides_by_all_known_relevant_documents():
    assert value_of("MAP") == pytest.approx((1 + 2 / 3 + 3 / 6) / 4)
    assert value_of("MAP@3") == pytest.approx((1 + 2 / 3) / 4)


def test_reciprocal_rank_looks_no_further_than_its_cutoff():
    ranked = ["x", "c", "d"]
    assert value_of("MRR", ranked=ranked) == value_of("MRR@3", ranked=ranked) == 1 / 3
    assert value_of("MRR@2", ranked=ranked) == 0.0


def test_err_takes_the_maximum_of_the_scale_and_not_of_the_query():
    assert value_of("ERR@3") == pytest.approx(7 / 8 + (1 - 7 / 8) * (3 / 8) / 3)
    assert value_of("ERR@1", scale_maximum=9) == 7 / 512
    assert value_of("ERR@1", ranked=["a"], grades={"a": 1}, scale_maximum=1) == 0.5


def test_rbp_is_binary_with_persistence_four_fifths():
    assert value_of("RBP") == pytest.approx(0.2 * (1 + 0.8**2 + 0.8**5))


def test_the_relevance_threshold_changes_binary_metrics_only():
    names = ("P@6", "Recall@6", "F1@6", "MAP", "MRR", "RBP")
    strict = values_of(*names, relevant_from=3)
    assert (strict["P@6"], strict["Recall@6"], strict["MAP"]) == (1 / 6, 1 / 2, 1 / 2)
    assert all(strict[name] <= value for name, value in values_of(*names).items())
    graded = ("NDCG@5", "NDCG_lin@5", "DCG@5", "SDCG@5", "ERR@5", "Judged@5")
    assert values_of(*graded, relevant_from=3) == values_of(*graded)


def test_judged_divides_by_the_number_returned_up_to_k():
    assert value_of("Judged@4") == 2 / 4
    assert value_of("Judged@100") == 4 / 6
    assert value_of("Judged@5", ranked=[]) == 0.0


ALL = (
    "NDCG@5",
    "NDCG_lin@5",
    "DCG@5",
    "SDCG@5",
    "P@5",
    "Recall@5",
    "F1@5",
    "MAP",
    "MAP@5",
    "MRR",
    "MRR@5",
    "ERR@5",
    "RBP",
)


@pytest.mark.parametrize(
    ("ranked", "grades"),
    [([], GRADES), (RANKED, {"a": 0, "c": 0}), (["x", "y"], GRADES), ([], {"a": 0})],
    ids=["nothing returned", "nothing relevant", "nothing judged among the returned", "neither"],
)
def test_without_a_relevant_document_returned_every_metric_is_zero(ranked, grades):
    assert values_of(*ALL, ranked=ranked, grades=grades) == dict.fromkeys(ALL, 0.0)


def test_values_are_floats_under_the_names_that_were_given():
    values = values_of("ndcg@3", "Precision@2", "map")
    assert list(values) == ["ndcg@3", "Precision@2", "map"]
    assert all(type(value) is float for ranked in (RANKED, []) for value in values_of(*ALL, ranked=ranked).values())


def test_documents_may_be_keyed_by_anything_hashable():
    assert values_of("P@2", "MRR", ranked=[7, 5], grades={5: 1, 9: 3}) == {"P@2": 0.5, "MRR": 0.5}


def test_coverage_is_the_judged_share_of_what_each_metric_looks_at():
    metrics = parse_metrics(["NDCG@1", "P@4", "MAP", "MRR@100"])
    assert coverage(metrics, RANKED, GRADES) == {"NDCG@1": 1.0, "P@4": 2 / 4, "MAP": 4 / 6, "MRR@100": 4 / 6}
    assert coverage(metrics, RANKED, {}) == dict.fromkeys(("NDCG@1", "P@4", "MAP", "MRR@100"), 0.0)
    assert coverage(metrics, [], GRADES) == dict.fromkeys(("NDCG@1", "P@4", "MAP", "MRR@100"))


def test_only_a_query_with_judgments_is_scored():
    metrics = parse_metrics(["NDCG@3", "MAP"])
    scored = score_query(metrics, RANKED, GRADES, scale_maximum=3, relevant_from=1)
    assert scored.is_scored
    assert scored.values == values_of("NDCG@3", "MAP")
    assert scored.coverage == {"NDCG@3": 2 / 3, "MAP": 4 / 6}
    assert scored.judged == count_judged(metrics, RANKED, GRADES)

    unjudged = score_query(metrics, RANKED, {}, scale_maximum=3, relevant_from=1)
    assert not unjudged.is_scored
    assert unjudged.values == {"NDCG@3": None, "MAP": None}
    assert unjudged.coverage == {"NDCG@3": 0.0, "MAP": 0.0}
