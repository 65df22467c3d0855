"""Every request of a run counts against its endpoint's limits: pages and retries like the first ones."""

import time
from typing import Any

import pytest

from judging.engines.presets import PRESETS
from judging.models import EvaluationRun, SearchExchange, SearchRun, User
from judging.search.runs.starting import stop_search_run
from judging.work.slices import work_slice
from judging.work.words import Turn
from tests.draining import drain
from tests.engines.scripted_engine import Received, ScriptedEngine, hits
from tests.judging_runs.judging import in_background, wait_until
from tests.search.runs.searching import counts, make_search_evaluation, reread, search_of, start_run
from tests.stub.script import Answer

pytestmark = pytest.mark.django_db(transaction=True)

PER_MINUTE = 600


def paged_run(engine: ScriptedEngine, member: User, *, queries: int, pages: int, **endpoint: Any) -> EvaluationRun:
    """Start a run whose lists come a document at a time."""
    evaluation = make_search_evaluation(
        engine.url,
        queries=tuple(f"query {number}" for number in range(queries)),
        candidates_mapping=PRESETS["api"].candidates_mapping,
        paging={"type": "offset", "offset": "from", "size": "size", "page_size": 1},
        **endpoint,
    )
    return start_run(evaluation, member, depth=pages, metrics=["P@1"])


class Pages:
    """Answers each page with a document of its own, and notes when it was asked."""

    def __init__(self, engine: ScriptedEngine, first: Answer | None = None) -> None:
        self.began = time.monotonic()
        self.times: list[float] = []
        self._first = first
        engine.acts(self._answer)

    def _answer(self, request: Received) -> Answer:
        self.times.append(time.monotonic())
        if self._first is not None and len(self.times) == 1:
            return self._first
        return hits(f"d{request.json.get('from', 0)}", total=100)

    def seconds(self) -> float:
        return self.times[-1] - self.began


def test_pages_are_requests_under_the_limit_per_minute(scripted: ScriptedEngine, member: User) -> None:
    asked = Pages(scripted)
    run = paged_run(scripted, member, queries=3, pages=8, requests_per_minute=PER_MINUTE)
    drain()
    assert (reread(run).status, counts(run), len(asked.times)) == ("completed", {"answered": 3}, 24)
    assert asked.seconds() >= 23 * 60 / PER_MINUTE


def test_a_page_counts_after_the_turn_that_it_began_in(scripted: ScriptedEngine, member: User) -> None:
    # The turn is over after the first flush, while the search has pages to go, and needs further starts for them.
    asked = Pages(scripted)
    run = paged_run(scripted, member, queries=1, pages=20, requests_per_minute=PER_MINUTE)
    work_slice(search_of(run).lanes.get().pk, turn=Turn(shared=0.0, longest=0.0))
    assert (counts(run), len(asked.times)) == ({"answered": 1}, 20)


def test_a_retry_takes_a_start_of_its_own(scripted: ScriptedEngine, member: User) -> None:
    asked = Pages(scripted, first=Answer(503))
    run = paged_run(scripted, member, queries=1, pages=1, requests_per_minute=30)
    drain()
    assert (counts(run), len(asked.times)) == ({"answered": 1}, 2)
    assert asked.seconds() >= 60 / 30


def test_after_a_stop_no_further_page_is_sent(scripted: ScriptedEngine, member: User) -> None:
    asked = Pages(scripted)
    # The third page has its start in 30 s: by then the run is stopped.
    run = paged_run(scripted, member, queries=1, pages=3, requests_per_minute=2)
    with in_background(work_slice, search_of(run).lanes.get().pk):
        wait_until(lambda: SearchRun.objects.get(pk=run.pk).status == "running" and len(asked.times) == 1, 60)
        stop_search_run(run=run, actor=member)
    drain()
    assert (reread(run).status, counts(run), len(asked.times)) == ("cancelled", {"skipped": 1}, 1)
    # What came back stays as evidence.
    assert SearchExchange.objects.count() == 1
