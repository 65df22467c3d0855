"""People who grade check samples."""

from collections.abc import Mapping
from typing import Any

from rest_framework.test import APIClient

from judging import ledger
from judging.models import Candidate, CheckSample, EvaluationRun, Judgment, User
from judging.trust.samples.acts import create_check_sample
from judging.trust.samples.handing_out import HandedItem, next_items
from judging.trust.samples.states import get_check_sample, sample_state
from tests.factories import make_user
from tests.review.giving import GivenGrade, record_judgments


def start(run: EvaluationRun, goal: str = "certify", **fields: Any) -> CheckSample:
    actor = fields.pop("actor", None) or make_user()
    sample = create_check_sample(run=run, goal=goal, actor=actor, **fields)
    return get_check_sample(sample.pk)


def pair_of(item: HandedItem) -> tuple[str, str]:
    return item.candidate.run_query.text, item.candidate.document.external_id


def grade(person: User, items: list[HandedItem], grades: Mapping[tuple[str, str], int]) -> None:
    """Give grades blind, one request per run as the API wants it."""
    by_run: dict[Any, list[GivenGrade]] = {}
    for item in items:
        given = GivenGrade(
            item.candidate.run_query_id, item.candidate.document.external_id, grades[pair_of(item)], saw_ai_grade=False
        )
        by_run.setdefault(item.candidate.run_id, []).append(given)
    for of_run in by_run.values():
        record_judgments(grades=of_run, actor=person)


def grade_queue(sample: CheckSample, person: User, grades: Mapping[tuple[str, str], int], *, most: int = 10**6) -> int:
    """Grade batch after batch until nothing is left or `most` are graded; return how many were."""
    done = 0
    while done < most:
        items = next_items(sample=sample, actor=person, count=min(100, most - done)).items
        if not items:
            break
        grade(person, items, grades)
        done += len(items)
    return done


def grade_beginning(
    sample: CheckSample, person: User, grades: Mapping[tuple[str, str], int], *, most: int = 10**6
) -> None:
    """Have the first items of a queue graded blind as `grade_queue` does, nothing handed out."""
    look = state_of(sample).look
    pks = [int(look.plan.items.candidates[item]) for item in look.to_do[:most]]
    rows = Candidate.objects.filter(pk__in=pks).select_related("run_query", "document")
    Judgment.objects.bulk_create(
        Judgment(
            corpus_id=sample.run.evaluation.corpus_id,
            query_id=row.query_id,
            document_id=row.document_id,
            scale=sample.run.scale,
            author_kind="member",
            member=person,
            grade=grades[row.run_query.text, row.document.external_id],
            blind_grade=grades[row.run_query.text, row.document.external_id],
            saw_ai_grade=False,
        )
        for row in rows
    )
    ledger.refresh_run(sample.run_id)


def state_of(sample: CheckSample) -> Any:
    return sample_state(get_check_sample(sample.pk))


def get(client: APIClient, sample: CheckSample, part: str = "", **query: Any) -> Any:
    response = client.get(f"/api/v1/check-samples/{sample.pk}{part}", query)
    assert response.status_code == 200, response.content
    return response.json()
