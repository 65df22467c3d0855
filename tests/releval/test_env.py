"""What is wrong in the environment is said in one line that names the variable."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
READ = "from django.conf import settings; print(repr((settings.ALLOWED_HOSTS, settings.SECRET_KEY, settings.PORT)))"


def run(arguments: list[str], tmp_path: Path, **variables: str) -> "subprocess.CompletedProcess[str]":
    names = ("DATABASE_URL", "PORT", "HOST", "DJANGO_SETTINGS_MODULE")
    kept = {name: value for name, value in os.environ.items() if not name.startswith("RELEVAL_") and name not in names}
    environment = {**kept, "RELEVAL_DATA_DIR": str(tmp_path), **variables}
    command = [sys.executable, "manage.py", *arguments]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("PORT", "http", "PORT is 'http'; it takes a whole number"),
        ("RELEVAL_WORKERS", "many", "RELEVAL_WORKERS is 'many'; it takes a whole number"),
        ("DATABASE_URL", "rubbish", "DATABASE_URL takes postgres://"),
        ("RELEVAL_DATA_DIR", "/proc/nowhere", "the data directory /proc/nowhere (RELEVAL_DATA_DIR) can't be made"),
        ("RELEVAL_LOG_LEVEL", "loud", "RELEVAL_LOG_LEVEL is 'LOUD'; it takes one of DEBUG"),
        ("RELEVAL_API_RATE", "fast", "RELEVAL_API_RATE is 'fast'; it takes a number per s, min, hour or day"),
        ("RELEVAL_ENCRYPTION_KEYS", "secret-zz", "key 1 of RELEVAL_ENCRYPTION_KEYS is none"),
        ("RELEVAL_SECRET_KEY_FILE", "/nowhere/key", "the file that RELEVAL_SECRET_KEY_FILE names can't be read"),
    ],
)
def test_a_wrong_variable_is_named_in_one_line(tmp_path: Path, name: str, value: str, message: str) -> None:
    done = run(["judge", "run", "--judge", "j"], tmp_path, **{name: value})
    assert done.returncode == 1
    assert done.stderr.startswith(f"Releval can't start: {message}")
    assert len(done.stderr.splitlines()) == 1
    assert "secret-zz" not in done.stderr


def test_debug_pages_are_refused_in_production(tmp_path: Path) -> None:
    done = run(["check"], tmp_path, RELEVAL_ENV="production", RELEVAL_DEBUG="1")
    assert (done.returncode, "RELEVAL_DEBUG" in done.stderr) == (1, True)


def test_a_value_from_a_file_is_taken_without_its_last_line_end(tmp_path: Path) -> None:
    (tmp_path / "hosts").write_text("a.example,b.example\n")
    (tmp_path / "key").write_text("a key \r\n")
    files = {"RELEVAL_ALLOWED_HOSTS_FILE": "hosts", "RELEVAL_SECRET_KEY_FILE": "key"}
    done = run(["shell", "--no-imports", "-c", READ], tmp_path, **{n: str(tmp_path / f) for n, f in files.items()})
    assert done.stdout.strip() == repr((["a.example", "b.example"], "a key", 8000)), done.stderr
