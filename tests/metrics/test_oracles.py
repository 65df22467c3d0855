"""Our metrics against ir_measures, pytrec_eval, ranx and TREC's gdeval.pl, to 1e-9.

Traps, each of which gave wrong numbers once: oracles sort by score, so scores must fall strictly with the rank; two
nDCG variants in one ir_measures call spoil each other; gdeval wants numeric query ids, and as ir_measures calls it,
it rounds to five digits and knows the scale 0-4 only.
"""

import pkgutil
import subprocess
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from judging.foundation.scales import SCALES
from judging.metrics import aggregate, compute_query, parse_metrics, score_query
from tests.lazily import Lazily
from tests.metrics.metrics_data import RUN_NAMES, effective_grades, falling_scores, ranked_run

ir_measures, pytrec_eval = Lazily("ir_measures"), Lazily("pytrec_eval")

CUTOFFS = (1, 3, 10, 100)
NAMES = [f"{family}@{k}" for family in ("NDCG", "NDCG_lin", "P", "Recall", "MAP", "MRR", "Judged") for k in CUTOFFS]
NAMES += ["MAP", "MRR"]
EXACT: dict[str, Any] = {"rel": 0, "abs": 1e-9}


def ours(names, run, qrels, *, scale_maximum, relevant_from):
    """Values by name, then by query, of the queries with judgments."""
    metrics = parse_metrics(names)
    by_name: dict[str, dict[str, float]] = {name: {} for name in names}
    for query, grades in qrels.items():
        given = {"scale_maximum": scale_maximum, "relevant_from": relevant_from}
        for name, value in compute_query(metrics, run.get(query, []), grades, **given).items():
            by_name[name][query] = value
    return by_name


def measures_of(name, scale_maximum, relevant_from):
    family, _, cutoff = name.partition("@")
    measure = {
        "NDCG": ir_measures.nDCG(gains={grade: 2**grade - 1 for grade in range(scale_maximum + 1)}),
        "NDCG_lin": ir_measures.nDCG,
        "P": ir_measures.P(rel=relevant_from),
        "Recall": ir_measures.R(rel=relevant_from),
        "MAP": ir_measures.AP(rel=relevant_from),
        "MRR": ir_measures.RR(rel=relevant_from),
        "Judged": ir_measures.Judged,
    }[family]
    return measure @ int(cutoff) if cutoff else measure


def by_ir_measures(names, run, qrels, *, scale_maximum, relevant_from):
    """What `ours` gives, from ir_measures: one call for each nDCG variant and one for everything else."""
    calls: dict[Any, Any] = {}
    for name in names:
        family = name.partition("@")[0]
        measure = measures_of(name, scale_maximum, relevant_from)
        calls.setdefault(family if family.startswith("NDCG") else "rest", {})[measure] = name
    by_name: dict[str, dict[str, float]] = {name: {} for name in names}
    for named in calls.values():
        for row in ir_measures.iter_calc(list(named), qrels, falling_scores(run)):
            if row.query_id in qrels:
                by_name[named[row.measure]][row.query_id] = row.value
    return by_name


def by_gdeval(run, qrels, cutoff, scale_maximum, folder):
    """Per-query (nDCG, ERR) of the script that TREC's Web track was scored with, unrounded and for the scale."""
    script = (pkgutil.get_data("ir_measures", "bin/gdeval.pl") or b"").decode()
    for was, becomes in (("$MAX_JUDGMENT = 4;", f"$MAX_JUDGMENT = {scale_maximum};"), ("%.5f,%.5f", "%.17g,%.17g")):
        assert was in script
        script = script.replace(was, becomes)
    (folder / "gdeval.pl").write_text(script)
    numbers = {query: str(number) for number, query in enumerate(qrels, start=1)}
    qrel_lines = [f"{numbers[q]} 0 {d} {g}" for q, grades in qrels.items() for d, g in grades.items()]
    run_lines = [
        f"{numbers[query]} Q0 {document} 0 {score} run"
        for query, scores in falling_scores(run).items()
        if query in numbers
        for document, score in scores.items()
    ]
    (folder / "qrels").write_text("\n".join(qrel_lines) + "\n")
    (folder / "run").write_text("".join(f"{line}\n" for line in run_lines))
    command = ["perl", str(folder / "gdeval.pl"), str(folder / "qrels"), str(folder / "run"), str(cutoff)]
    output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    rows = [line.split(",") for line in output.splitlines()[1:]]
    found = {topic: (float(ndcg), float(err)) for _, topic, ndcg, err in rows}
    # gdeval prints nothing for a query without a relevant document or without results.
    return {query: found.get(number, (0.0, 0.0)) for query, number in numbers.items()}


