"""What lies on the disk is its owner's alone: keys, session keys and password hashes."""

import os
import subprocess
import sys
from pathlib import Path

from django.conf import settings

_PROGRAM = """
import os
os.umask(0o022)
from releval import settings
import django
django.setup()
from django.db import connection
with connection.cursor() as cursor:
    cursor.execute("CREATE TABLE t (x)")
    for path in sorted(settings.DATA_DIR.iterdir()):
        print(path.name, oct(path.stat().st_mode & 0o777))
"""


def modes(data_dir: Path) -> dict[str, str]:
    """Have a process of its own make an installation; return the mode of each of its files."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("RELEVAL_", "DATABASE_URL"))}
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM],
        cwd=settings.BASE_DIR,
        env={**clean, "RELEVAL_DATA_DIR": str(data_dir), "DJANGO_SETTINGS_MODULE": "releval.settings"},
        capture_output=True,
        text=True,
        check=True,
    )
    return dict(line.split() for line in done.stdout.splitlines())


def test_the_data_directory_and_what_is_made_in_it_are_the_owner_s_alone(tmp_path: Path) -> None:
    data_dir = tmp_path / "new"
    found = modes(data_dir)
    assert oct(data_dir.stat().st_mode & 0o777) == "0o700"
    names = ("secret_key", "encryption_keys", "releval.sqlite3", "releval.sqlite3-wal", "releval.sqlite3-shm")
    assert {name: found[name] for name in names} == dict.fromkeys(names, "0o600")


def test_what_stands_already_is_left_as_it_is(tmp_path: Path) -> None:
    data_dir = tmp_path / "shared"
    data_dir.mkdir()
    data_dir.chmod(0o750)
    (data_dir / "releval.sqlite3").touch()
    (data_dir / "releval.sqlite3").chmod(0o640)
    assert modes(data_dir)["releval.sqlite3"] == "0o640"
    assert oct(data_dir.stat().st_mode & 0o777) == "0o750"
