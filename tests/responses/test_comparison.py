"""Two batches of the same inputs beside each other, on the page and at /v1."""

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from rest_framework.test import APIClient

from judging.models import BatchExecution, EvaluatorResult, ResponseJudge, User
from judging.responses.executions import create_batch
from judging.responses.inputs import BatchInput
from judging.responses.plans import plan_judge
from tests.markup import one_line
from tests.responses.conftest import MakeJudge


def ended(user: User, judge: ResponseJudge, scores: dict[str, list[float | None]]) -> BatchExecution:
    """Make a batch that has ended, with the scores of each response in the order of the evaluators; None: failed."""
    inputs = [BatchInput(request="<b>q</b>", response=text) for text in scores]
    batch = create_batch(actor=user, plan=plan_judge(actor=user, judge_id=judge.pk), inputs=inputs)
    given = [score for row in scores.values() for score in row]
    for result, score in zip(EvaluatorResult.objects.filter(batch=batch).order_by("pk"), given, strict=True):
        result.status, result.score = ("failed", None) if score is None else ("scored", score)
        result.failure_code = "unparseable" if score is None else ""
        result.save(update_fields=["status", "score", "failure_code"])
    count = len(inputs)
    BatchExecution.objects.filter(pk=batch.pk).update(status="completed", completed_count=count)
    return BatchExecution.objects.get(pk=batch.pk)


@pytest.fixture
def two(member: User, make_judge: MakeJudge) -> tuple[BatchExecution, BatchExecution]:
    judge = make_judge("Fit", "Tone")
    first = ended(member, judge, {"same": [0.5, 0.5], "apart": [0.9, 0.8], "lost": [0.7, 0.7], "here": [1.0, 1.0]})
    second = ended(member, judge, {"lost": [None, 0.7], "apart": [0.2, 0.7], "same": [0.5, 0.5]})
    return first, second


def test_the_largest_differences_come_first_whatever_the_order(
    client: APIClient, two: tuple[BatchExecution, BatchExecution]
) -> None:
    answer = client.get(f"/v1/judges/batch-executions/{two[0].pk}/compare/{two[1].pk}/").json()
    assert (answer["common_count"], answer["only_here"], answer["only_there"]) == (3, 1, 0)
    names = ("index", "other_index", "evaluator_name", "score", "other_score")
    assert [tuple(row[name] for name in names) for row in answer["scores"][:3]] == [
        (2, 0, "Fit", 0.7, None),
        (1, 1, "Fit", 0.9, 0.2),
        (1, 1, "Tone", 0.8, 0.7),
    ]
    fit, tone = answer["evaluators"]
    assert (fit["compared_count"], fit["close_count"], fit["missing_count"]) == (2, 1, 1)
    assert (tone["compared_count"], tone["close_count"], tone["missing_count"]) == (3, 3, 0)
    assert (fit["mean"], fit["other_mean"], fit["mean_distance"]) == pytest.approx((0.7, 0.35, 0.35))


def test_single_evaluators_are_compared_whatever_they_are_called(
    client: APIClient, member: User, make_judge: MakeJudge
) -> None:
    first = ended(member, make_judge("Strict"), {"a": [0.1]})
    second = ended(member, make_judge("Lenient"), {"a": [0.9]})
    answer = client.get(f"/v1/judges/batch-executions/{first.pk}/compare/{second.pk}/").json()
    assert [row["difference"] for row in answer["scores"]] == pytest.approx([0.8])
    assert answer["evaluators"][0]["other_evaluator_name"] == "Lenient"


def test_batches_without_a_common_input_or_an_end_are_refused(
    client: APIClient, member: User, make_judge: MakeJudge, two: tuple[BatchExecution, BatchExecution]
) -> None:
    judge = make_judge("Fit")
    for other, code in ((ended(member, judge, {"else": [0.5]}), "nothing_in_common"), (two[1], "not_ended")):
        if code == "not_ended":
            BatchExecution.objects.filter(pk=other.pk).update(status="processing")
        answer = client.get(f"/v1/judges/batch-executions/{two[0].pk}/compare/{other.pk}/")
        assert answer.status_code == 409
        assert code in answer.content.decode()


def test_the_page_links_the_items_and_costs_no_query_per_row(
    member: User, two: tuple[BatchExecution, BatchExecution], make_judge: MakeJudge
) -> None:
    web = Client()
    web.force_login(member, backend="django.contrib.auth.backends.ModelBackend")
    address = reverse("compare_batch", args=[two[0].pk])
    with CaptureQueriesContext(connection) as few:
        page = one_line(web.get(address, {"with": str(two[1].pk)}).content.decode())
    assert "<b>3</b> inputs in both" in page
    assert f'<a href="{reverse("batch", args=[two[0].pk])}#item-2">2</a> &lt;b&gt;q&lt;/b&gt;' in page
    judge = make_judge("Fit", "Tone")
    many = [ended(member, judge, {f"r{n}": [0.5, 0.5] for n in range(20)}) for _ in range(2)]
    with CaptureQueriesContext(connection) as more:
        web.get(reverse("compare_batch", args=[many[0].pk]), {"with": str(many[1].pk)})
    assert len(more) <= len(few)
    assert web.get(address, {"with": "no-id"}).status_code == 404
    assert "have no input in common" in web.get(address, {"with": str(many[0].pk)}).content.decode()
