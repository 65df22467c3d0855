"""What pages show of a cancelled AI judging run: they go on until the replies in flight have landed, then are silent."""

import json

import pytest
from django.test import Client

from judging.judging_runs.starting import cancel_judging_run
from judging.models import JudgingRun, User
from judging.runs.locks import lock_run
from judging.work import lifecycle
from judging.work.lanes import take
from judging.work.slices import work_slice
from judging.work.store import Store
from tests.judging_runs.judging import Start, expire, in_background, reread, small_run, wait_until
from tests.stub.fixtures import Stub

HTMX = {"HX-Request": "true"}


@pytest.fixture
def visit(member: User, transactional_db: None) -> Client:
    client = Client()
    client.force_login(member, backend="django.contrib.auth.backends.ModelBackend")
    return client


def live_parts(visit: Client, run: JudgingRun) -> tuple[str, str]:
    """Return the run's card in the sidebar and that of its own page."""
    listed = visit.get(f"/evaluations/runs/{run.evaluation_run_id}/ai-judging-runs?known={run.pk}", headers=HTMX)
    own = visit.get(f"/ai-judging-runs/{run.pk}?part=live", headers=HTMX)
    is_over = ["releval:run-ended" in answer.headers.get("HX-Trigger-After-Settle", "") for answer in (listed, own)]
    assert is_over == [reread(run).is_settled] * 2
    return listed.content.decode(), own.content.decode()


def test_cards_of_a_cancelled_run_poll_until_its_replies_have_landed(
    start: Start, stub: Stub, member: User, visit: Client
) -> None:
    stub.script(delay_ms=600)
    run = start(small_run(2, 4), max_concurrency=4)
    visit.get("/watch", headers=HTMX)
    with in_background(work_slice, run.lanes.get().pk):
        wait_until(lambda: stub.in_flight == 4)
        cancel_judging_run(judging_run=run, actor=member)
        for card in live_parts(visit, run):
            assert "Cancelled" in card
            assert "every 1s" in card
        assert "HX-Trigger" not in visit.get("/watch", headers=HTMX)
    judged = reread(run).judged_count
    assert judged == 4
    listed, own = live_parts(visit, run)
    for card in (listed, own):
        assert "hx-trigger" not in card
        assert "Fill the gaps" in card
    assert f"<b>{judged}</b> of 8 judged" in listed
    (told,) = json.loads(visit.get("/watch", headers=HTMX)["HX-Trigger"])["releval:toasts"]["toasts"]
    assert "was cancelled: 4 of 8 judged" in told["html"]


def test_polls_settle_what_a_worker_left_that_died_after_a_cancel(start: Start, member: User, visit: Client) -> None:
    run = start()
    lane = run.lanes.get()
    lease = take(lane.pk)
    assert lease is not None
    lifecycle.start(run.kind, run.pk)
    Store(lease, lease.kind.handler(run.pk)).claim(7)
    cancel_judging_run(judging_run=run, actor=member)
    assert "every 1s" in visit.get(f"/ai-judging-runs/{run.pk}?part=live", headers=HTMX).content.decode()
    expire(lane)
    visit.get(f"/ai-judging-runs/{run.pk}?part=live", headers=HTMX)
    assert reread(run).skipped_count == 20
    assert "every 1s" not in visit.get(f"/ai-judging-runs/{run.pk}?part=live", headers=HTMX).content.decode()


def test_a_locked_run_offers_no_gaps_to_fill(start: Start, member: User, visit: Client) -> None:
    run = start()
    cancel_judging_run(judging_run=run, actor=member)
    assert "Fill the gaps" in live_parts(visit, run)[0]
    lock_run(run=run.evaluation_run, actor=member)
    assert "Fill the gaps" not in live_parts(visit, run)[0]
