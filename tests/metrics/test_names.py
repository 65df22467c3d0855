import pytest
from hypothesis import given
from hypothesis import strategies as st

from judging.foundation.errors import Invalid
from judging.metrics import (
    DEFAULT_METRICS,
    KNOWN_METRICS,
    MAX_METRICS,
    Metric,
    parse_metric,
    parse_metrics,
    validate_metrics,
)


@pytest.mark.parametrize(
    ("name", "family", "cutoff", "canonical"),
    [
        ("NDCG@10", "NDCG", 10, "NDCG@10"),
        ("ndcg@10", "NDCG", 10, "NDCG@10"),
        ("nDCG_Lin@5", "NDCG_lin", 5, "NDCG_lin@5"),
        ("DCG@3", "DCG", 3, "DCG@3"),
        ("sdcg@10", "SDCG", 10, "SDCG@10"),
        ("P@1", "P", 1, "P@1"),
        ("Precision@1000", "P", 1000, "P@1000"),
        ("recall@20", "Recall", 20, "Recall@20"),
        ("f1@10", "F1", 10, "F1@10"),
        ("MAP", "MAP", None, "MAP"),
        ("map@100", "MAP", 100, "MAP@100"),
        ("mrr", "MRR", None, "MRR"),
        ("MRR@10", "MRR", 10, "MRR@10"),
        ("ERR@20", "ERR", 20, "ERR@20"),
        ("rbp", "RBP", None, "RBP"),
        ("judged@10", "Judged", 10, "Judged@10"),
    ],
)
def test_a_known_name_is_read_in_any_case_and_kept_as_given(name, family, cutoff, canonical):
    metric = parse_metric(name)
    assert metric == Metric(name, family, cutoff)
    assert metric.canonical_name == canonical


def test_outer_white_space_is_no_part_of_a_name():
    assert parse_metric(" NDCG@10\n").name == "NDCG@10"


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("NDCG", "NDCG needs a cut-off"),
        ("Judged", "needs a cut-off"),
        ("RBP@10", "RBP takes no cut-off"),
        ("P@0", "whole number from 1 to 1000"),
        ("P@1001", "whole number from 1 to 1000"),
        ("P@010", "whole number from 1 to 1000"),
        ("P@" + "9" * 30, "whole number from 1 to 1000"),
        ("NGCD@5", "Did you mean NDCG@5?"),
        ("NDCG10", "Did you mean NDCG@10?"),
        ("precision at 5", "Did you mean P@5?"),
        ("Recal@50000", "Did you mean Recall@10?"),
        ("AP", "Did you mean MAP?"),
        ("RR@7", "Did you mean MRR@7?"),
        ("RBP_5", "Did you mean RBP?"),
        ("BLEU@!", "Known are NDCG@k,"),
        ("", "Known are NDCG@k,"),
        ("P@\u0663", "Unknown metric"),
        ("P@10\x00", 'Unknown metric "P@10?"'),
    ],
)
def test_an_unknown_name_is_refused_with_what_is_known(name, said):
    with pytest.raises(Invalid) as refusal:
        parse_metric(name)
    assert refusal.value.code == "unknown_metric"
    assert said in refusal.value.message
    assert refusal.value.errors == {"metrics": [refusal.value.message]}


def test_an_endless_name_is_not_echoed_in_full():
    with pytest.raises(Invalid) as refusal:
        parse_metric("x" * 1_000_000)
    assert len(refusal.value.message) < 400


@given(st.one_of(st.text(), st.integers(), st.none(), st.from_regex(r"[A-Za-z1_ ]{0,9}@?[0-9]{0,5}")))
def test_whatever_is_given_comes_back_as_a_metric_or_as_a_refusal(name):
    try:
        metric = parse_metric(name)
    except Invalid:
        return
    assert parse_metric(metric.canonical_name).canonical_name == metric.canonical_name


def test_every_known_form_can_be_asked_for_and_so_can_the_defaults():
    names = [form.replace("@k", "@7") for form in KNOWN_METRICS]
    assert validate_metrics(names) == names
    assert validate_metrics(DEFAULT_METRICS) == list(DEFAULT_METRICS)


def test_the_names_of_a_run_come_back_in_order_and_as_given():
    assert validate_metrics(["ndcg@10", " Precision@5 ", "MAP"]) == ["ndcg@10", "Precision@5", "MAP"]
    assert [metric.cutoff for metric in parse_metrics(("P@5", "MRR"))] == [5, None]


@pytest.mark.parametrize(
    ("names", "said"),
    [
        ([], "Name at least one metric."),
        ([f"P@{k}" for k in range(1, MAX_METRICS + 2)], "At most 30 metrics, not 31."),
        ("NDCG@10", "Metrics are given as a list of names."),
        ({"NDCG@10": 1}, "Metrics are given as a list of names."),
        (["P@5", "P@5"], "P@5 is named twice."),
        (["P@5", "precision@5"], "precision@5 is the same metric as P@5."),
    ],
)
def test_a_list_that_makes_no_sense_is_refused(names, said):
    with pytest.raises(Invalid) as refusal:
        validate_metrics(names)
    assert (refusal.value.code, refusal.value.errors) == ("invalid", {"metrics": [said]})


def test_every_wrong_name_of_a_list_is_reported_at_once():
    with pytest.raises(Invalid) as refusal:
        validate_metrics(["P@5", "Precision@5", "NDCG", 7, "MAP"])  # type: ignore[list-item]
    assert refusal.value.code == "unknown_metric"
    first, second, third = refusal.value.errors["metrics"]
    assert first == "Precision@5 is the same metric as P@5."
    assert second.startswith("NDCG needs a cut-off")
    assert third == "A metric is named by text such as NDCG@10, not by int."
