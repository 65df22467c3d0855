"""AI judging runs at services that refuse everything, count nothing, cut prompts or are something else altogether."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from rest_framework.test import APIClient

from judging.judging_runs.estimate import estimate
from judging.judging_runs.scope import JudgingScope
from judging.judging_runs.starting import JudgingOptions, resolve_scope
from judging.management.rescuing import rescue_all
from judging.models import AIProvider, EvaluationRun, JudgingRun, JudgingRunStatus, Judgment, Lane, Scope
from judging.work.slices import work_slice
from judging.work.words import Turn
from tests.draining import drain, next_task
from tests.judging_runs.judging import Start, expire, full, items_by_document, reread, small_run
from tests.stub.fixtures import Stub

pytestmark = pytest.mark.seldom

REFUSAL = {"error": {"message": "m is not a valid model ID", "code": 400}}
FILTERED = {"error": {"message": "The response was filtered", "code": "content_filter"}}


def refuse(stub: Stub, body: Any = REFUSAL, **more: Any) -> None:
    stub.script(fault="refused", custom={"refused": {"status": 400, "body": body}, **more.pop("custom", {})}, **more)


# A service that refuses every prompt


def test_a_run_whose_first_prompts_are_all_refused_ends(start: Start, stub: Stub) -> None:
    refuse(stub)
    run = start(small_run(10, 10), max_concurrency=4)
    drain()
    run = reread(run)
    assert (run.status, run.error_code, run.judged_count) == (JudgingRunStatus.FAILED, "all_refused", 0)
    assert REFUSAL["error"]["message"] in run.error
    assert 24 <= stub.calls <= 24 + 4
    assert run.skipped_count >= 100 - (24 + 4)
    assert not Judgment.objects.exists()


@pytest.mark.parametrize(
    ("queries", "candidates", "error"),
    [
        (1, 3, {"message": "Model Not Exist", "code": "invalid_request_error"}),
        (2, 2, {"message": "litellm.BadRequestError: Invalid model name passed in model=m", "code": "400"}),
        (5, 4, {"message": "generation_config: sampling value out of range"}),
        (1, 24, REFUSAL["error"]),
        (1, 40, REFUSAL["error"]),
    ],
)
def test_a_short_run_ends_so_when_all_its_prompts_are_refused(
    start: Start, stub: Stub, queries: int, candidates: int, error: dict[str, Any]
) -> None:
    refuse(stub, {"error": error})
    run = start(small_run(queries, candidates), max_concurrency=1)
    drain()
    run = reread(run)
    assert (run.status, run.error_code) == (JudgingRunStatus.FAILED, "all_refused")
    assert error["message"] in run.error
    assert stub.calls == min(queries * candidates, 24)


def test_one_or_two_prompts_tell_nothing(start: Start, stub: Stub) -> None:
    refuse(stub)
    run = start(small_run(1, 2))
    drain()
    assert (reread(run).status, run.error_code) == (JudgingRunStatus.COMPLETED, "")


def test_the_refusals_of_one_query_tell_nothing_while_there_are_others(start: Start, stub: Stub) -> None:
    refuse(stub, by_candidate={f"d1-{number}": "" for number in range(26)})
    run = start(small_run(2, 26), max_concurrency=1)
    drain()
    run = reread(run)
    assert (run.status, run.judged_count, run.failed_count) == (JudgingRunStatus.COMPLETED, 26, 26)


def test_one_answer_is_enough_to_go_on(start: Start, stub: Stub) -> None:
    refuse(stub, by_call={3: ""})
    run = start(small_run(6, 5), max_concurrency=1)
    drain()
    assert (reread(run).status, reread(run).judged_count) == (JudgingRunStatus.COMPLETED, 1)


def test_an_answer_that_can_not_be_read_is_an_answer(start: Start, stub: Stub) -> None:
    refuse(stub, by_call={3: "prose"})
    run = start(small_run(6, 5), max_concurrency=1, max_reasks=0)
    drain()
    assert reread(run).status == JudgingRunStatus.COMPLETED


def test_a_run_of_filtered_prompts_is_completed(start: Start, stub: Stub) -> None:
    bodies = [
        FILTERED,
        {"error": {"message": "Your request was flagged by our moderation.", "code": "invalid_prompt"}},
        {"error": {"message": "bad", "innererror": {"code": "ResponsibleAIPolicyViolation"}}},
        {"error": {"message": "Content Exists Risk", "code": "invalid_request_error"}},
    ]
    stub.script(
        by_candidate={f"d{query}-{number}": f"filter {number}" for query in range(7) for number in range(4)},
        custom={f"filter {number}": {"status": 400, "body": body} for number, body in enumerate(bodies)},
    )
    run = start(small_run(7, 4))
    drain()
    run = reread(run)
    assert (run.status, run.failed_count) == (JudgingRunStatus.COMPLETED, 28)
    assert {item.failure_code for item in run.items.all()} == {"request_rejected"}
    # not one of them says that the service refuses whatever it is asked
    assert run.refused_prompt_count == 0


def test_one_filtered_prompt_among_others_is_one_failed_item(start: Start, stub: Stub) -> None:
    stub.script(by_candidate={"d1-1": "odd"}, custom={"odd": {"status": 400, "body": FILTERED}})
    run = start()
    drain()
    assert (reread(run).status, reread(run).failed_count) == (JudgingRunStatus.COMPLETED, 1)


def test_candidates_tried_alone_after_a_refused_prompt_are_not_counted_again(start: Start, stub: Stub) -> None:
    # every prompt of several is refused, and each of the first ten candidates alone, too
    alone = {f"d{query}-{number}": ["refused"] * 9 for query in range(2) for number in range(5)}
    refuse(stub, by_candidate=alone, after_calls=0)
    run = start(small_run(30, 5), batch_size=5, max_concurrency=1)
    while reread(run).call_count < 12 and (task := next_task()):
        task[0](*task[1])
    drain()
    run = reread(run)
    assert run.error_code == "all_refused"
    assert run.refused_prompt_count == 24
    # 24 prompts, and the five candidates of all but the last, which was never taken apart
    assert stub.calls == 24 + 23 * 5


def test_the_count_goes_on_after_a_kill_and_on_several_lanes(start: Start, stub: Stub) -> None:
    refuse(stub)
    run = start(small_run(30, 10), max_concurrency=64)
    lanes = list(Lane.objects.filter(job_id=run.pk).order_by("number"))
    assert len(lanes) == 2
    Lane.objects.filter(pk__in=[lane.pk for lane in lanes]).update(concurrency=1)
    JudgingRun.objects.filter(pk=run.pk).update(refused_prompt_count=20, refused_subject="x")
    work_slice(lanes[0].pk, turn=Turn(0.0, 0.0))
    expire(lanes[0])
    rescue_all()
    drain()
    run = reread(run)
    assert run.error_code == "all_refused"
    assert 4 <= stub.calls <= 4 + 2


# A service that is something else


@pytest.mark.parametrize(("fault", "candidates"), [("wrong_route", 1), ("html", 20)])
def test_a_wrong_address_is_told_after_a_few_calls(start: Start, stub: Stub, fault: str, candidates: int) -> None:
    stub.script(fault=fault)
    run = start(small_run(1, candidates), max_concurrency=4)
    drain()
    run = reread(run)
    assert (run.status, run.error_code) == (JudgingRunStatus.FAILED, "misconfigured")
    assert stub.base_url in run.error
    assert "check the provider's address" in run.error
    assert 5 <= stub.calls <= 5 + 4
    assert not Judgment.objects.exists()


def test_a_web_page_now_and_then_is_trouble_of_the_moment(start: Start, stub: Stub) -> None:
    stub.script(by_call={1: "html", 2: "html", **dict.fromkeys(range(5, 13), "html")})
    run = start(max_concurrency=1)
    drain()
    assert (reread(run).status, reread(run).judged_count) == (JudgingRunStatus.COMPLETED, 20)


# Thoughts and refusals


def test_an_answer_in_the_reasoning_alone_is_kept_with_its_item(start: Start, stub: Stub, as_member: APIClient) -> None:
    stub.script(by_candidate={"d0-0": "reasoning"})
    run = start(small_run(1, 2))
    drain()
    item = items_by_document(reread(run))["d0-0"]
    assert (item.failure_code, item.grade) == ("empty_reply", None)
    assert "the model answered only in its reasoning" in item.failure_message
    rows = as_member.get(f"/api/v1/ai-judging-runs/{run.pk}/items?status=failed").json()["results"]
    assert "reasoning_content" in rows[0]["raw_reply"]


def test_a_filtered_reply_is_refused_and_not_asked_again(start: Start, stub: Stub) -> None:
    stub.script(by_candidate={"d0-0": "filtered:content_filter: PROHIBITED_CONTENT"})
    run = start(small_run(1, 2))
    drain()
    assert items_by_document(reread(run))["d0-0"].failure_code == "refused"
    assert stub.calls == 2


def test_a_draft_in_the_thoughts_is_no_judgment(start: Start, stub: Stub) -> None:
    stub.script(text='Maybe <candidate id="d0-0"><grade>1</grade></candidate> Hmm, wait.\n</think>')
    run = start(small_run(1, 1))
    drain()
    assert (reread(run).failed_count, Judgment.objects.count()) == (1, 0)


# Tokens


@pytest.mark.parametrize("fault", ["no_usage", "zero_usage"])
def test_tokens_that_nobody_counts_are_estimated_and_marked(
    start: Start, stub: Stub, as_member: APIClient, fault: str
) -> None:
    stub.script(fault=fault)
    run = start(input_price=1.0, output_price=2.0)
    drain()
    run = reread(run)
    sent = sum(len(call["body"]["messages"][0]["content"]) for call in stub.requests)
    assert run.input_tokens == pytest.approx(sent / 4, rel=0.05)
    assert run.output_tokens > 0
    assert set(run.calls.values_list("usage_estimated", flat=True)) == {True}
    told = as_member.get(f"/api/v1/ai-judging-runs/{run.pk}").json()
    assert told["usage_estimated"] is True
    assert told["cost"] == pytest.approx((run.input_tokens + 2 * run.output_tokens) / 1e6)
    page = as_member_page(as_member, reverse("judging_run", args=[run.pk]))
    assert "estimated" in page
    # and the next estimate goes by it
    found = estimate(run.evaluation_run, run.judge_version.judge, whole(run.evaluation_run))
    assert (found.basis, found.input_tokens) == ("earlier_run", run.input_tokens)


def test_counted_tokens_are_not_marked(start: Start, as_member: APIClient) -> None:
    run = start(small_run(1, 2))
    drain()
    told = as_member.get(f"/api/v1/ai-judging-runs/{run.pk}").json()
    assert (told["usage_estimated"], told["warnings"]) == (False, [])
    assert "estimated" not in as_member_page(as_member, reverse("judging_run", args=[run.pk]))


def test_a_run_of_an_earlier_version_without_tokens_was_not_reported(start: Start, as_member: APIClient) -> None:
    run = start(small_run(1, 3), input_price=1.0, output_price=2.0)
    drain()
    JudgingRun.objects.filter(pk=run.pk).update(input_tokens=0, output_tokens=0)
    told = as_member.get(f"/api/v1/ai-judging-runs/{run.pk}").json()
    assert (told["cost"], told["usage_estimated"]) == (None, False)
    assert "not reported" in as_member_page(as_member, reverse("judging_run", args=[run.pk]))
    found = estimate(run.evaluation_run, run.judge_version.judge, whole(run.evaluation_run))
    assert (found.basis, found.input_tokens > 0) == ("sample", True)


def whole(evaluation_run: EvaluationRun) -> JudgingScope:
    return resolve_scope(evaluation_run, JudgingOptions(scope=Scope.ALL))


def as_member_page(as_member: APIClient, path: str) -> str:
    client = Client()
    client.force_login(as_member.user, "django.contrib.auth.backends.ModelBackend")  # type: ignore[attr-defined]
    return client.get(path).content.decode()


def test_a_prompt_that_the_service_cut_is_a_warning(start: Start, stub: Stub, as_member: APIClient) -> None:
    stub.script(by_candidate={"d0-0": "few_tokens:2050", "d0-1": "few_tokens:900"})
    evaluation_run = small_run(1, 4)
    run = start(evaluation_run, system_prompt="some words to read " * 4000)
    drain()
    run = reread(run)
    assert run.judged_count == 4
    warnings = as_member.get(f"/api/v1/ai-judging-runs/{run.pk}").json()["warnings"]
    assert [warning["code"] for warning in warnings] == ["prompt_cut"]
    assert "the service read 2,050 tokens of about 19,000" in warnings[0]["message"]
    assert "2 prompts" in warnings[0]["message"]
    assert "he service read 2,050 tokens of about 19,000" in as_member_page(
        as_member, reverse("judging_run", args=[run.pk])
    )
    assert run.calls.filter(notes__contains="the prompt was cut").count() == 2


# The token budget


def tokens_a_call(run: JudgingRun) -> float:
    return (run.input_tokens + run.output_tokens) / run.call_count


@pytest.mark.parametrize(("concurrency", "fault"), [(1, ""), (8, "no_usage")])
def test_calls_in_flight_count_against_the_budget(start: Start, stub: Stub, concurrency: int, fault: str) -> None:
    stub.script(fault=fault, delay_ms=0 if concurrency == 1 else 50)
    sample = start(small_run(1, 5), max_concurrency=1)
    drain()
    taken = tokens_a_call(reread(sample))
    budget = round(7.2 * taken)
    calls_before = stub.calls
    run = start(small_run(4, 5), max_concurrency=concurrency, options=JudgingOptions(max_total_tokens=budget))
    drain()
    run = reread(run)
    assert (run.status, run.error_code) == (JudgingRunStatus.FAILED, "token_budget_reached")
    assert 7 <= stub.calls - calls_before <= 9
    assert run.input_tokens + run.output_tokens >= budget


def test_a_budget_on_several_lanes_is_not_overdrawn_by_each(start: Start, stub: Stub) -> None:
    stub.script(delay_ms=20)
    run = start(small_run(10, 10), max_concurrency=128, options=JudgingOptions(max_total_tokens=5_000))
    drain()
    run = reread(run)
    assert run.error_code == "token_budget_reached"
    assert run.input_tokens + run.output_tokens < 5_000 + 4 * 1.5 * tokens_a_call(run)


def test_a_budget_that_was_reached_by_one_who_died_ends_the_run(start: Start, stub: Stub) -> None:
    run = start(options=JudgingOptions(max_total_tokens=500))
    JudgingRun.objects.filter(pk=run.pk).update(input_tokens=500, call_count=7)
    drain()
    ended = full(run)
    ended.refresh_from_db()
    assert (ended.status, ended.error_code, stub.calls) == (JudgingRunStatus.FAILED, "token_budget_reached", 0)


def test_a_budget_does_not_slow_down_the_news_of_an_outage(start: Start, stub: Stub) -> None:
    stub.script(fault="401")
    run = start(options=JudgingOptions(max_total_tokens=500))
    drain()
    assert reread(run).error_code == "authentication"
    assert AIProvider.objects.exists()
