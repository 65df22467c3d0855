"""The curl lines of the document that the product was asked for with, run as they stand by a real shell and curl."""

import json
import shutil
import subprocess
from string import Template
from typing import Any

import pytest

from judging.models import Role
from tests.draining import drain
from tests.factories import make_judge, make_provider, make_token, make_user
from tests.judging_runs.judging import small_run
from tests.stub.fixtures import Stub

# As in the document; only "https" becomes "http" (a loopback server has no certificate), and host, token and ids are
# filled in.
START = r"""
curl -X POST "https://${RELEVAL_HOST}/api/v1/evaluations/runs/${RUN_ID}/ai-judge" \
-H 'Content-Type: application/json' \
-H "Authorization: Bearer ${TOKEN}" \
-d '{
"ai_judge_id": "${AI_JUDGE_ID}"
}'
"""
LIST = r"""
curl "https://${RELEVAL_HOST}/api/v1/evaluations/runs/${RUN_ID}/ai-judging-runs" \
-H "Authorization: Bearer ${TOKEN}"
"""
CANCEL = r"""
curl -X POST "https://${RELEVAL_HOST}/api/v1/ai-judging-runs/${JUDGING_RUN_ID}/cancel" \
-H "Authorization: Bearer ${TOKEN}"
"""


def curl(command: str, **values: str) -> Any:
    filled = Template(command.replace("https://", "http://")).substitute(values)
    quiet = filled.replace("curl ", "curl --silent --show-error --fail-with-body --noproxy '*' ", 1)
    done = subprocess.run(["sh", "-c", quiet], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout)


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_start_list_and_cancel_by_the_documents_own_lines(live_server: Any, stub: Stub) -> None:
    user = make_user(Role.MEMBER)
    run = small_run()
    judge = make_judge(make_provider(stub.base_url))
    values = {
        "RELEVAL_HOST": live_server.url.removeprefix("http://"),
        "TOKEN": make_token(user),
        "RUN_ID": str(run.pk),
        "AI_JUDGE_ID": str(judge.pk),
    }
    started = curl(START, **values)
    assert started["status"] == "queued"
    assert started["ai_judge_id"] == str(judge.pk)
    drain()
    listed = curl(LIST, **values)["results"]
    assert [(entry["id"], entry["status"], entry["judged_count"]) for entry in listed] == [
        (started["id"], "completed", 20)
    ]
    second = curl(START, **values)
    cancelled = curl(CANCEL, JUDGING_RUN_ID=second["id"], **values)
    assert (cancelled["status"], cancelled["skipped_count"]) == ("cancelled", 20)
    assert curl(CANCEL, JUDGING_RUN_ID=second["id"], **values)["status"] == "cancelled"
