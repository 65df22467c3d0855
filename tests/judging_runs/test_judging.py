"""An AI judging run from start to end against a provider on the loopback, the queue driven inline."""

from typing import Any

import pytest
from django_q.models import OrmQ

from judging import ledger
from judging.foundation.errors import Conflict
from judging.judging_runs.starting import JudgingOptions, start_judging_run
from judging.models import Call, JudgingItem, JudgingRunStatus, Judgment, Lane, RunQuery, User
from judging.work.slices import work_slice
from tests.draining import drain
from tests.factories import make_judge, make_provider
from tests.judging_runs.judging import Start, cached_grades, grades_of_record, items_by_document, reread, small_run
from tests.review.giving import GivenGrade, record_judgments
from tests.stub.fixtures import Stub
from tests.stub.script import expected_grade, expected_tokens, read_prompt


def test_a_run_is_queued_before_any_model_is_called(start: Start, stub: Stub) -> None:
    run = start()
    assert (run.status, run.total_count, run.pending_count) == (JudgingRunStatus.QUEUED, 20, 20)
    assert stub.calls == 0
    reread(run)


@pytest.mark.on_both
@pytest.mark.parametrize("batch_size", [1, 2, 50])
def test_every_candidate_gets_its_own_grade_whatever_the_batch_size(start: Start, stub: Stub, batch_size: int) -> None:
    run = start(batch_size=batch_size)
    drain()
    run = reread(run)
    assert (run.status, run.judged_count, run.failed_count) == (JudgingRunStatus.COMPLETED, 20, 0)
    for external_id, item in items_by_document(run).items():
        assert item.grade == expected_grade(f"query {external_id[1]}", external_id, 4)
        assert item.reasoning == "because the stub says so"
    assert run.call_count == stub.calls == {1: 20, 2: 12, 50: 4}[batch_size]
    assert run.input_tokens > run.output_tokens > 0
    evaluation_run = run.evaluation_run
    grades = grades_of_record(evaluation_run)
    assert grades == {key: item.grade for key, item in items_by_document(run).items()}
    assert cached_grades(evaluation_run) == {key: (grade, grade) for key, grade in grades.items()}
    assert evaluation_run.judged_count == 20
    assert set(evaluation_run.metric_values) == {"NDCG@10", "P@10"}
    assert evaluation_run.scored_query_count == 4
    assert not RunQuery.objects.filter(has_stale_metrics=True).exists()


def test_a_judge_of_record_names_the_version_that_graded(start: Start) -> None:
    run = start(name="Careful judge")
    drain()
    judgment = Judgment.objects.filter(author_kind="ai").first()
    assert judgment is not None
    assert judgment.judge_label == "Careful judge v1"
    assert judgment.judge_version_id == run.judge_version_id


FAULTS = {
    "prose": "unparseable",
    "json": "unparseable",
    "null_content": "empty_reply",
    "out_of_scale": "out_of_scale",
    "conflicting": "conflicting",
    "wrong_ids": "missing",
    "refusal": "refused",
    "truncated": "truncated",
    "400": "request_rejected",
    "413": "request_rejected",
    "503:0": "retries_exhausted",
    "429:0": "retries_exhausted",
    "html": "retries_exhausted",
    "broken_json": "retries_exhausted",
    "null_choices": "retries_exhausted",
    "empty_choices": "retries_exhausted",
    "error_200": "retries_exhausted",
    "reset": "retries_exhausted",
}


def test_a_bad_answer_fails_its_candidate_with_a_code_and_nothing_else(start: Start, stub: Stub) -> None:
    bad = {f"d{number // 3}-{number % 3}": fault for number, fault in enumerate(FAULTS)}
    stub.script(by_candidate=bad)
    run = start(small_run(6, 6), max_retries=1)
    drain()
    run = reread(run)
    assert (run.status, run.judged_count, run.failed_count) == (JudgingRunStatus.COMPLETED, 18, 18)
    items = items_by_document(run)
    for key, fault in bad.items():
        accepted = {FAULTS[fault], "unparseable"} if FAULTS[fault] == "missing" else {FAULTS[fault]}
        assert items[key].failure_code in accepted, (fault, items[key].failure_message)
        assert items[key].grade is None, fault
        assert items[key].failure_message, fault
        assert cached_grades(run.evaluation_run)[key] == (None, None), fault
    assert grades_of_record(run.evaluation_run).keys() == items.keys() - bad.keys()


