"""Trial runs: a prompt is tried on real candidates, and nothing that counts changes."""

from typing import Any

import pytest
from django.test import Client
from django_q.models import OrmQ
from rest_framework.test import APIClient

from judging import ledger
from judging.asking.prompting import DEFAULT_PROMPT_TEMPLATE
from judging.judging_runs.starting import JudgingOptions, cancel_judging_run
from judging.models import AIJudge, Candidate, EvaluationRun, JudgingRun, Judgment, RunQuery, User
from judging.runs.locks import lock_run
from tests.draining import drain
from tests.factories import make_judge, make_provider
from tests.judging_runs.judging import Start, cached_grades, items_by_document, reread, small_run
from tests.rest_clients import assert_problem
from tests.review.test_grid import ai_grades
from tests.stub.fixtures import Stub

pytestmark = pytest.mark.django_db

TRIAL = JudgingOptions(trial=True)


def everything_that_counts(run: EvaluationRun) -> list[Any]:
    """Read all of a run that judging may change, and its judgments."""
    return [
        list(Judgment.objects.order_by("pk").values()),
        list(Candidate.objects.filter(run=run).order_by("pk").values()),
        list(RunQuery.objects.filter(run=run).order_by("pk").values("metric_values", "has_stale_metrics")),
        EvaluationRun.objects.filter(pk=run.pk).values().get(),
    ]


def test_a_trial_of_ten_queries_changes_nothing_that_counts(start: Start, stub: Stub) -> None:
    evaluation_run = small_run(12, 2)
    start(evaluation_run)
    drain()
    before = everything_that_counts(evaluation_run)
    stub.script(by_candidate={f"d{q}-1": "prose" for q in range(12)})
    options = JudgingOptions(trial=True, query_limit=10)
    trial = start(evaluation_run, options=options, prompt_template=f"{DEFAULT_PROMPT_TEMPLATE}\nBe strict.")
    drain()
    trial = reread(trial)
    assert (trial.status, trial.trial, trial.judged_count, trial.failed_count) == ("completed", True, 10, 10)
    assert {item.grade is None for item in trial.items.filter(status="judged")} == {False}
    assert everything_that_counts(evaluation_run) == before


def test_a_trial_on_what_nobody_judged_leaves_it_so(start: Start) -> None:
    evaluation_run = small_run()
    trial = start(evaluation_run, options=TRIAL)
    drain()
    assert reread(trial).judged_count == 20
    assert not Judgment.objects.exists()
    assert set(cached_grades(evaluation_run).values()) == {(None, None)}
    assert start(evaluation_run, options=JudgingOptions(scope="unjudged")).total_count == 20


def test_ends_of_a_trial_queue_no_metrics(start: Start, member: User) -> None:
    trial = start(options=TRIAL)
    OrmQ.objects.all().delete()
    cancelled = cancel_judging_run(judging_run=trial, actor=member)
    assert (cancelled.status, cancelled.skipped_count) == ("cancelled", 20)
    assert not OrmQ.objects.exists()


def test_a_lock_ends_a_trial_as_any_run(start: Start, member: User) -> None:
    evaluation_run = small_run()
    ledger.refresh_run(evaluation_run.pk)
    trial = start(evaluation_run, options=TRIAL)
    lock_run(run=evaluation_run, actor=member)
    trial.refresh_from_db()
    assert (trial.status, trial.error_code) == ("failed", "run_locked")


def test_what_a_run_takes_up_is_never_a_trial_s_unless_it_is_asked_for(start: Start, stub: Stub) -> None:
    evaluation_run = small_run()
    stub.script(by_candidate={"d1-2": "prose"})
    counted = start(evaluation_run)
    drain()
    stub.script(by_candidate={"d3-3": "prose"})
    trial = start(evaluation_run, options=TRIAL)
    drain()
    stub.script()

    def taken_up(**options: Any) -> tuple[Any, list[str]]:
        run = start(evaluation_run, options=JudgingOptions(scope="failed", **options))
        return run.source_run_id, sorted(items_by_document(run))

    assert taken_up() == (counted.pk, ["d1-2"])
    assert taken_up(source_run_id=trial.pk) == (trial.pk, ["d3-3"])
    drain()
    assert taken_up(trial=True, source_run_id=trial.pk) == (trial.pk, ["d3-3"])


