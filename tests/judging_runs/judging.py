"""What the tests of execution share: a run, a judge that calls the stub, and the sums that must hold at every read."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from django.db import connections
from django.utils import timezone

from judging.judging_runs.starting import JudgingOptions, start_judging_run
from judging.models import (
    Candidate,
    EvaluationRun,
    ItemStatus,
    JudgingItem,
    JudgingRun,
    Judgment,
    Lane,
    User,
)
from tests.factories import make_judge, make_provider, make_run
from tests.stub.fixtures import Stub

Start = Callable[..., JudgingRun]


def small_run(queries: int = 4, candidates: int = 5, **fields: Any) -> EvaluationRun:
    return make_run({f"query {q}": [f"d{q}-{c}" for c in range(candidates)] for q in range(queries)}, **fields)


@pytest.fixture
def start(transactional_db: None, stub: Stub, member: User) -> Start:
    """Start a judging run over a run of 4 queries x 5 candidates: start(judge_field=..., options=...)."""

    def start_run(
        evaluation_run: EvaluationRun | None = None, *, options: JudgingOptions | None = None, **judge_fields: Any
    ) -> JudgingRun:
        judge = make_judge(make_provider(stub.base_url), **judge_fields)
        return start_judging_run(
            evaluation_run=evaluation_run or small_run(), judge=judge, actor=member, options=options
        )

    return start_run


def reread(run: JudgingRun) -> JudgingRun:
    """Return the run as stored, after checking that its counters agree with its items."""
    run = JudgingRun.objects.select_related("judge_version", "evaluation_run").get(pk=run.pk)
    counts = {status: run.items.filter(status=status).count() for status in ItemStatus}
    assert counts == {
        ItemStatus.PENDING: run.pending_count,
        ItemStatus.JUDGED: run.judged_count,
        ItemStatus.FAILED: run.failed_count,
        ItemStatus.SKIPPED: run.skipped_count,
    }
    assert run.total_count == run.items.count()
    assert not run.items.exclude(status="pending").filter(claim_token__isnull=False).exists()
    calls = list(run.calls.values_list("input_tokens", "output_tokens"))
    assert run.call_count == len(calls)
    assert (run.input_tokens, run.output_tokens) == (sum(c[0] for c in calls), sum(c[1] for c in calls))
    return run


def items_by_document(run: JudgingRun) -> dict[str, JudgingItem]:
    return {item.candidate.document.external_id: item for item in run.items.select_related("candidate__document")}


def grades_of_record(run: EvaluationRun) -> dict[str, int]:
    rows = Judgment.objects.filter(author_kind="ai", scale=run.scale, corpus=run.evaluation.corpus)
    return dict(rows.values_list("document__external_id", "grade"))


def cached_grades(run: EvaluationRun) -> dict[str, tuple[int | None, int | None]]:
    rows = Candidate.objects.filter(run=run).values_list("document__external_id", "ai_grade", "effective_grade")
    return {external_id: (ai, effective) for external_id, ai, effective in rows}


def wait_until(
    condition: Callable[[], bool], seconds: float = 60.0, *, also: Callable[[], object] = lambda: None
) -> None:
    """Wait for a condition, doing something `also` once a second between two looks at it."""
    deadline = time.monotonic() + seconds
    pause, next_time = 0.01, 0.0
    while not condition():
        now = time.monotonic()
        assert now < deadline, "it did not come true in time"
        if now >= next_time:
            also()
            next_time = now + 1
        time.sleep(pause)
        # A look costs a query or more, and what hasn't come true soon takes a while.
        pause = min(1.1 * pause, 0.1)


@contextmanager
def in_background(function: Callable[..., Any], *arguments: Any) -> Iterator[threading.Thread]:
    """Run a slice beside the test, as a worker would."""

    def run() -> None:
        try:
            function(*arguments)
        finally:
            connections.close_all()

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield thread
    finally:
        thread.join(60)
        assert not thread.is_alive()


def full(run: JudgingRun) -> JudgingRun:
    return JudgingRun.objects.select_related("judge_version", "evaluation_run__evaluation").get(pk=run.pk)


def expire(lane: Lane) -> None:
    past = timezone.now() - timedelta(seconds=1)
    Lane.objects.filter(pk=lane.pk).update(lease_until=past, enqueued_at=past - timedelta(seconds=1))