def test_tokens_of_answers_that_hold_no_grade_are_counted(start: Start, stub: Stub) -> None:
    stub.script(by_candidate={"d0-0": "null_choices", "d0-1": "empty_choices", "d0-2": "null_content", "d0-3": "prose"})
    run = start(small_run(1, 4), max_retries=0, max_reasks=0)
    drain()
    run = reread(run)
    assert (run.judged_count, run.failed_count, run.call_count) == (0, 4, 4)
    sent = [expected_tokens(read_prompt(request["body"]["messages"]).text) for request in stub.requests]
    assert run.input_tokens == sum(sent) > 0
    assert all(run.calls.values_list("output_tokens", flat=True))


def test_the_raw_reply_of_a_failure_is_kept(start: Start, stub: Stub) -> None:
    stub.script(by_candidate={"d1-2": "prose"})
    run = start()
    drain()
    item = items_by_document(run)["d1-2"]
    assert item.call is not None
    assert item.call.raw_reply == "Error 503 aside, this looks like a 3 out of 4 to me."


def test_a_character_number_of_five_thousand_digits_costs_no_grade_call_or_token(start: Start, stub: Stub) -> None:
    stub.script(fault="entity")
    run = start(batch_size=5)
    drain()
    run = reread(run)
    assert (run.status, run.judged_count, run.failed_count) == (JudgingRunStatus.COMPLETED, 20, 0)
    assert run.call_count == stub.calls == 4
    for external_id, item in items_by_document(run).items():
        assert (item.grade, item.reasoning) == (
            expected_grade(f"query {external_id[1]}", external_id),
            "so \ufffd it is",
        )
    for call in run.calls.all():
        assert call.raw_reply.count("&#" + "9" * 5000) == 5
        assert call.output_tokens == expected_tokens(call.raw_reply)