def test_a_trial_takes_up_the_newest_run_whatever_it_is(start: Start, stub: Stub) -> None:
    evaluation_run = small_run()
    stub.script(by_candidate={"d3-3": "prose"})
    trial = start(evaluation_run, options=TRIAL)
    drain()
    again = start(evaluation_run, options=JudgingOptions(scope="failed", trial=True))
    assert (again.source_run_id, again.total_count) == (trial.pk, 1)


# Interfaces


def body_of(judge: AIJudge, **options: Any) -> dict[str, Any]:
    return {"ai_judge_id": str(judge.pk), **options}


def url(run: EvaluationRun, path: str = "ai-judge") -> str:
    return f"/api/v1/evaluations/runs/{run.pk}/{path}"


def test_rest_starts_a_trial_and_every_answer_says_so(as_member: APIClient, stub: Stub) -> None:
    run, judge = small_run(2, 2), make_judge()
    assert as_member.post(url(run), body_of(judge)).json()["trial"] is False
    assert as_member.post(url(run), body_of(judge, trial=None)).json()["trial"] is False
    started = as_member.post(url(run), body_of(judge, trial=True)).json()
    assert started["trial"] is True
    assert started["made_current_at"] is None
    listed = as_member.get(url(run, "ai-judging-runs")).json()["results"]
    assert [each["trial"] for each in listed] == [True, False, False]
    assert_problem(as_member.post(url(run), body_of(judge, trial="yes")), 400, field="trial")


def test_a_key_used_for_a_run_starts_no_trial(as_member: APIClient) -> None:
    run, judge = small_run(1, 1), make_judge()
    key = {"Idempotency-Key": "k"}
    first = as_member.post(url(run), body_of(judge), headers=key).json()
    assert as_member.post(url(run), body_of(judge, trial=False), headers=key).json()["id"] == first["id"]
    assert_problem(as_member.post(url(run), body_of(judge, trial=True), headers=key), 409, "idempotency_key_reused")


def test_an_estimate_says_how_many_grades_of_record_a_run_would_replace(as_member: APIClient) -> None:
    run, judge = small_run(2, 3), make_judge()
    ai_grades(run, {("query 0", "d0-0"): 2, ("query 0", "d0-2"): 1, ("query 1", "d1-0"): 0})

    def replaced(**options: Any) -> int:
        count: int = as_member.post(url(run, "ai-judge/estimate"), body_of(judge, **options)).json()["replaced_count"]
        return count

    assert replaced() == 3
    assert replaced(depth=1) == 2
    assert replaced(scope="unjudged") == 0
    assert replaced(trial=True) == 0


def test_the_form_offers_a_trial_and_the_page_marks_it(as_member: APIClient, member: User, stub: Stub) -> None:
    browser = Client()
    browser.force_login(member, backend="django.contrib.auth.backends.ModelBackend")
    run, judge = small_run(2, 2), make_judge(make_provider(stub.base_url))
    ai_grades(run, {("query 0", "d0-0"): 2})
    page = f"/evaluations/runs/{run.pk}"
    assert 'name="trial"' in browser.get(f"{page}?judge=1").content.decode()
    data = {"ai_judge_id": str(judge.pk), "scope": "all"}
    assert "<b>1</b> AI grade of" in browser.get(f"{page}/ai-judge/estimate", data).content.decode()
    assert "A trial: no grade" in browser.get(f"{page}/ai-judge/estimate", {**data, "trial": "on"}).content.decode()
    browser.post(f"{page}/ai-judge", {**data, "trial": "on"})
    started = JudgingRun.objects.get(trial=True)
    assert ">Trial<" in browser.get(page).content.decode()
    assert ">Trial<" in browser.get(f"/ai-judging-runs/{started.pk}").content.decode()