@st.composite
def judged_runs(draw):
    """A scale, a threshold, and a run of several queries: graded, missing, with nothing relevant, short, empty."""
    scale = draw(st.sampled_from(sorted(SCALES.values(), key=lambda scale: scale.maximum)))
    documents = [f"d{number}" for number in range(draw(st.integers(1, 14)))]
    run, qrels = {}, {}
    for number in range(draw(st.integers(1, 4))):
        run[f"q{number}"] = draw(st.lists(st.sampled_from(documents), unique=True))
        grades = st.dictionaries(st.sampled_from(documents), st.integers(0, scale.maximum), min_size=1)
        if number == 0 or draw(st.booleans()):
            qrels[f"q{number}"] = draw(grades)
    return run, qrels, scale.maximum, draw(st.integers(1, scale.maximum))


def assert_same(values, expected):
    assert values.keys() == expected.keys()
    for name in values:
        assert values[name] == pytest.approx(expected[name], **EXACT), name


@pytest.mark.parametrize("run_name", RUN_NAMES)
@pytest.mark.parametrize("relevant_from", [1, 2])
def test_every_query_of_the_electronics_runs_scores_as_ir_measures_says(run_name, relevant_from):
    given = {"scale_maximum": 3, "relevant_from": relevant_from}
    run, qrels = ranked_run(run_name), effective_grades()
    assert_same(ours(NAMES, run, qrels, **given), by_ir_measures(NAMES, run, qrels, **given))


@pytest.mark.parametrize(("run_name", "ndcg", "empty_count"), [("bm25-title", 0.530, 8), ("bm25-all-fields", 0.624, 6)])
def test_the_electronics_runs_as_a_whole_score_as_ir_measures_says(run_name, ndcg, empty_count):
    names = ["NDCG@10", "P@10", "Recall@10", "MAP", "MRR@10"]
    metrics, run, qrels = parse_metrics(names), ranked_run(run_name), effective_grades()
    assert sum(not ranked for ranked in run.values()) == empty_count
    scores = (
        score_query(metrics, ranked, qrels.get(query, {}), scale_maximum=3, relevant_from=1)
        for query, ranked in run.items()
    )
    summary = aggregate(metrics, scores)
    assert (summary.scored_query_count, summary.query_count) == (135, 135)
    assert summary.values["NDCG@10"] == pytest.approx(ndcg, abs=5e-4)
    for name in names:  # each in a call of its own
        measure = measures_of(name, 3, 1)
        expected = ir_measures.calc_aggregate([measure], qrels, falling_scores(run))[measure]
        assert summary.values[name] == pytest.approx(expected, **EXACT), name


@pytest.mark.parametrize("run_name", RUN_NAMES)
def test_the_electronics_runs_score_as_pytrec_eval_says(run_name):
    oracle_names = {"NDCG_lin@10": "ndcg_cut_10", "P@10": "P_10", "Recall@10": "recall_10", "MAP": "map"}
    oracle_names |= {"MAP@10": "map_cut_10", "MRR": "recip_rank"}
    run, qrels = ranked_run(run_name), effective_grades()
    result = pytrec_eval.RelevanceEvaluator(qrels, set(oracle_names.values())).evaluate(falling_scores(run))
    values = ours(list(oracle_names), run, qrels, scale_maximum=3, relevant_from=1)
    for name, oracle_name in oracle_names.items():
        expected = {query: row[oracle_name] for query, row in result.items()}
        assert {query: values[name][query] for query in expected} == pytest.approx(expected, **EXACT), name
        assert all(values[name][query] == 0.0 for query in qrels.keys() - expected.keys())