def test_a_reply_that_our_own_fault_keeps_unread_is_kept_with_what_it_cost(
    start: Start, stub: Stub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("judging.asking.parsing.find_blocks", lambda *_, **__: [][0])
    run = start(batch_size=5, max_reasks=0)
    drain()
    run = reread(run)
    assert (run.status, run.judged_count, run.failed_count) == (JudgingRunStatus.COMPLETED, 0, 20)
    assert {item.failure_code for item in run.items.all()} == {"unparseable"}
    assert run.call_count == stub.calls == 4
    assert run.output_tokens == sum(expected_tokens(call.raw_reply) for call in run.calls.all()) > 20


def test_odd_but_readable_answers_are_judged(start: Start, stub: Stub) -> None:
    stub.script(by_candidate={"d1-2": "nul", "d1-3": "huge", "d2-0": "no_usage"})
    run = start()
    drain()
    run = reread(run)
    assert (run.judged_count, run.failed_count) == (20, 0)
    assert "\0" not in items_by_document(run)["d1-2"].reasoning


def test_a_candidate_without_a_readable_grade_is_asked_about_again_alone(start: Start, stub: Stub) -> None:
    stub.script(by_call={2: "too_few"})
    run = start(batch_size=5, max_concurrency=1)
    drain()
    run = reread(run)
    assert (run.judged_count, run.failed_count, run.reask_count, run.call_count) == (20, 0, 1, 5)
    reasks = [request for request in stub.requests if request["candidate_ids"] == ("d1-4",)]
    assert len(reasks) == 1
    assert "previous reply could not be read" in reasks[0]["body"]["messages"][-1]["content"]


def test_without_re_asks_a_left_out_candidate_is_missing(start: Start, stub: Stub) -> None:
    stub.script(by_candidate={"d1-4": "too_few"})
    run = start(batch_size=5, max_reasks=0)
    drain()
    assert items_by_document(reread(run))["d1-4"].failure_code == "missing"


def test_re_asking_is_given_up_after_twenty_without_a_success(start: Start, stub: Stub) -> None:
    stub.script(fault="prose")
    run = start(small_run(5, 5), max_concurrency=1)
    drain()
    run = reread(run)
    assert (run.failed_count, run.reask_count) == (25, 20)


def test_a_refused_batch_is_tried_one_candidate_at_a_time(start: Start, stub: Stub) -> None:
    stub.script(by_candidate={"d1-3": "400"})
    run = start(batch_size=5)
    drain()
    run = reread(run)
    assert (run.judged_count, run.failed_count) == (19, 1)
    assert items_by_document(run)["d1-3"].failure_code == "request_rejected"
    assert run.call_count == 4 + 5


def test_a_failure_of_the_moment_is_tried_again_and_costs_nothing(start: Start, stub: Stub) -> None:
    stub.script(mix={"429:0.1": 0.3, "500": 0.2, "reset": 0.1}, seed=7, fault_attempts=1)
    run = start()
    drain()
    run = reread(run)
    assert (run.status, run.judged_count) == (JudgingRunStatus.COMPLETED, 20)
    assert run.call_count == stub.calls > 20


@pytest.mark.slow(seconds=1)
@pytest.mark.on_both
@pytest.mark.parametrize("seed", range(2))
def test_counts_are_exact_under_a_mix_of_every_fault(start: Start, stub: Stub, seed: int) -> None:
    stub.script(
        mix={
            "429:0.05": 0.1,
            "500": 0.1,
            "reset": 0.05,
            "prose": 0.1,
            "json": 0.05,
            "too_few": 0.1,
            "out_of_scale": 0.05,
            "nul": 0.05,
            "wrong_ids": 0.05,
            "400": 0.05,
            "null_choices": 0.05,
        },
        seed=seed,
        fault_attempts=9,
    )
    run = start(small_run(10, 6), batch_size=2, max_retries=1)
    drain()
    run = reread(run)
    assert run.status == JudgingRunStatus.COMPLETED
    assert run.judged_count + run.failed_count == 60
    assert run.call_count == stub.calls
    for external_id, item in items_by_document(run).items():
        if item.status == "judged":
            assert item.grade == expected_grade(f"query {external_id[1:].split('-')[0]}", external_id, 4)


RUN_FAULTS = {"401": "authentication", "403": "permission", "404": "unknown_model", "quota": "no_quota"}


@pytest.mark.parametrize(("fault", "code"), RUN_FAULTS.items())
def test_a_fault_of_the_run_ends_it_at_once_and_keeps_what_was_judged(
    start: Start, stub: Stub, fault: str, code: str
) -> None:
    stub.script(fault=fault, after_calls=4, delay_ms=5)
    run = start(small_run(5, 10), max_concurrency=4)
    drain()
    run = reread(run)
    assert (run.status, run.error_code) == (JudgingRunStatus.FAILED, code)
    assert run.error
    assert (run.judged_count, run.failed_count, run.pending_count) == (4, 0, 0)
    assert run.skipped_count == 46
    # at most the calls in flight more
    assert stub.calls <= 4 + 1 + 4
    assert len(grades_of_record(run.evaluation_run)) == 4


def test_a_key_is_in_no_error_call_or_task(start: Start, stub: Stub, member: User) -> None:
    stub.script(api_key="the-right-key")
    provider = make_provider(stub.base_url)
    provider.set_api_key("sk-very-secret-key-123456")
    provider.save(update_fields=["encrypted_api_key"])
    run = start_judging_run(evaluation_run=small_run(), judge=make_judge(provider), actor=member)
    assert all("sk-very" not in repr(row.task) for row in OrmQ.objects.all())
    drain()
    run = reread(run)
    assert run.error_code == "authentication"
    stored = [run.error, *Call.objects.values_list("error", "raw_reply")]
    assert "sk-very" not in repr(stored)


@pytest.mark.on_both
def test_the_token_budget_ends_the_run(start: Start, stub: Stub) -> None:
    stub.script(delay_ms=100)
    run = start(small_run(20, 10), max_concurrency=2, options=JudgingOptions(max_total_tokens=1000))
    drain()
    run = reread(run)
    assert (run.status, run.error_code) == (JudgingRunStatus.FAILED, "token_budget_reached")
    assert run.judged_count > 0
    assert run.skipped_count > 0
    assert run.pending_count == 0


@pytest.mark.on_both
def test_people_s_grades_are_never_touched_and_win(start: Start, member: User) -> None:
    evaluation_run = small_run()
    query = evaluation_run.run_queries.get(position=1)
    record_judgments(grades=[GivenGrade(query.pk, "d0-0", 4), GivenGrade(query.pk, "d0-1", 0)], actor=member)
    run = start(evaluation_run)
    drain()
    reread(run)
    people = Judgment.objects.filter(author_kind="member").values_list("document__external_id", "grade")
    assert dict(people) == {"d0-0": 4, "d0-1": 0}
    cached = cached_grades(evaluation_run)
    ai = grades_of_record(evaluation_run)
    assert cached["d0-0"] == (ai["d0-0"], 4)
    assert cached["d0-1"] == (ai["d0-1"], 0)
    assert cached["d0-2"] == (ai["d0-2"], ai["d0-2"])


@pytest.mark.on_both
def test_the_run_created_last_wins_whatever_order_replies_arrive_in(start: Start, stub: Stub) -> None:
    evaluation_run = small_run()
    first = start(evaluation_run, name="First")
    second = start(evaluation_run, name="Second")
    first_lane, second_lane = first.lanes.get(), second.lanes.get()
    stub.script(grades={f"d{q}-{c}": 4 for q in range(4) for c in range(5)})
    work_slice(second_lane.pk)
    stub.script(grades={f"d{q}-{c}": 1 for q in range(4) for c in range(5)})
    work_slice(first_lane.pk)
    assert set(grades_of_record(evaluation_run).values()) == {4}
    assert {item.grade for item in first.items.all()} == {1}
    assert set(Judgment.objects.values_list("judge_label", flat=True)) == {"Second v1"}


@pytest.mark.on_both
def test_grades_reach_other_unlocked_runs_of_the_corpus(start: Start, member: User) -> None:
    one = small_run()
    other = small_run(evaluation=one.evaluation)
    other_scale = small_run(evaluation=one.evaluation, scale="binary")
    run = start(one)
    drain()
    assert cached_grades(other) == cached_grades(one)
    other.refresh_from_db()
    assert other.metric_values == reread(run).evaluation_run.metric_values
    assert set(cached_grades(other_scale).values()) == {(None, None)}


@pytest.mark.parametrize("status", ["pending", "queued", "running", "failed", "cancelled"])
def test_judging_starts_on_completed_runs_only(start: Start, status: str) -> None:
    with pytest.raises(Conflict) as caught:
        start(small_run(status=status))
    assert caught.value.code == "run_not_completed"


@pytest.mark.on_both
def test_the_same_idempotency_key_starts_one_run(start: Start, stub: Stub, member: User) -> None:
    evaluation_run = small_run()
    judge = make_judge(make_provider(stub.base_url))
    arguments: dict[str, Any] = {"evaluation_run": evaluation_run, "judge": judge, "actor": member}
    first = start_judging_run(**arguments, idempotency_key="k1")
    assert start_judging_run(**arguments, idempotency_key="k1").pk == first.pk
    with pytest.raises(Conflict) as caught:
        start_judging_run(**arguments, idempotency_key="k1", options=JudgingOptions(depth=1))
    assert caught.value.code == "idempotency_key_reused"


@pytest.mark.on_both
def test_a_run_s_concurrency_is_split_over_lanes_and_never_exceeded(start: Start, stub: Stub) -> None:
    stub.script(delay_ms=20)
    run = start(small_run(8, 5), max_concurrency=70)
    assert sorted(run.lanes.values_list("concurrency", flat=True)) == [23, 23, 24]
    drain()
    assert reread(run).status == JudgingRunStatus.COMPLETED
    assert stub.max_in_flight <= 24
    assert not Lane.objects.filter(is_done=False).exists()


def test_a_vanished_encryption_key_fails_the_run_with_the_way_out(start: Start, settings: Any, stub: Stub) -> None:
    run = start()
    provider = run.judge_version.ai_provider
    provider.set_api_key("sk-1")
    provider.save(update_fields=["encrypted_api_key"])
    settings.ENCRYPTION_KEYS = ["MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="]
    drain()
    run = reread(run)
    assert (run.status, run.error_code) == (JudgingRunStatus.FAILED, "misconfigured")
    assert "RELEVAL_ENCRYPTION_KEYS" in run.error


@pytest.mark.on_both
def test_metrics_are_renewed_for_the_queries_touched_only(start: Start, member: User) -> None:
    evaluation_run = small_run()
    start(evaluation_run)
    drain()
    query = evaluation_run.run_queries.get(position=2)
    before = dict(RunQuery.objects.values_list("position", "metric_values"))
    RunQuery.objects.exclude(pk=query.pk).update(metric_values={"NDCG@10": 0.123, "P@10": 0.5})
    record_judgments(grades=[GivenGrade(query.pk, f"d1-{c}", c % 5) for c in range(5)], actor=member)
    after = dict(RunQuery.objects.values_list("position", "metric_values"))
    assert after[1] == {"NDCG@10": 0.123, "P@10": 0.5}
    assert after[2] != before[2]
    ledger.renew_metrics(evaluation_run.pk)


@pytest.mark.on_both
def test_items_of_a_candidate_are_kept_for_every_run(start: Start) -> None:
    evaluation_run = small_run()
    start(evaluation_run)
    start(evaluation_run)
    drain()
    assert JudgingItem.objects.filter(status="judged").count() == 40
    assert Judgment.objects.count() == 20
