"""Searches that Releval executes: how soon a run starts, how fast it goes and what a search costs, and comparing runs.

The engine answers after 50 ms, 16 searches are in flight; each answer has 5 kB and is kept as evidence.
"""

from judging.ledger import refresh_run
from judging.models import Candidate, Judgment, SearchRun, SearchRunStatus
from tests.bench.figures import Figure, at_least, at_most, percentile, plain
from tests.bench.processes import cpu_seconds
from tests.bench.rest import Api, Visitor
from tests.bench.search_engine import DELAY_MS, SearchEngine
from tests.bench.stack import Stack, seconds_between, wait_until, wait_until_idle
from tests.factories import make_run
from tests.search.runs.searching import make_search_evaluation
from tests.work.cluster import Cluster

_IN_FLIGHT = 16
_LIMIT = _IN_FLIGHT / (DELAY_MS / 1000)
_SIZE, _SMALL_SIZE = 10_000, 135
_START_SECONDS = {_SIZE: 2.0, _SMALL_SIZE: 0.3}
# Depth to the least share of what the engine lets through, and how many searches.
_DEPTHS = {5: (85.0, _SIZE), 20: (40.0, 3_000)}
# Visits until each web process has read the runs; it remembers them while nothing changes.
_WARMING, _VISITS = 12, 60
_ORDERINGS = ("query", "delta", "-abs_delta", "rbo", "-jaccard")


def measure(stack: Stack) -> list[Figure]:
    """Start runs over REST, follow them to their end, and visit the page that compares two."""
    figures: list[Figure] = []
    with SearchEngine() as engine, stack.web() as api:
        api.get("me")
        figures += [_start(api, engine, count, seconds) for count, seconds in _START_SECONDS.items()]
        with stack.cluster() as cluster:
            for depth, (share, count) in _DEPTHS.items():
                figures += _run(stack, api, engine, cluster, depth=depth, count=count, least=share)
        figures += _compare(stack, api)
    return figures


def _start(api: Api, engine: SearchEngine, count: int, limit: float) -> Figure:
    """Start a run, which nobody works on, and stop it."""
    run, seconds = _started(api, engine, count, depth=5)
    api.post(f"evaluations/runs/{run.pk}/stop", {})
    label = f"start of {count:,} searches answers in"
    return at_most(label, seconds, "s", limit, f"< {limit:g}")


def _started(api: Api, engine: SearchEngine, count: int, *, depth: int) -> tuple[SearchRun, float]:
    queries = tuple(f"comfortable running shoes for wet roads, size {number}" for number in range(count))
    evaluation = make_search_evaluation(engine.url, queries=queries, max_concurrency=_IN_FLIGHT)
    body = {"name": f"{count} queries", "metrics": ["NDCG@5"], "depth": depth, "start": True}
    answer, seconds = api.post(f"evaluations/{evaluation.pk}/runs", body)
    return SearchRun.objects.get(pk=answer["id"]), seconds


def _run(
    stack: Stack, api: Api, engine: SearchEngine, cluster: Cluster, *, depth: int, count: int, least: float
) -> list[Figure]:
    """Take pace and CPU of a run; the CPU is that of all processes of the cluster, to the last write."""
    wait_until_idle()
    before = cpu_seconds(cluster.process.pid)
    run, _ = _started(api, engine, count, depth=depth)
    wait_until(lambda: not SearchRun.objects.only("status").get(pk=run.pk).is_active, 900, every=0.05)
    wait_until_idle()
    wait_until(lambda: not run.lanes.filter(is_done=False).exists(), 60)
    cpu = 1000 * (cpu_seconds(cluster.process.pid) - before) / count
    run = SearchRun.objects.get(pk=run.pk)
    assert (run.status, run.answered_count) == (SearchRunStatus.COMPLETED, count), run.error
    pace = count / seconds_between(run.started_at, run.completed_at)
    stack.say(f"{count:,} searches at depth {depth}: {pace:.0f}/s with {cpu:.2f} ms CPU each")
    name = f"searches at depth {depth}"
    return [
        plain(name, pace, "/s"),
        at_least(f"{name}: share of the limit of {_LIMIT:g}/s", 100 * pace / _LIMIT, "%", least),
        plain(f"{name}: CPU per search", cpu, "ms"),
    ]


def _compare(stack: Stack, api: Api) -> list[Figure]:
    """Visit the comparison of two runs of 10,000 queries, again and again and after a grade has changed."""
    queries = {
        f"comfortable running shoes for wet roads, size {number}": [
            f"d{(number * 7 + rank * 13) % 20_000}" for rank in range(10)
        ]
        for number in range(_SIZE)
    }
    a = make_run(queries)
    b = make_run({query: found[1:] + found[:1] for query, found in queries.items()}, evaluation=a.evaluation)
    judged = Candidate.objects.filter(run=a, rank__lte=7).values_list("query_id", "document_id")
    Judgment.objects.bulk_create(
        (
            Judgment(
                corpus_id=a.evaluation.corpus_id, query_id=query_id, document_id=document_id, scale=a.scale,
                grade=(query_id + document_id) % 5, author_kind="member", member=stack.user,
            )
            for query_id, document_id in judged.iterator()
        ),
        batch_size=5_000,
    )  # fmt: skip
    for run in (a, b):
        refresh_run(run.pk)
    path = f"/evaluations/runs/{a.pk}/compare/{b.pk}"
    visitor = Visitor(stack.user, api.port)
    read_anew = [visitor.seconds(path) for _ in range(_WARMING)]
    times = [visitor.seconds(f"{path}?ordering={_ORDERINGS[number % len(_ORDERINGS)]}") for number in range(_VISITS)]
    name = f"comparison of two runs of {_SIZE:,} queries"
    return [
        plain(f"{name}: read anew", max(read_anew), "s"),
        at_most(f"{name}: page, p95", 1000 * percentile(times, 0.95), "ms", 200, "< 200"),
    ]
