"""`manage.py worker`, up to where the workers would start."""

import os
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from judging.work import workers


def test_workers_keep_no_record_of_their_statements(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.DEBUG = True
    assert connection.queries_logged
    seen: list[bool] = []
    monkeypatch.setattr(workers, "run_workers", lambda: seen.append(connection.queries_logged))
    monkeypatch.setattr(os, "getpgrp", os.getpid)
    call_command("worker")
    assert seen == [False]


def test_workers_refuse_a_process_group_that_is_not_theirs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "getpgrp", lambda: os.getpid() + 1)
    monkeypatch.setattr(workers, "run_workers", lambda: pytest.fail("they started"))
    with pytest.raises(CommandError, match="process group of their own"):
        call_command("worker")
