"""Lines of the log: one JSON object each, with the id of the request or of the run that they belong to."""

import json
import logging
from collections.abc import Iterator
from io import StringIO
from typing import Any

import pytest
from django.test import Client

from judging.foundation.logs import JsonFormatter, RequestIdFilter
from judging.judging_runs.starting import start_judging_run
from judging.models import JudgingRun, User
from judging.work.store import Store
from tests.draining import drain
from tests.factories import make_judge, make_provider, make_run
from tests.stub.fixtures import Stub


@pytest.fixture
def lines() -> Iterator[StringIO]:
    out = StringIO()
    handler = logging.StreamHandler(out)
    handler.addFilter(RequestIdFilter())
    handler.setFormatter(JsonFormatter())
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    yield out
    root.removeHandler(handler)
    root.setLevel(level)


def read(out: StringIO) -> list[dict[str, str]]:
    return [json.loads(line) for line in out.getvalue().split("\n")[:-1]]


@pytest.mark.django_db
def test_the_lines_of_a_request_carry_its_id(client: Client, lines: StringIO) -> None:
    answer = client.get("/no/such/page", headers={"X-Request-Id": "trace-1234"})
    assert answer["X-Request-Id"] == "trace-1234"
    assert {line["id"] for line in read(lines)} == {"trace-1234"}
    for forged in ("a\nb" * 8, "x" * 200, '"}{"' * 4, "short"):
        answer = client.get("/no/such/page", headers={"X-Request-Id": forged})
        assert answer["X-Request-Id"] not in (forged, "trace-1234")
    assert all(set(line) == {"at", "level", "logger", "id", "message"} for line in read(lines))


def test_a_line_is_one_object_whatever_stands_in_it(lines: StringIO) -> None:
    try:
        raise ValueError('a "quote"\nand a line')
    except ValueError:
        logging.getLogger("judging").exception("it\nbroke: %s", "\u2028\0‮")
    (line,) = read(lines)
    assert line["message"] == "it\nbroke: \u2028\0‮"
    assert "ValueError" in line["exception"]
    assert lines.getvalue().count("\n") == 1


def test_the_lines_of_a_slice_carry_its_run_s_id_on_every_thread(
    transactional_db: None, stub: Stub, member: User, lines: StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    stub.script(fault="401")
    judge = make_judge(make_provider(stub.base_url), max_retries=0)
    run = start_judging_run(evaluation_run=make_run(), judge=judge, actor=member)
    lines.truncate(0)
    lines.seek(0)
    flush = Store.flush

    def telling(self: Store, batch: Any) -> Any:
        logging.getLogger("judging.work.store").warning("on the store's thread")
        return flush(self, batch)

    monkeypatch.setattr(Store, "flush", telling)
    drain()
    assert JudgingRun.objects.get(pk=run.pk).status == "failed"
    ours = [line for line in read(lines) if line["logger"].startswith("judging.work")]
    assert {line["id"] for line in ours} == {f"run:{run.pk}"}
    messages = " ".join(line["message"] for line in ours)
    assert f"{run.pk} is running" in messages
    assert "on the store's thread" in messages
    assert f"{run.pk} is failed with authentication" in messages
    assert "the work has ended" in messages
