"""AI judging runs over REST: estimated, started, listed, followed, cancelled, exported."""

import csv
import io
import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django_q.models import OrmQ
from rest_framework.test import APIClient

from judging.judging_runs.starting import start_judging_run
from judging.models import Call, EvaluationRun, JudgingItem, JudgingRun, Lane, User
from judging.runs.locks import lock_run
from judging.work import lifecycle
from tests.factories import candidate, make_judge, make_run, make_user
from tests.rest_clients import assert_problem
from tests.review.test_grid import ai_grades

pytestmark = pytest.mark.django_db

FIELDS = {
    "id", "evaluation_run_id", "ai_judge_id", "ai_judge_name", "ai_judge_version", "status", "scope", "source_run_id",
    "depth", "query_limit", "trial", "made_current_at", "max_concurrency", "progress", "total_count", "judged_count", "failed_count",
    "pending_count", "skipped_count", "call_count", "reask_count", "input_tokens", "output_tokens", "usage_estimated",
    "warnings", "cost", "error",
    "error_code", "throttled_by", "throttled_since", "slowed_by", "created_by", "created_at", "started_at", "completed_at",
}  # fmt: skip


@pytest.fixture
def run(db: None) -> EvaluationRun:
    return make_run({"a": ["d1", "d2", "d3"], "b": ["d1"]})


def url(run: EvaluationRun, path: str = "ai-judge") -> str:
    return f"/api/v1/evaluations/runs/{run.pk}/{path}"


def settle(judging_run: JudgingRun, grades: list[int | None], **counts: Any) -> JudgingRun:
    """End a queued run as execution does: a grade for each item in order, None a failure."""
    lifecycle.start(judging_run.kind, judging_run.pk)
    for item, grade in zip(judging_run.items.order_by("pk"), grades, strict=False):
        call = Call.objects.create(
            judging_run=judging_run, prompt_hash="0" * 64, latency_ms=2000, raw_reply=f"<raw {item.candidate_id}>"
        )
        status, code = ("judged", "") if grade is not None else ("failed", "unparseable")
        reasoning = "so" if grade is not None else ""
        JudgingItem.objects.filter(pk=item.pk).update(
            status=status, grade=grade, reasoning=reasoning, failure_code=code, failure_message=code and "no block", call=call
        )  # fmt: skip
    judged = sum(grade is not None for grade in grades)
    JudgingRun.objects.filter(pk=judging_run.pk).update(
        judged_count=judged, failed_count=len(grades) - judged, call_count=len(grades), **counts
    )
    lifecycle.complete(judging_run.kind, judging_run.pk)
    judging_run.refresh_from_db()
    return judging_run


def test_a_start_answers_201_with_the_queued_run(as_member: APIClient, run: EvaluationRun) -> None:
    judge = make_judge(max_concurrency=40)
    response = as_member.post(url(run), {"ai_judge_id": str(judge.pk)})
    assert response.status_code == 201, response.content
    started = response.json()
    assert started.keys() >= FIELDS
    assert {name: started[name] for name in ("status", "scope", "progress", "total_count", "pending_count")} == {
        "status": "queued", "scope": "all", "progress": 0.0, "total_count": 4, "pending_count": 4,
    }  # fmt: skip
    assert (started["ai_judge_id"], started["ai_judge_name"], started["ai_judge_version"]) == (
        str(judge.pk), judge.name, 1,
    )  # fmt: skip
    assert (started["evaluation_run_id"], started["max_concurrency"], started["cost"]) == (str(run.pk), 40, None)
    assert Lane.objects.filter(job_id=started["id"]).count() == 2
    assert OrmQ.objects.count() == 2
    assert as_member.get(f"/api/v1/ai-judging-runs/{started['id']}").json() == started


@pytest.mark.parametrize(
    ("options", "total"),
    [
        ({"depth": 1}, 2),
        ({"scope": "unjudged"}, 4),
        ({"scope": "all", "depth": 2, "query_limit": 5}, 3),
        ({"max_concurrency": None, "max_total_tokens": 1000, "source_run_id": None}, 4),
    ],
)
def test_options_choose_what_is_judged_and_the_estimate_counts_the_same(
    as_member: APIClient, run: EvaluationRun, options: dict[str, Any], total: int
) -> None:
    body = {"ai_judge_id": str(make_judge().pk), **options}
    estimate = as_member.post(url(run, "ai-judge/estimate"), body).json()
    started = as_member.post(url(run), body).json()
    assert estimate["candidates"] == estimate["calls"] == started["total_count"] == total


