"""`manage.py demo_search` as a process."""

import json
import re
import signal
import subprocess
import sys
import urllib.request

import pytest
from django.conf import settings


@pytest.mark.slow
def test_it_serves_the_demo_documents_until_sigterm_and_ends_with_0() -> None:
    process = subprocess.Popen(
        [sys.executable, "manage.py", "demo_search", "--port", "0"],
        cwd=settings.BASE_DIR,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        said = process.stdout.readline()
        url = re.fullmatch(r"Demo search \(.*not Elasticsearch\) at (http://127\.0\.0\.1:\d+)\n", said)
        assert url is not None
        with urllib.request.urlopen(f"{url[1]}/healthz", timeout=60) as answer:
            assert json.load(answer)["documents"] == 3129
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=60) == 0
    finally:
        process.kill()
        process.wait()
