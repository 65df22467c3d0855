"""The environment of a bench: a data directory and ports of its own, set before Django reads its settings."""

import os
from pathlib import Path

import django

from tests.ports import free_port

_OURS = ("RELEVAL_", "DATABASE_URL", "LOCAL_JUDGE_")


def prepare(data_dir: Path, *, database: str = "") -> None:
    """Point this process and its children to `data_dir` and a database (SQLite there), load Django, make the tables.

    Nothing may have read the settings before, and pytest must not be imported yet: with it in sight the settings are
    those of tests, whose database does not wait for the disk.
    """
    for name in [name for name in os.environ if name.startswith(_OURS)]:
        del os.environ[name]
    os.environ |= {
        "DJANGO_SETTINGS_MODULE": "releval.settings",
        "RELEVAL_DATA_DIR": str(data_dir),
        "DATABASE_URL": database or f"sqlite:///{data_dir / 'releval.sqlite3'}",
        "RELEVAL_LOG_LEVEL": "WARNING",
        # One user asks for more here than the limit allows an ordinary one.
        "RELEVAL_API_RATE": "1000000/min",
        "PORT": str(free_port()),
    }
    django.setup()

    from django.conf import settings
    from django.core.management import call_command

    assert not settings.IS_TESTING
    call_command("migrate", interactive=False, verbosity=0)
    call_command("collectstatic", interactive=False, verbosity=0)
