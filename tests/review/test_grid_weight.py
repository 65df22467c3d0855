"""What a page of the review grid weighs, with rows such as a shop has them."""

import json
from itertools import islice

import pytest

from judging import ledger
from judging.demo.electronics import DATA
from judging.ledger import PersonGrade
from judging.ledger.ai_grades import AIGrade, Source, record_ai_grades
from judging.models import Candidate, DocumentVersion, EvaluationRun, JudgingRun, User
from judging.review.judgments import record_judgments
from tests.factories import make_judge, make_run, make_user
from tests.review.test_grid_page import client_of, page_of, row_ids

REASONING = (
    "It is what was asked for: brand and kind agree, and the description names the size. A shopper who looks for "
    "exactly this model would be served, though the colour differs from the one in the query."
)


@pytest.fixture
def shop_run(db: None) -> EvaluationRun:
    """A hundred products, all graded by an AI with its reasons and by one person, half of them by another."""
    run = make_run({f"hp print head {number}": [f"{number * 10 + each + 35_000_000}" for each in range(10)]
                    for number in range(10)}, scale="graded")  # fmt: skip
    with (DATA / "documents.jsonl").open(encoding="utf-8") as file:
        documents = [json.loads(line) for line in islice(file, 100)]
    versions = list(DocumentVersion.objects.all())
    for shown, document in zip(versions, documents, strict=True):
        shown.title, shown.fields = document["title"], document["fields"]
        shown.image = f"https://images.shop.example/products/{document['doc_id']}/main-640.jpg"
    DocumentVersion.objects.bulk_update(versions, ["title", "fields", "image"])
    judge_version = make_judge(name="Careful shopper").versions.get()
    judging_run = JudgingRun.objects.create(
        evaluation_run=run, judge_version=judge_version, provider_name="p", provider_type="custom", max_concurrency=8,
        status="completed",
    )  # fmt: skip
    candidates = list(Candidate.objects.filter(run=run))
    record_ai_grades(
        [AIGrade(row.query_id, row.document_id, row.pk % 5, REASONING) for row in candidates],
        corpus_id=run.evaluation.corpus_id,
        scale=run.scale,
        source=Source(judging_run.pk, judging_run.created_at, judge_version.pk, judge_version.label),
        unlocked_run_ids=ledger.lock_unlocked_runs(run.evaluation.corpus_id, run.scale),
    )
    for number, share in enumerate((1, 2)):
        grades = [PersonGrade(row.pk, row.pk % 5) for row in candidates[::share]]
        record_judgments(run=run, grades=grades, actor=make_user(email=f"rater-{number}@shop.example"))
    return run


@pytest.mark.seldom
def test_a_page_of_a_hundred_rows_weighs_at_most_120_kb(shop_run: EvaluationRun, member: User) -> None:
    for ordering in ("query", "rank"):
        page = page_of(client_of(member), shop_run, ordering=ordering)
        assert len(row_ids(page)) == 100
        assert len(page.encode()) <= 120_000, ordering
