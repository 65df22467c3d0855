"""A certificate is issued when its rule holds, never changes, and becomes void for good when what it rests on does."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from rest_framework.test import APIClient

from judging.management.rescuing import rescue_all
from judging.models import Certificate, EvaluationRun, User
from judging.runs.evaluation_runs import update_run
from judging.runs.evaluations import delete_run
from judging.runs.locks import lock_run
from judging.runs.run_lists import get_evaluation_run
from judging.trust.certificates import issue_certificate
from judging.trust.samples.acts import create_check_sample
from judging.trust.samples.states import get_check_sample
from tests.databases import Standing
from tests.factories import candidate, make_judge, make_user
from tests.rest_clients import assert_problem
from tests.review.giving import GivenGrade, record_judgments
from tests.review.test_grid import ai_grades
from tests.trust.graded import make_graded_run
from tests.trust.test_agreement import AI, PEOPLE

pytestmark = [pytest.mark.django_db, pytest.mark.seldom]


@pytest.fixture(scope="module")
def made(standing: Standing) -> tuple[EvaluationRun, Certificate]:
    """A run whose candidates a person graded blind, all of them; and a certificate of another such run by P@5."""
    with standing():
        run, certified = (
            make_graded_run(ai=AI, raters={"ann": PEOPLE}, metrics=["P@5", "NDCG@5"], relevant_from=2) for _ in range(2)
        )
        actor = make_user()
        sample = create_check_sample(run=certified, goal="certify", metric="P@5", actor=actor)
        return run, issue_certificate(sample=get_check_sample(sample.pk), actor=actor)


@pytest.fixture
def run(db: None, made: tuple[EvaluationRun, Certificate]) -> EvaluationRun:
    return get_evaluation_run(made[0].pk)


@pytest.fixture
def certified(db: None, made: tuple[EvaluationRun, Certificate]) -> EvaluationRun:
    return get_evaluation_run(made[1].evaluation_run_id)


@pytest.fixture
def certificate(as_member: APIClient, made: tuple[EvaluationRun, Certificate]) -> dict[str, Any]:
    """The certificate of `certified` as REST tells it."""
    return read(as_member, {"id": made[1].pk})


def start(client: APIClient, run: EvaluationRun, metric: str = "P@5", **fields: Any) -> str:
    body = {"evaluation_run_id": str(run.pk), "goal": "certify", "metric": metric, **fields}
    response = client.post("/api/v1/check-samples", body, format="json")
    assert response.status_code == 201, response.content
    return str(response.json()["id"])


def issue(client: APIClient, run: EvaluationRun, metric: str = "P@5") -> dict[str, Any]:
    response = client.post(f"/api/v1/check-samples/{start(client, run, metric)}/certificate")
    assert response.status_code == 201, response.content
    body: dict[str, Any] = response.json()
    return body


def read(client: APIClient, certificate: dict[str, Any]) -> dict[str, Any]:
    body: dict[str, Any] = client.get(f"/api/v1/certificates/{certificate['id']}").json()
    return body


@pytest.mark.parametrize("metric", ["P@5", "NDCG@5"])
def test_a_run_that_people_graded_wholly_is_certified_with_the_metric_itself(
    as_member: APIClient, run: EvaluationRun, metric: str
) -> None:
    certificate = issue(as_member, run, metric)
    figure = certificate["estimate"]
    assert figure["value"] == pytest.approx(run.metric_values[metric], abs=1e-12)
    assert figure["low"] == figure["high"] == figure["value"]
    assert figure["low_total"] < figure["value"] < figure["high_total"]
    assert (certificate["status"], certificate["void_reason"]) == ("valid", None)
    assert certificate["people"] == [{"author": "ann", "count": 72}]
    assert certificate["graded_share"] == 1.0


def test_too_few_grades_are_refused_with_what_is_missing(as_member: APIClient) -> None:
    few = make_graded_run(ai=AI, raters={"ann": [[1] + [None] * 5] * 12}, metrics=["P@5"])
    problem = assert_problem(
        as_member.post(f"/api/v1/check-samples/{start(as_member, few)}/certificate"), 409, "not_certified"
    )
    assert problem["missing"]["refused_code"] == "too_few_grades"
    assert problem["missing"]["needed_count"] > 0


def test_agreement_is_nothing_to_certify(as_member: APIClient, run: EvaluationRun) -> None:
    body = {"evaluation_run_id": str(run.pk), "goal": "agreement"}
    sample = as_member.post("/api/v1/check-samples", body, format="json").json()["id"]
    assert_problem(as_member.post(f"/api/v1/check-samples/{sample}/certificate"), 409, "not_certified")


def test_more_grades_of_people_leave_it_valid_and_as_it_was(
    as_member: APIClient, certified: EvaluationRun, certificate: dict[str, Any], member: User
) -> None:
    row = candidate(certified, "query 0", "d1")
    record_judgments(grades=[GivenGrade(row.run_query_id, "d1", 4, saw_ai_grade=False)], actor=member)
    rescue_all()
    assert read(as_member, certificate) == certificate
    assert Certificate.objects.get().checked_judgments_at is not None


def test_another_ai_grade_voids_it_for_good(
    as_member: APIClient, certified: EvaluationRun, certificate: dict[str, Any]
) -> None:
    row = candidate(certified, "query 0", "d1")
    was = row.ai_grade
    ai_grades(certified, {("query 0", "d1"): 4 if was != 4 else 3})
    rescue_all()
    assert read(as_member, certificate)["void_reason"] == "judge_of_record_changed"
    assert was is not None
    ai_grades(certified, {("query 0", "d1"): was})
    rescue_all()
    assert read(as_member, certificate)["status"] == "void"


def test_it_is_void_even_when_the_grade_is_set_back_before_anybody_looks(
    as_member: APIClient, run: EvaluationRun
) -> None:
    judge = make_judge()
    was = 3
    ai_grades(run, {("query 0", "d1"): was}, judge)
    certificate = issue(as_member, run)
    ai_grades(run, {("query 0", "d1"): 4}, judge)
    ai_grades(run, {("query 0", "d1"): was}, judge)
    told = read(as_member, certificate)
    assert (told["status"], told["void_reason"]) == ("void", "judge_of_record_changed")


def test_what_it_does_not_rest_on_leaves_it_valid(as_member: APIClient, run: EvaluationRun) -> None:
    judge = make_judge()
    ai_grades(run, {("query 0", "d1"): 3}, judge)
    deep, whole = issue(as_member, run), issue(as_member, run, "NDCG@5")
    ai_grades(run, {("query 0", "d1"): 3}, judge)  # the same judge says the same again
    rescue_all()
    assert [read(as_member, each)["status"] for each in (deep, whole)] == ["valid", "valid"]
    ai_grades(run, {("query 0", "d6"): 1}, judge)  # below the first five, but part of its whole query
    rescue_all()
    assert [read(as_member, each)["status"] for each in (deep, whole)] == ["valid", "void"]


def test_another_judge_with_the_same_grade_voids_it(
    as_member: APIClient, certified: EvaluationRun, certificate: dict[str, Any]
) -> None:
    was = candidate(certified, "query 0", "d1").ai_grade
    assert was is not None
    ai_grades(certified, {("query 0", "d1"): was})
    assert read(as_member, certificate)["void_reason"] == "judge_of_record_changed"


def test_where_relevant_begins_voids_it_even_when_set_back_at_once(
    as_member: APIClient, certified: EvaluationRun, certificate: dict[str, Any], member: User
) -> None:
    update_run(run=certified, actor=member, relevant_from=3)
    update_run(run=certified, actor=member, relevant_from=2)
    told = read(as_member, certificate)
    assert (told["status"], told["void_reason"]) == ("void", "relevant_from_changed")
    assert told["voided_at"] is not None


def test_it_outlives_its_run_and_its_sample(
    as_member: APIClient, certified: EvaluationRun, certificate: dict[str, Any], member: User
) -> None:
    as_member.delete(f"/api/v1/check-samples/{certificate['check_sample_id']}")
    assert read(as_member, certificate) == certificate
    delete_run(actor=member, run=certified)
    assert read(as_member, certificate)["void_reason"] == "run_deleted"


def test_a_locked_run_is_certified_from_its_snapshot_and_stays_so(
    as_member: APIClient, run: EvaluationRun, member: User
) -> None:
    sample = start(as_member, run)
    lock_run(run=run, actor=member)
    response = as_member.post(f"/api/v1/check-samples/{sample}/certificate")
    assert response.status_code == 201, response.content
    ai_grades(run, {("query 0", "d1"): 0})
    rescue_all()
    assert read(as_member, response.json())["status"] == "valid"


def test_the_report_tells_estimates_samples_and_certificates(
    as_member: APIClient, certified: EvaluationRun, certificate: dict[str, Any]
) -> None:
    body = as_member.get(f"/api/v1/evaluations/runs/{certified.pk}/trust").json()
    assert body["certificates"] == [certificate]
    assert [sample["id"] for sample in body["check_samples"]] == [certificate["check_sample_id"]]
    assert body["estimates"]["P@5"]["estimate"] == certificate["estimate"]
    assert body["estimates"]["P@5"]["effective"] == certified.metric_values["P@5"]
    assert body["estimates"]["NDCG@5"]["estimate"]["refused_code"] == "no_check_sample"


def test_a_sample_answers_for_metrics_that_look_at_less(as_member: APIClient, run: EvaluationRun) -> None:
    update_run(run=run, actor=as_member.user, metrics=["P@3", "SDCG@5", "P@6", "Judged@5"])  # type: ignore[attr-defined]
    start(as_member, run)
    told = as_member.get(f"/api/v1/evaluations/runs/{run.pk}/trust").json()["estimates"]
    run.refresh_from_db()
    assert told["P@3"]["estimate"]["value"] == pytest.approx(run.metric_values["P@3"], abs=1e-12)
    assert told["SDCG@5"]["estimate"]["value"] == pytest.approx(run.metric_values["SDCG@5"], abs=1e-12)
    assert told["P@6"]["estimate"]["refused_code"] == "metric_too_deep"
    assert told["Judged@5"]["estimate"]["refused_code"] == "not_estimable"


def test_raters_neither_issue_nor_read_certificates(as_rater: APIClient, certificate: dict[str, Any]) -> None:
    assert_problem(as_rater.get(f"/api/v1/certificates/{certificate['id']}"), 403)
    assert_problem(as_rater.post(f"/api/v1/check-samples/{certificate['check_sample_id']}/certificate"), 403)


def test_pages_show_the_certificate_its_file_and_its_badge(
    client: Client, as_member: APIClient, run: EvaluationRun, member: User
) -> None:
    sample = start(as_member, run)
    client.force_login(member)
    assert reverse("certify", args=[sample]) in client.get(reverse("run_trust", args=[run.pk])).content.decode()
    address = client.post(reverse("certify", args=[sample])).headers["Location"]
    page = client.get(address).content.decode()
    assert f"<strong>{run.metric_values['P@5']:.3f}</strong>" in page
    certificate = Certificate.objects.get(evaluation_run_id=run.pk)
    saved = client.get(reverse("certificate_export", args=[certificate.pk]))
    assert saved.json() == as_member.get(f"/api/v1/certificates/{certificate.pk}").json()
    badge = reverse("certificate", args=[certificate.pk])
    assert badge in client.get(reverse("evaluation_run", args=[run.pk])).content.decode()
    update_run(run=run, actor=member, relevant_from=3)
    assert badge not in client.get(reverse("evaluation_run", args=[run.pk])).content.decode()
    assert "relevant begins at another grade" in client.get(address).content.decode()


def test_the_page_says_what_is_missing_in_place_of_a_certificate(
    client: Client, as_member: APIClient, member: User
) -> None:
    few = make_graded_run(ai=AI, raters={"ann": [[1] + [None] * 5] * 12}, metrics=["P@5"])
    sample = start(as_member, few)
    client.force_login(member)
    page = client.get(reverse("run_trust", args=[few.pk])).content.decode()
    assert "Fewer than 75 grades" in page
    assert reverse("certify", args=[sample]) not in page
    assert client.post(reverse("certify", args=[sample])).status_code == 409
