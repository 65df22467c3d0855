"""One run on PostgreSQL, shared by two clusters in process groups of their own, as on two hosts.

A program of its own (`sh scripts/with_postgresql.sh python -m tests.bench.measured.two_hosts`): the rest of the bench is on
SQLite. Prints what it found as JSON.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from tests.bench import environment
from tests.bench.figures import Figure, at_least, at_most, plain
from tests.bench.processes import ROOT

_SIZE, _IN_FLIGHT, _DELAY_MS = 1_600, 100, 300
_LEAST_SHARE = 25.0
_NO_SERVER = 69


def measure() -> list[Figure]:
    """Run the program beside a PostgreSQL server of its own. Raise RuntimeError where none is installed."""
    command = ["sh", "scripts/with_postgresql.sh", sys.executable, "-m", __name__]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, timeout=300, check=False)
    if done.returncode == _NO_SERVER:
        raise RuntimeError("no PostgreSQL server is installed")
    done.check_returncode()
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    shares = [100 * share for share in found["shares"]]
    return [
        at_least("two hosts: the smaller share of a run", min(shares), "%", _LEAST_SHARE, shares=shares),
        at_most("two hosts: candidates lost, or asked twice", found["lost"] + found["repeated"], "", 0),
        at_most("two hosts: most calls in flight", found["max_in_flight"], "", _IN_FLIGHT),
        plain("two hosts: candidates", _SIZE / found["seconds"], "/s", limit=_IN_FLIGHT / _DELAY_MS * 1000),
    ]


def _share() -> dict[str, Any]:
    from judging.judging_runs.starting import JudgingOptions, start_judging_run
    from judging.models import JudgingRun, WorkerHeartbeat
    from tests.factories import make_judge, make_provider, make_run, make_user
    from tests.stub.fixtures import Stub
    from tests.work.cluster import Cluster
    from tests.work.processes.callers import Callers

    stub = Stub()
    stub.script(delay_ms=_DELAY_MS)
    judge = make_judge(make_provider(stub.base_url))
    evaluation_run = make_run({f"query {q}": [f"d{q}-{c}" for c in range(20)] for q in range(_SIZE // 20)})
    with Cluster() as first, Cluster() as second:
        deadline = time.monotonic() + 60
        while WorkerHeartbeat.objects.count() < 4 and time.monotonic() < deadline:
            time.sleep(0.1)
        options = JudgingOptions(max_concurrency=_IN_FLIGHT)
        run = start_judging_run(evaluation_run=evaluation_run, judge=judge, actor=make_user(), options=options)
        callers = Callers(stub, first, second)
        while (run := JudgingRun.objects.get(pk=run.pk)).is_active and time.monotonic() < deadline + 60:
            callers.look()
            time.sleep(0.2)
        shares = callers.shares()
    assert run.started_at is not None
    assert run.completed_at is not None
    found = {
        "shares": shares,
        "lost": _SIZE - run.judged_count,
        "repeated": stub.repeated_calls,
        "max_in_flight": stub.max_in_flight,
        "seconds": (run.completed_at - run.started_at).total_seconds(),
    }
    stub.stop()
    return found


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="releval-bench-") as directory:
        environment.prepare(Path(directory), database=os.environ["DATABASE_URL"])
        print(json.dumps(_share()))
