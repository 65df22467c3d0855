"""Workers die in the middle of a search run, and no hand helps: nothing is lost, nothing stands twice.

`make chaos` kills twenty in four runs of 3,000 searches, everything else one in a small run.
"""

import random
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from judging.demo_search.server import Server
from judging.foundation.limits import LEASE_SECONDS
from judging.models import Candidate, RunQuery, SearchExchange, SearchItem, SearchRun, User
from judging.work.loop import FLUSH_SECONDS
from tests.bench.rest import Api
from tests.judging_runs.judging import wait_until
from tests.search.runs.searching import engine, make_search_evaluation
from tests.work.chaos import IS_WHOLE, ROUND, ServedRun
from tests.work.served import PROC

# A search takes long, so that few of them outlast the kills.
CASES, SIZE, KILLS = (4, 3_000, 5) if IS_WHOLE else (1, 400, 1)
DEPTH, IN_FLIGHT, DELAY_SECONDS = 5, 64, 0.8
# In flight, and back but not yet written; a write may take as long as the pause before it on a busy machine.
LOST_BY_A_KILL = IN_FLIGHT + round(IN_FLIGHT * 2 * FLUSH_SECONDS / DELAY_SECONDS)

pytestmark = [
    pytest.mark.slow(seconds=90 if IS_WHOLE else 30),
    pytest.mark.skipif(not PROC.is_dir(), reason="finds what is left of processes in /proc, which is not there"),
]


class SearchedRun(ServedRun):
    """A search run on workers that `serve` runs."""

    run: SearchRun
    # A machine that is busy with other things takes that long for each.
    seconds_each = 0.05

    def start(self, url: str) -> None:
        queries = tuple(f"red number {number}" for number in range(SIZE))
        evaluation = make_search_evaluation(url, queries=queries, max_concurrency=IN_FLIGHT)
        api = Api(self.served.port, self.token)
        body = {"name": "live", "metrics": ["P@5"], "depth": DEPTH, "start": True}
        answer, _ = api.post(f"evaluations/{evaluation.pk}/runs", body)
        api.close()
        self.run = SearchRun.objects.get(pk=answer["id"])
        self.left_at_hit = SIZE


@pytest.fixture
def search_engine() -> Iterator[Server]:
    with engine(f"latency:{1000 * DELAY_SECONDS}") as server:
        yield server


@pytest.fixture
def stack(
    transactional_db: None, member: User, tmp_path: Path, request: pytest.FixtureRequest
) -> Iterator[SearchedRun]:
    stack = SearchedRun(tmp_path / "data", member, request.node.name)
    yield stack
    stack.stop()


@pytest.mark.parametrize("case", range(CASES))
def test_killed_workers_lose_no_search_and_double_none(stack: SearchedRun, search_engine: Server, case: int) -> None:
    stack.serve()
    stack.start(search_engine.url)
    strikes = [SearchedRun.kill_worker, SearchedRun.kill_cluster] * KILLS
    for strike in random.Random(f"{ROUND} {case}").sample(strikes, KILLS):
        stack.wait_for_a_moment()
        stack.hit(strike)
    stack.wait_until_over()
    run = SearchRun.objects.get(pk=stack.run.pk)
    assert (run.status, run.answered_count, run.total_count) == ("completed", SIZE, SIZE)
    # One outcome and one exchange of each search, and the list that the engine has for it.
    assert RunQuery.objects.filter(run_id=run.pk).count() == SIZE
    assert set(SearchItem.objects.filter(search_run=run).values_list("status", "returned")) == {("answered", DEPTH)}
    exchanges = SearchExchange.objects.filter(item__search_run=run)
    assert exchanges.count() == exchanges.values("item").distinct().count() == run.call_count == SIZE
    _, hits = search_engine.index.search("red number 1", {"title": 1.0}, size=DEPTH, start=0)
    expected = {(rank, hit.id) for rank, hit in enumerate(hits, start=1)}
    candidates = Candidate.objects.filter(run_id=run.pk)
    assert set(candidates.values_list("rank", "document__external_id")) == expected
    assert candidates.count() == SIZE * DEPTH
    # Asked twice is what was in flight or not yet written, at most.
    assert len(search_engine.requests) - SIZE <= KILLS * LOST_BY_A_KILL
    wait_until(lambda: not run.evaluation_run.run_queries.filter(has_stale_metrics=True).exists(), 4 * LEASE_SECONDS)
    wait_until(lambda: not run.lanes.filter(is_done=False).exists(), 4 * LEASE_SECONDS)
    code, _ = stack.served.end(signal.SIGTERM)
    assert (code, stack.served.processes()) == (0, [])
