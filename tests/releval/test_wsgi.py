"""The WSGI application as a web process has it before anybody asks."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

_ROOT = Path(__file__).parents[2]
_SCRIPT = """
import json, sys
import releval.wsgi
from django.db import connection
from django.test import RequestFactory
loaded = set(sys.modules)
statuses = []
client = RequestFactory(SERVER_NAME="localhost")
for path in ("/login", "/api/v1/me", "/v1/judges/"):
    list(releval.wsgi.application(client.get(path).environ, lambda status, headers: statuses.append(status[:3])))
late = [name for name in set(sys.modules) - loaded if name.startswith(("judging.", "rest_framework."))
    # What templates are made with comes with the first of them, and takes 20 ms.
    and not name.startswith(("judging.templatetags", "judging.web.shell"))]
print(json.dumps([statuses, late, connection.connection is None]))
"""


@pytest.mark.seldom
def test_first_requests_find_all_views_loaded_and_no_connection_shared(tmp_path: Path) -> None:
    environment = {**os.environ, "RELEVAL_DATA_DIR": str(tmp_path), "RELEVAL_DEBUG": "1", "PYTHONPATH": str(_ROOT)}
    ended = subprocess.run(
        [sys.executable, "-c", _SCRIPT], cwd=_ROOT, env=environment, capture_output=True, text=True, check=True
    )
    statuses, late, is_unconnected = json.loads(ended.stdout.splitlines()[-1])
    assert statuses == ["200", "401", "401"]
    assert late == []
    assert is_unconnected, "processes would share one connection"