@pytest.mark.parametrize("options", [{"query_limit": 7}, {"query_limit": 2, "depth": 3}, {"scope": "unjudged"}])
def test_the_estimate_counts_the_candidates_and_prompts_of_the_plan(
    as_member: APIClient, options: dict[str, Any]
) -> None:
    run = make_run({f"q{n}": [f"d{m}" for m in range(n)] for n in range(9)})
    ai_grades(run, {("q5", "d1"): 2, ("q8", "d7"): 0})
    body = {"ai_judge_id": str(make_judge(batch_size=3).pk), **options}
    estimate = as_member.post(url(run, "ai-judge/estimate"), body).json()
    started = as_member.post(url(run), body).json()
    assert estimate["candidates"] == started["total_count"] > 0
    items = JudgingItem.objects.filter(judging_run_id=started["id"])
    assert estimate["calls"] == items.values("prompt_number").distinct().count()


def test_wrong_options_are_refused_with_the_field_named(as_member: APIClient, run: EvaluationRun) -> None:
    judge_id = str(make_judge().pk)
    cases: list[tuple[dict[str, Any], str]] = [
        ({"ai_judge_id": str(uuid.uuid4())}, "ai_judge_id"),
        ({"ai_judge_id": "x"}, "ai_judge_id"),
        ({"ai_judge_id": None}, "ai_judge_id"),
        ({"scope": "some"}, "scope"),
        ({"scope": "failed"}, "source_run_id"),
        ({"scope": "remaining", "source_run_id": str(uuid.uuid4())}, "source_run_id"),
        ({"source_run_id": str(uuid.uuid4())}, "source_run_id"),
        ({"depth": 0}, "depth"),
        ({"depth": 2**40}, "depth"),
        ({"query_limit": "3"}, "query_limit"),
        ({"max_concurrency": 257}, "max_concurrency"),
        ({"max_total_tokens": 0}, "max_total_tokens"),
        ({"model": "x"}, "model"),
    ]
    for path in ("ai-judge", "ai-judge/estimate"):
        for options, field in cases:
            assert_problem(as_member.post(url(run, path), {"ai_judge_id": judge_id, **options}), 400, field=field)
    assert not JudgingRun.objects.exists()


def test_another_member_s_personal_judge_is_unknown(as_member: APIClient, run: EvaluationRun) -> None:
    judge = make_judge(owner=make_user())
    assert_problem(as_member.post(url(run), {"ai_judge_id": str(judge.pk)}), 400, field="ai_judge_id")


def test_an_archived_judge_starts_nothing(as_member: APIClient, run: EvaluationRun) -> None:
    judge = make_judge(archived_at=timezone.now())
    assert_problem(as_member.post(url(run), {"ai_judge_id": str(judge.pk)}), 400, field="ai_judge_id")


def test_only_a_completed_run_is_judged(as_member: APIClient) -> None:
    run, body = make_run({"a": ["d1"]}), {"ai_judge_id": str(make_judge().pk)}
    for status in ("pending", "queued", "running", "failed", "cancelled"):
        EvaluationRun.objects.update(status=status)
        for path in ("ai-judge", "ai-judge/estimate"):
            assert_problem(as_member.post(url(run, path), body), 409, "run_not_completed")


def test_a_locked_run_is_not_judged(as_member: APIClient, run: EvaluationRun, member: User) -> None:
    lock_run(run=run, actor=member)
    assert_problem(as_member.post(url(run), {"ai_judge_id": str(make_judge().pk)}), 409, "run_locked")


def test_the_same_request_with_one_key_starts_one_run(as_member: APIClient, run: EvaluationRun) -> None:
    body = {"ai_judge_id": str(make_judge().pk)}
    answers = [as_member.post(url(run), body, headers={"Idempotency-Key": "k1"}) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].json()["id"] == answers[1].json()["id"]
    changed = as_member.post(url(run), {**body, "depth": 1}, headers={"Idempotency-Key": "k1"})
    assert_problem(changed, 409, "idempotency_key_reused")
    assert_problem(as_member.post(url(run), body, headers={"Idempotency-Key": "k" * 201}), 400)
    assert as_member.post(url(run), body).json()["id"] != answers[0].json()["id"]
    assert JudgingRun.objects.count() == 2


def test_a_run_with_nothing_in_scope_completes_at_once(as_member: APIClient) -> None:
    run = make_run({"a": []})
    started = as_member.post(url(run), {"ai_judge_id": str(make_judge().pk)}).json()
    assert (started["status"], started["progress"], started["total_count"]) == ("completed", 1.0, 0)


