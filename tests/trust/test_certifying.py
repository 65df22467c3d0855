"""The shipped sample data: with the shipped judge, less than a third of the grades certify P@10."""

import csv
from collections import defaultdict
from pathlib import Path

import pytest
from django.conf import settings

from judging import ledger
from judging.models import Candidate, Corpus, EvaluationRun, ImportedRater, Judgment
from judging.trust.samples.states import Reader
from tests.factories import make_evaluation, make_run
from tests.metrics.metrics_data import people_grades
from tests.statistics.electronics import all_pairs
from tests.trust.sampled import start, state_of

pytestmark = pytest.mark.django_db

PERSON = "rater-1"
LOOK_EVERY = 20


def sample_texts() -> dict[str, str]:
    """Return the texts of the sample's queries by label."""
    with (Path(settings.BASE_DIR) / "judging" / "demo" / "queries.tsv").open(encoding="utf-8", newline="") as file:
        return {row[0]: row[1] for row in csv.reader(file, delimiter="\t")}


def certifying_run(texts: dict[str, str]) -> EvaluationRun:
    """Make a run of the first ten judged documents of the 92 queries with as many, by BM25, with the local judge's grades."""
    pool = all_pairs()
    ranked: dict[str, dict[int, str]] = defaultdict(dict)
    ai: dict[tuple[str, str], int] = {}
    for (query, document), rank, grade in zip(pool.labels, pool.rank, pool.ai, strict=True):
        if 0 < rank <= 10:
            ranked[texts[query]][int(rank)] = document
            ai[texts[query], document] = int(grade)
    results = {text: [documents[rank] for rank in sorted(documents)] for text, documents in ranked.items()}
    corpus = Corpus.objects.create(name="electronics", seed=1)
    run = make_run(
        results, evaluation=make_evaluation(corpus), scale="trec", relevant_from=2, metrics=["P@10"], name="BM25"
    )
    Judgment.objects.bulk_create(
        judgment(row, ai[row.run_query.text, row.document.external_id], author_kind="ai", judge_label="Local v1")
        for row in Candidate.objects.filter(run=run).select_related("run_query", "document", "run__evaluation")
    )
    ledger.refresh_run(run.pk)
    return run


@pytest.fixture
def texts() -> dict[str, str]:
    return sample_texts()


@pytest.fixture
def run(texts: dict[str, str]) -> EvaluationRun:
    return certifying_run(texts)


def judgment(row: Candidate, grade: int, **fields: object) -> Judgment:
    return Judgment(
        corpus_id=row.run.evaluation.corpus_id,
        query_id=row.query_id,
        document_id=row.document_id,
        scale="trec",
        grade=grade,
        **fields,
    )


@pytest.mark.slow(seconds=4)
def test_p_at_10_is_certified_with_less_than_a_third_of_its_candidates_graded(
    run: EvaluationRun, texts: dict[str, str]
) -> None:
    person = ImportedRater.objects.create(corpus=run.evaluation.corpus, name=PERSON)
    of_text = {text: query for query, text in texts.items()}
    sample = start(run, metric="P@10")
    state = state_of(sample)
    assert state.population_count == 920
    assert 100 <= state.needed_count <= 300
    while not state.is_certified and state.status == "open":
        plan = state.look.plan
        rows = Candidate.objects.select_related("run_query", "document", "run__evaluation").in_bulk(
            [int(plan.items.candidates[item]) for item in state.look.to_do[:LOOK_EVERY]]
        )
        Judgment.objects.bulk_create(
            judgment(row, grade, author_kind="rater", rater=person, blind_grade=grade)
            for row in rows.values()
            for grade in [people_grades()[of_text[row.run_query.text], row.document.external_id][PERSON]]
        )
        state = state_of(sample)
    share = state.graded_count / state.population_count
    figure = state.estimate
    truth = people_value(run, of_text)
    assert state.is_certified
    assert state.status == "reached"
    assert state.graded_count >= 100
    assert share <= 0.30
    assert figure.low_total <= truth <= figure.high_total
    assert abs(figure.value - truth) < 0.06


def people_value(run: EvaluationRun, of_text: dict[str, str]) -> float:
    grades = Reader().grades(run)
    rows = Candidate.objects.filter(run=run, rank__lte=10).values_list("run_query__text", "document__external_id")
    relevant = sum(people_grades()[of_text[text], document][PERSON] >= 2 for text, document in rows)
    return relevant / 10 / len(grades.query_ids)
