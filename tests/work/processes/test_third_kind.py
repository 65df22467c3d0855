"""A third kind of work is one file, one line in the table and its own tables: the engine does the rest."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings

from tests.databases import copy_template

_ENGINE = Path(settings.BASE_DIR) / "judging" / "work"


@pytest.mark.slow(seconds=8)
def test_the_engine_runs_a_third_kind_of_work_to_every_end(tmp_path: Path, database_template: str) -> None:
    if settings.IS_SQLITE:
        # It makes the tables of its own kind.
        copy_template(str(tmp_path / "releval.sqlite3"))
    environment = {key: value for key, value in os.environ.items() if key != "DATABASE_URL"}
    told = subprocess.run(
        [sys.executable, "-m", "tests.work.toy.story"],
        cwd=settings.BASE_DIR,
        env={
            **environment,
            "DJANGO_SETTINGS_MODULE": "tests.work.toy.settings",
            "RELEVAL_DATA_DIR": str(tmp_path),
            "RELEVAL_LOG_LEVEL": "WARNING",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert told.returncode == 0, told.stderr
    assert json.loads(told.stdout.splitlines()[-1]) == {
        "lanes": 2,
        "under way when killed": "working",
        "in flight when killed": True,
        "rescued lanes": 2,
        "completed": ["completed", 396, 4, sum(number**2 for number in range(400) if number % 100)],
        "why rows failed": [[number, "refused"] for number in (0, 100, 200, 300)],
        "cancelled": ["cancelled", 1000, True],
        "all failed": ["failed", 2, "no_square"],
        "still pending": 0,
        "lanes left": 0,
    }


def test_the_engine_tells_no_kind_from_another() -> None:
    source = "\n".join(path.read_text(encoding="utf-8") for path in _ENGINE.glob("*.py"))
    for word in ("isinstance", "JudgingRun", "BatchExecution", "JudgingItem", "EvaluatorResult", "AIProvider"):
        if word == "isinstance":
            # The loop tells a failure from an outcome, whatever kind of outcome it is.
            source = source.replace("isinstance(outcome, Failure)", "")
        assert word not in source, f"judging/work knows {word}"