def test_runs_are_listed_newest_first_with_the_same_number_of_queries(
    as_member: APIClient, run: EvaluationRun, member: User, django_assert_num_queries: Any
) -> None:
    def settled() -> JudgingRun:
        return settle(start_judging_run(evaluation_run=run, judge=make_judge(), actor=member), [1, 2, None, 4])

    runs = [settled()]
    as_member.get(url(run, "ai-judging-runs"))
    # The token, the evaluation run, the page.
    with django_assert_num_queries(3):
        as_member.get(url(run, "ai-judging-runs"))
    runs += [settled() for _ in range(3)]
    with django_assert_num_queries(3):
        page = as_member.get(url(run, "ai-judging-runs")).json()
    assert [row["id"] for row in page["results"]] == [str(each.pk) for each in reversed(runs)]
    for row in page["results"]:
        total = row["judged_count"] + row["failed_count"] + row["pending_count"] + row["skipped_count"]
        assert (total, row["progress"]) == (row["total_count"], 1.0)


def test_the_cost_is_that_of_all_tokens(as_member: APIClient, run: EvaluationRun, member: User) -> None:
    judge = make_judge(input_price=2.0, output_price=10.0)
    judging_run = start_judging_run(evaluation_run=run, judge=judge, actor=member)
    JudgingRun.objects.filter(pk=judging_run.pk).update(input_tokens=1_000_000, output_tokens=100_000)
    assert as_member.get(f"/api/v1/ai-judging-runs/{judging_run.pk}").json()["cost"] == pytest.approx(3.0)


def test_cancelling_is_immediate_and_idempotent_and_refused_after_the_end(
    as_member: APIClient, run: EvaluationRun, member: User
) -> None:
    judging_run = start_judging_run(evaluation_run=run, judge=make_judge(), actor=member)
    cancel = f"/api/v1/ai-judging-runs/{judging_run.pk}/cancel"
    first = as_member.post(cancel)
    assert (first.status_code, first.json()["status"], first.json()["skipped_count"]) == (200, "cancelled", 4)
    again = as_member.post(cancel)
    assert (again.status_code, again.json()) == (200, first.json())
    done = settle(start_judging_run(evaluation_run=run, judge=make_judge(), actor=member), [1, 1, 1, 1])
    assert_problem(as_member.post(f"/api/v1/ai-judging-runs/{done.pk}/cancel"), 409, "already_ended")
    assert_problem(as_member.post(f"/api/v1/ai-judging-runs/{uuid.uuid4()}/cancel"), 404)


def test_items_show_the_grade_or_the_failure_with_the_raw_reply(
    as_member: APIClient, run: EvaluationRun, member: User, django_assert_num_queries: Any
) -> None:
    judging_run = settle(start_judging_run(evaluation_run=run, judge=make_judge(), actor=member), [3, None, 1, None])
    items = f"/api/v1/ai-judging-runs/{judging_run.pk}/items"
    as_member.get(items)
    with django_assert_num_queries(3):
        rows = as_member.get(items).json()["results"]
    row = candidate(run, "a", "d1")
    assert rows[0] == {
        "query_id": str(row.run_query_id),
        "candidate_id": "d1",
        "rank": 1,
        "status": "judged",
        "grade": 3,
        "reasoning": "so",
        "failure_code": "",
        "failure_message": "",
        "raw_reply": f"<raw {row.pk}>",
    }
    assert [item["grade"] for item in rows] == [3, None, 1, None]
    failed = as_member.get(items, {"status": "failed", "page_size": "1"}).json()
    following = as_member.get(failed["next"]).json()["results"]
    found = [(item["candidate_id"], item["failure_code"]) for item in failed["results"] + following]
    assert found == [("d2", "unparseable"), ("d1", "unparseable")]
    assert_problem(as_member.get(items, {"status": "lost"}), 400, field="status")


def test_what_an_earlier_run_left_failed_is_judged_again(
    as_member: APIClient, run: EvaluationRun, member: User
) -> None:
    earlier = settle(start_judging_run(evaluation_run=run, judge=make_judge(), actor=member), [3, None, 1, None])
    started = as_member.post(url(run), {"ai_judge_id": str(make_judge().pk), "scope": "failed"}).json()
    assert (started["total_count"], started["source_run_id"]) == (2, str(earlier.pk))


