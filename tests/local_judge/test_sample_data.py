"""The real embedder on some of the sample data. How good it is on all: scripts/calibrate_local_judge.py --check."""

import csv
import json

import numpy as np
import pytest

from judging.demo.electronics import DATA
from judging.local_judge.reading import Document, field_texts
from judging.local_judge.scoring import Embedder, load_calibration, score_documents
from judging.statistics.agreement.coefficients import coefficient
from judging.statistics.tables import query_tables


@pytest.mark.slow(seconds=5)
def test_the_judge_agrees_with_people_about_the_sample_data() -> None:
    texts = dict(line.split("\t") for line in (DATA / "queries.tsv").read_text(encoding="utf-8").splitlines())
    documents = {
        row["doc_id"]: Document(row["doc_id"], row["title"], field_texts(json.dumps(row["fields"])))
        for row in map(json.loads, (DATA / "documents.jsonl").read_text(encoding="utf-8").splitlines())
    }
    judged: dict[str, dict[str, list[int]]] = {}
    with (DATA / "judgments.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            judged.setdefault(row["query_id"], {}).setdefault(row["doc_id"], []).append(int(row["grade"]))
    embedder, calibration = Embedder(), load_calibration()
    pairs: list[tuple[int, int]] = []
    for query in sorted(judged)[::14]:
        people = dict(sorted(judged[query].items())[:6])
        found, _ = score_documents(
            texts[query], [documents[name] for name in people], embedder=embedder, calibration=calibration
        )
        grades = [calibration.grade(score.relevance, 0, 3) for score in found]
        pairs += zip(grades, (round(sum(given) / len(given)) for given in people.values()), strict=True)
    embedder.close()
    assert len(pairs) > 40
    by_judge, by_people = np.array(pairs).T
    table = query_tables(np.zeros(len(pairs), dtype=int), by_judge, by_people, grade_count=4)[0]
    assert float(coefficient("kappa_quadratic", relevant_from=2)(table)) > 0.4
