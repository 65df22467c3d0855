"""The electronics collection as plain dicts, for the metric tests."""

import csv
from collections import defaultdict
from functools import cache
from pathlib import Path

DEMO = Path(__file__).resolve().parents[2] / "judging" / "demo"
RUN_NAMES = ("bm25-title", "bm25-all-fields")

Qrels = dict[str, dict[str, int]]
Run = dict[str, list[str]]


@cache
def people_grades() -> dict[tuple[str, str], dict[str, int]]:
    """Grades by (query, document), then by rater."""
    grades: dict[tuple[str, str], dict[str, int]] = defaultdict(dict)
    with (DEMO / "judgments.csv").open(newline="") as file:
        for row in csv.DictReader(file):
            grades[row["query_id"], row["doc_id"]][row["rater"]] = int(row["grade"])
    return grades


@cache
def effective_grades() -> Qrels:
    """The mean of the people's grades, rounded half up, by query and document."""
    qrels: Qrels = defaultdict(dict)
    for (query, document), by_rater in people_grades().items():
        count = len(by_rater)
        qrels[query][document] = (2 * sum(by_rater.values()) + count) // (2 * count)
    return dict(qrels)


@cache
def query_labels() -> list[str]:
    return [line.split("\t")[0] for line in (DEMO / "queries.tsv").read_text().splitlines()]


@cache
def ranked_run(name: str) -> Run:
    """The documents of each query in the order of the rank column."""
    rows: dict[str, list[tuple[int, str]]] = {label: [] for label in query_labels()}
    for line in (DEMO / f"{name}.run").read_text().splitlines():
        query, _, document, rank, _, _ = line.split()
        rows[query].append((int(rank), document))
    return {query: [document for _, document in sorted(ranked)] for query, ranked in rows.items()}


def falling_scores(run: Run) -> dict[str, dict[str, float]]:
    """A run as the oracles want it. They sort by score, so scores fall strictly with the rank."""
    return {
        query: {document: float(len(ranked) - index) for index, document in enumerate(ranked)}
        for query, ranked in run.items()
        if ranked
    }