def test_a_judging_run_s_own_set_is_exported(as_member: APIClient, run: EvaluationRun, member: User) -> None:
    judging_run = settle(start_judging_run(evaluation_run=run, judge=make_judge(), actor=member), [3, None, 1, 0])
    export = f"/api/v1/ai-judging-runs/{judging_run.pk}/export"
    response = as_member.get(export, {"file_format": "csv"})
    assert response["Content-Disposition"].startswith("attachment; filename=")
    text = b"".join(response.streaming_content).decode()  # type: ignore[attr-defined]
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [(row["doc_id"], row["grade"], row["status"]) for row in rows] == [
        ("d1", "3", "judged"), ("d2", "", "failed"), ("d3", "1", "judged"), ("d1", "0", "judged"),
    ]  # fmt: skip
    assert as_member.get(export, {"file_format": "jsonl"}).status_code == 200
    assert_problem(as_member.get(export, {"file_format": "qrels"}), 400, field="file_format")


def test_an_estimate_without_experience_is_counted_on_rendered_prompts(
    as_member: APIClient, run: EvaluationRun, django_assert_max_num_queries: Any
) -> None:
    judge = make_judge(batch_size=2, input_price=1.0)
    with django_assert_max_num_queries(12):
        estimate = as_member.post(url(run, "ai-judge/estimate"), {"ai_judge_id": str(judge.pk)}).json()
    assert (estimate["candidates"], estimate["calls"], estimate["basis"]) == (4, 3, "sample")
    assert estimate["seconds"] is None
    assert 3 * 200 < estimate["input_tokens"] < 3 * 2000
    assert estimate["cost"] == pytest.approx(estimate["input_tokens"] / 1e6)
    assert not JudgingRun.objects.exists()


def test_an_estimate_goes_by_the_newest_ended_run_of_the_same_judge(
    as_member: APIClient, run: EvaluationRun, member: User
) -> None:
    judge = make_judge(input_price=1.0, output_price=2.0, max_concurrency=2)
    for tokens in (999_999, 4000):
        started = start_judging_run(evaluation_run=run, judge=judge, actor=member)
        settle(started, [1, 1, 1, 1], input_tokens=tokens, output_tokens=400)
    larger = make_run({f"q{n}": ["x"] for n in range(10)})
    start_judging_run(evaluation_run=run, judge=judge, actor=member)
    estimate = as_member.post(url(larger, "ai-judge/estimate"), {"ai_judge_id": str(judge.pk)}).json()
    assert estimate == {
        "candidates": 10, "calls": 10, "input_tokens": 10_000, "output_tokens": 1000, "cost": pytest.approx(0.012),
        "seconds": pytest.approx(10.0), "basis": "earlier_run", "replaced_count": 0,
    }  # fmt: skip
    faster = {"ai_judge_id": str(judge.pk), "max_concurrency": 10}
    assert as_member.post(url(larger, "ai-judge/estimate"), faster).json()["seconds"] == pytest.approx(2.0)


def test_an_estimate_of_nothing_is_nothing(as_member: APIClient) -> None:
    run = make_run({"a": []})
    estimate = as_member.post(url(run, "ai-judge/estimate"), {"ai_judge_id": str(make_judge().pk)}).json()
    assert (estimate["candidates"], estimate["calls"], estimate["basis"]) == (0, 0, "nothing")


@pytest.mark.parametrize("reads_list", [True, False])
def test_reading_the_progress_of_a_run_whose_worker_died_sets_it_going_again(
    as_member: APIClient, run: EvaluationRun, member: User, reads_list: bool
) -> None:
    judging_run = start_judging_run(evaluation_run=run, judge=make_judge(), actor=member)
    OrmQ.objects.all().delete()
    past = timezone.now() - timedelta(seconds=20)
    judging_run.lanes.update(lease_token=uuid.uuid4(), lease_until=past, enqueued_at=past - timedelta(seconds=20))
    path = url(run, "ai-judging-runs") if reads_list else f"/api/v1/ai-judging-runs/{judging_run.pk}"
    assert as_member.get(path).status_code == 200
    assert OrmQ.objects.count() == 1
    as_member.get(path)
    assert OrmQ.objects.count() == 1


def test_a_run_tells_what_holds_it_up_while_it_is_active(
    as_member: APIClient, run: EvaluationRun, member: User
) -> None:
    started = start_judging_run(evaluation_run=run, judge=make_judge(), actor=member)
    address = f"/api/v1/ai-judging-runs/{started.pk}"
    assert as_member.get(address).json()["throttled_by"] is None
    since = timezone.now()
    JudgingRun.objects.filter(pk=started.pk).update(throttle="provider_limit", throttle_changed_at=since)
    answer = as_member.get(address).json()
    assert (answer["throttled_by"], parse_datetime(answer["throttled_since"])) == ("provider_limit", since)
    lifecycle.cancel(started.kind, started.pk)
    answer = as_member.get(address).json()
    assert (answer["throttled_by"], answer["throttled_since"]) == (None, None)
