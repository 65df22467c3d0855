"""The lab and a run together keep what an endpoint takes at a time, and the lab does not wait for the run's end."""

import time

import pytest

from judging.demo_search.faults import Faults
from judging.demo_search.server import Server
from judging.models import Lane, ProviderShare, User
from judging.search.endpoints.trying import template_of
from judging.search.lab.asking import Side, ask_sides
from judging.search.runs.starting import stop_search_run
from judging.work.slices import work_slice
from tests.judging_runs.judging import in_background, wait_until
from tests.search.lab.asking import NARROW, make_engine_endpoint
from tests.search.runs.conftest import search_engine
from tests.search.runs.searching import make_search_evaluation, search_of, start_run

__all__ = ["search_engine"]
pytestmark = pytest.mark.django_db(transaction=True)


class Gauge(Faults):
    """Counts the searches in flight; each takes a moment."""

    def __init__(self) -> None:
        super().__init__()
        self.most = self._in_flight = 0

    def draw(self) -> str | None:
        with self._lock:
            self._in_flight += 1
            self.most = max(self.most, self._in_flight)
        time.sleep(0.05)
        with self._lock:
            self._in_flight -= 1
        return None


@pytest.mark.seldom
def test_a_run_and_the_lab_together_keep_max_concurrency(
    search_engine: Server, member: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("judging.search.asking._LONGEST_WAIT_FOR_LIMITS", 60.0)
    search_engine.faults = gauge = Gauge()
    # At least 15 s of searches, of which the lab waits for a few.
    queries = tuple(f"red {number}" for number in range(600))
    evaluation = make_search_evaluation(search_engine.url, queries=queries, max_concurrency=2)
    run, endpoint = start_run(evaluation, member), evaluation.endpoint
    assert endpoint is not None
    side = Side(endpoint, template_of(body=NARROW), depth=3)
    with in_background(work_slice, search_of(run).lanes.get().pk):
        wait_until(lambda: len(search_engine.requests) > 2, 60)
        answers = ask_sides(actor=member, query="green hat", sides=[side] * 4)
        was_active = search_of(run).is_active
        stop_search_run(run=run, actor=member)
    assert [answer.failure_code for answer in answers] == [""] * 4
    assert was_active, "the lab waited for the run"
    assert gauge.most == 2
    assert not ProviderShare.objects.exists()
    assert not Lane.objects.filter(is_done=False).exists()


def test_sides_of_one_endpoint_wait_for_each_other_with_patience(
    search_engine: Server, member: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("judging.search.asking._LONGEST_WAIT_FOR_LIMITS", 0.05)
    search_engine.faults = gauge = Gauge()
    endpoint = make_engine_endpoint(search_engine, max_concurrency=1)
    side = Side(endpoint, template_of(body=NARROW), depth=3)
    answers = ask_sides(actor=member, query="green hat", sides=[side] * 4)
    assert [answer.failure_code for answer in answers] == [""] * 4
    assert gauge.most == 1
