"""`manage.py judge`: queue a run, wait for it, or judge in the command itself."""

import json
import os
import signal
import threading
import time
from collections.abc import Callable
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from judging.models import AIJudge, EvaluationRun, JudgingRun, User
from judging.work import queue
from tests.factories import make_judge, make_provider
from tests.judging_runs.judging import reread, small_run
from tests.stub.fixtures import Stub

Judge = Callable[..., str]


@pytest.fixture
def evaluation_run(transactional_db: None) -> EvaluationRun:
    return small_run(name="spring")


@pytest.fixture
def judge(stub: Stub, transactional_db: None) -> AIJudge:
    return make_judge(make_provider(stub.base_url), name="Stub judge", max_concurrency=2)


@pytest.fixture
def run_judge(evaluation_run: EvaluationRun, judge: AIJudge, admin: User) -> Judge:
    def run(*options: Any) -> str:
        out = StringIO()
        call_command("judge", "spring", "--judge", "Stub judge", *options, stdout=out, stderr=StringIO())
        return out.getvalue()

    return run


def only_run() -> JudgingRun:
    return reread(JudgingRun.objects.get())


def test_it_queues_a_run_and_prints_its_id(run_judge: Judge, admin: User) -> None:
    said = run_judge("--depth", "2")
    run = only_run()
    assert said == f"{run.pk} queued: 0 judged, 0 failed of 8\n"
    assert run.created_by == admin
    assert queue.has_waiting_tasks()


def test_a_trial_is_started_as_one(run_judge: Judge) -> None:
    assert json.loads(run_judge("--trial", "--json"))["trial"] is True
    assert only_run().trial


def test_inline_judges_in_this_process_and_renews_the_metrics(
    run_judge: Judge, evaluation_run: EvaluationRun, stub: Stub
) -> None:
    answer = json.loads(run_judge("--inline", "--json"))
    assert (answer["status"], answer["judged_count"], answer["pending_count"]) == ("completed", 20, 0)
    assert answer["id"] == str(only_run().pk)
    assert answer["progress"] == 1
    evaluation_run.refresh_from_db()
    assert evaluation_run.metric_values["NDCG@10"] is not None
    assert evaluation_run.scored_query_count == 4


def test_waiting_without_a_worker_fails_with_the_command_that_starts_one(run_judge: Judge) -> None:
    with pytest.raises(CommandError, match=r"manage\.py serve --worker-only"):
        run_judge("--wait")
    assert not JudgingRun.objects.exists()


def test_what_does_not_exist_is_named(evaluation_run: EvaluationRun, judge: AIJudge, admin: User) -> None:
    with pytest.raises(CommandError, match='There is no evaluation run "autumn"'):
        call_command("judge", "autumn", "--judge", "Stub judge")
    with pytest.raises(CommandError, match='There is no AI judge "Nobody"'):
        call_command("judge", "spring", "--judge", "Nobody")


def test_a_locked_run_is_refused_in_a_sentence(run_judge: Judge, evaluation_run: EvaluationRun) -> None:
    EvaluationRun.objects.filter(pk=evaluation_run.pk).update(is_locked=True, locked_at=evaluation_run.created_at)
    with pytest.raises(CommandError, match="locked"):
        run_judge()


def test_ctrl_c_gives_back_what_was_in_flight(run_judge: Judge, stub: Stub) -> None:
    stub.script(fault="hang", after_calls=4)
    before = signal.getsignal(signal.SIGINT)

    def interrupt_in_mid_run() -> None:
        while stub.calls < 6:
            time.sleep(0.01)
        os.kill(os.getpid(), signal.SIGINT)

    interrupt = threading.Thread(target=interrupt_in_mid_run, daemon=True)
    interrupt.start()
    with pytest.raises(SystemExit, match="1"):
        run_judge("--inline")
    run = only_run()
    assert run.is_active
    assert run.judged_count == 4
    assert not run.items.filter(claim_token__isnull=False).exists()
    assert signal.getsignal(signal.SIGINT) is before
