"""Processes that give way to those that somebody waits for."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from releval.priority import NICENESS

_ROOT = Path(__file__).parents[2]
_SESSION = Path("/proc/self/autogroup")
# Prints the niceness of the process and that of its session.
_SCRIPT = f"""
import json, os, pathlib
from releval.priority import give_way, is_behind_others
give_way()
session = pathlib.Path({str(_SESSION)!r})
print(json.dumps([os.nice(0), is_behind_others(), int(session.read_text().split()[-1]) if session.exists() else None]))
"""


def given_way(*, has_own_session: bool) -> tuple[int, bool, int | None]:
    command = [sys.executable, "-c", _SCRIPT]
    answer = subprocess.run(
        command, cwd=_ROOT, start_new_session=has_own_session, capture_output=True, text=True, check=True
    )
    niceness, is_behind_others, of_session = json.loads(answer.stdout)
    return niceness, is_behind_others, of_session


def session_niceness() -> int | None:
    return int(_SESSION.read_text().split()[-1]) if _SESSION.exists() else None


def test_a_process_that_gives_way_is_nicer_than_who_started_it() -> None:
    assert given_way(has_own_session=True)[:2] == (min(os.nice(0) + NICENESS, 19), True)


@pytest.mark.skipif(not _SESSION.exists(), reason="this kernel shares cores between processes alone")
def test_it_makes_a_session_of_its_own_nicer_and_no_other() -> None:
    ours = session_niceness()
    assert given_way(has_own_session=False)[2] == ours
    assert given_way(has_own_session=True)[2] == NICENESS