@pytest.mark.parametrize("run_name", RUN_NAMES)
def test_err_and_ndcg_of_the_electronics_runs_equal_gdeval_s(run_name, tmp_path):
    run, qrels = ranked_run(run_name), effective_grades()
    values = ours(["NDCG@10", "ERR@10"], run, qrels, scale_maximum=3, relevant_from=1)
    expected = by_gdeval(run, qrels, 10, 3, tmp_path)
    assert values["NDCG@10"] == pytest.approx({query: pair[0] for query, pair in expected.items()}, **EXACT)
    assert values["ERR@10"] == pytest.approx({query: pair[1] for query, pair in expected.items()}, **EXACT)


def test_err_on_the_graded_scale_is_that_of_ir_measures_to_its_five_digits():
    qrels = {"1": {"a": 4, "b": 1, "c": 0, "d": 2}, "2": {"a": 0}}
    run = {"1": ["c", "b", "x", "a", "d"], "2": ["a"]}
    values = ours(["ERR@5"], run, qrels, scale_maximum=4, relevant_from=1)["ERR@5"]
    rows = ir_measures.iter_calc([ir_measures.ERR @ 5], qrels, falling_scores(run))
    assert values == pytest.approx({row.query_id: row.value for row in rows}, abs=6e-6)


@settings(max_examples=60, deadline=None)
@given(judged_runs())
def test_any_run_scores_as_ir_measures_says(case):
    run, qrels, scale_maximum, relevant_from = case
    given = {"scale_maximum": scale_maximum, "relevant_from": relevant_from}
    assert_same(ours(NAMES, run, qrels, **given), by_ir_measures(NAMES, run, qrels, **given))


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(case=judged_runs(), cutoff=st.sampled_from(CUTOFFS))
def test_any_run_has_the_err_and_exponential_ndcg_of_gdeval(case, cutoff, tmp_path):
    run, qrels, scale_maximum, relevant_from = case
    names = [f"NDCG@{cutoff}", f"ERR@{cutoff}"]
    values = ours(names, run, qrels, scale_maximum=scale_maximum, relevant_from=relevant_from)
    expected = by_gdeval(run, qrels, cutoff, scale_maximum, tmp_path)
    for index, name in enumerate(names):
        assert values[name] == pytest.approx({query: pair[index] for query, pair in expected.items()}, **EXACT)


@given(judged_runs())
def test_every_value_but_dcg_lies_between_zero_and_one(case):
    run, qrels, scale_maximum, relevant_from = case
    names = [
        "NDCG@3",
        "NDCG_lin@3",
        "P@3",
        "Recall@3",
        "F1@3",
        "MAP",
        "MAP@3",
        "MRR",
        "ERR@10",
        "RBP",
        "SDCG@3",
        "Judged@3",
    ]
    values = ours(names, run, qrels, scale_maximum=scale_maximum, relevant_from=relevant_from)
    assert all(0 <= value <= 1 for by_query in values.values() for value in by_query.values())


@pytest.mark.slow(seconds=4)
def test_f1_rbp_and_dcg_of_the_electronics_runs_are_those_of_ranx(monkeypatch):
    # Read when numba is first imported, hence the late import: compiling takes half a minute, interpreting 0.1 s.
    monkeypatch.setenv("NUMBA_DISABLE_JIT", "1")
    import ranx

    for run_name in RUN_NAMES:
        ranked, judged = ranked_run(run_name), effective_grades()
        run = {query: scores for query, scores in falling_scores(ranked).items() if query in judged}
        qrels = {query: judged[query] for query in run}
        # ranx weighs RBP by the grade; ours is binary, so its relevance is.
        binary = {query: {doc: int(grade >= 1) for doc, grade in grades.items()} for query, grades in qrels.items()}
        values = ours(["F1@10", "RBP", "DCG@10"], ranked, qrels, scale_maximum=3, relevant_from=1)
        for name, oracle_name, relevance in (
            ("F1@10", "f1@10", qrels),
            ("RBP", "rbp.8", binary),
            ("DCG@10", "dcg_burges@10", qrels),
        ):
            oracle_run = ranx.Run(run)
            ranx.evaluate(ranx.Qrels(relevance), oracle_run, oracle_name)
            assert values[name] == pytest.approx(dict(oracle_run.scores[oracle_name]), **EXACT), (run_name, name)
