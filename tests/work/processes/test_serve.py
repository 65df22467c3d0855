"""`manage.py serve` for real: its own data directory, its own ports, processes that are killed."""

import os
import re
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx2
import pytest
from django.conf import settings
from django.core.management import call_command
from django.core.management.base import CommandError
from django.urls import resolve

from tests.databases import copy_template
from tests.work.served import ENDS_WITHIN, PROC, Served, new_database

pytestmark = [
    pytest.mark.slow(seconds=8),
    pytest.mark.skipif(not PROC.is_dir(), reason="finds what is left of processes in /proc, which is not there"),
]


@pytest.fixture
def serve(tmp_path: Path, database_template: str) -> Iterator[Callable[..., Served]]:
    with ExitStack() as databases:
        started: list[Served] = []

        def start(*options: str, **environment: Any) -> Served:
            data_dir = tmp_path / f"data{len(started)}"
            data_dir.mkdir()
            database = databases.enter_context(new_database(data_dir))
            served = Served(data_dir, "serve", *options, database=database, **environment)
            started.append(served)
            return served

        yield start
        for served in started:
            served.kill_what_is_left()


def test_serve_makes_database_and_admin_and_ends_without_a_trace(serve: Callable[..., Served]) -> None:
    # With the local judge `demo` serves, below.
    admin = {"RELEVAL_ADMIN_EMAIL": "ada@example.com", "RELEVAL_ADMIN_PASSWORD": "analytical-engine-1"}
    served = serve("--no-local-judge", RELEVAL_DEBUG="0", **admin)
    served.wait_until_ready()
    page = httpx2.get(f"http://127.0.0.1:{served.port}/login", timeout=60)
    assert page.headers["Content-Encoding"] == "gzip"
    style = re.search(r'href="(/static/css/releval\.[0-9a-f]+\.css)"', page.text)
    assert style, "static files are named by their content"
    answer = httpx2.get(f"http://127.0.0.1:{served.port}{style[1]}", timeout=60)
    assert (answer.headers["Content-Encoding"], "immutable" in answer.headers["Cache-Control"]) == ("gzip", True)
    mistyped = httpx2.get(f"http://127.0.0.1:{served.port}/mistyped", timeout=60)
    assert (mistyped.status_code, "urls.py" in mistyped.text) == (404, False)
    assert served.ask("/healthz") == 200
    # Cursors come back as whole addresses, filters and all.
    assert served.ask(f"/healthz?cursor={'x' * 8_000}") == 200
    assert served.rows("SELECT email, role FROM judging_user") == [("ada@example.com", "admin")]
    assert len(served.wait_for(served.workers)) <= 2
    assert [path.name for path in served.data_dir.glob("*.sqlite3*") if path.stat().st_mode & 0o077] == []

    code, seconds = served.end(signal.SIGINT)
    assert code == 0
    assert seconds < ENDS_WITHIN
    assert served.processes() == []
    assert served.workers() == set()


def test_a_taken_port_ends_the_start_with_the_way_out(monkeypatch: pytest.MonkeyPatch) -> None:
    # Before it starts or writes anything, so it needs no process of its own.
    umask = os.umask(0o077)
    try:
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            port = taken.getsockname()[1]
            monkeypatch.setattr(settings, "PORT", port)
            with pytest.raises(CommandError) as refused:
                call_command("serve")
    finally:
        os.umask(umask)
    assert f"Port {port} on 127.0.0.1" in str(refused.value)
    assert f"PORT={port + 10} make serve" in str(refused.value)


def test_a_database_that_can_not_be_used_ends_the_start_with_one_line(
    serve: Callable[..., Served], tmp_path: Path
) -> None:
    (tmp_path / "directory").mkdir()
    served = serve(DATABASE_URL=f"sqlite:///{tmp_path / 'directory'}")
    assert served.process.wait(60) == 1
    assert "The database can't be used: unable to open database file; manage.py doctor" in served.said()
    assert "Traceback" not in served.said()


@pytest.mark.slow(seconds=20)
@pytest.mark.skipif(not settings.IS_SQLITE, reason="the demo of a single machine, whatever the database")
def test_the_demo_judges_once_and_says_the_same_the_second_time(tmp_path: Path, database_template: str) -> None:
    (tmp_path / "data").mkdir()
    copy_template(str(tmp_path / "data" / "releval.sqlite3"))
    # Thousands of texts: the model takes a minute for them on two cores, and tests/local_judge asks it about some.
    embedder = str(Path(__file__).parent / "embedder")
    said = []
    for _ in range(2):
        demo = Served(tmp_path / "data", "demo", ONESHOT="1", PYTHONPATH=embedder)
        try:
            assert demo.process.wait(900) == 0, demo.said()
            assert demo.processes() == []
        finally:
            demo.kill_what_is_left()
        # The address holds the port, which differs.
        said.append(demo.said().replace(f":{demo.port}", ":PORT"))
    first, second = (text[text.index("AI judging run completed") :] for text in said)
    assert first == second
    judged = "SELECT status, judged_count, failed_count, total_count FROM judging_judgingrun ORDER BY created_at"
    assert demo.rows(judged) == [("completed", 2321, 0, 2321), ("completed", 109, 0, 109)]
    searched = "SELECT status, answered_count, empty_count, failed_count FROM judging_searchrun ORDER BY created_at"
    assert demo.rows(searched) == [("completed", 130, 5, 0), ("completed", 132, 3, 0)]
    assert demo.rows("SELECT count(*) FROM judging_searchexchange") == [(270,)]
    assert re.search(r"NDCG@10 +0\.\d{3} -> 0\.\d{3} +\+0\.\d{3} .* better; \d+ won", first)
    assert re.search(r"failed   0\n", first)
    assert re.search(r"NDCG@10 +0\.\d{4} \(\d+%\) +0\.\d{4} \(100%\)", first)
    assert re.search(r"scored queries +\d+ of 135 +135 of 135", first)
    # Better than chance even by words alone.
    kappa = re.search(r"weighted kappa\) +(0\.\d+)  \(0\.\d+ to 0\.\d+\)", first)
    assert kappa is not None
    assert float(kappa[1]) > 0.1
    compared = re.search(r"Query by query: http://127\.0\.0\.1:PORT(\S+)", first)
    assert compared is not None
    assert resolve(compared[1]).url_name == "compare"
    assert re.search(r"/api/v1/evaluations/runs/[0-9a-f-]{36}/ai-judge", first)
    assert re.search(r'"ai_judge_id": "[0-9a-f-]{36}"', first)
    assert (tmp_path / "data" / "demo.json").stat().st_mode & 0o777 == 0o600
