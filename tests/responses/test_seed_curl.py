"""The three steps of the document that the product was asked for with, run by a real shell and curl."""

import json
import shutil
import subprocess
from typing import Any

import pytest

from judging.models import User
from tests.draining import drain
from tests.factories import make_token
from tests.responses.conftest import MakeJudge

# As in the document but for the host and the judge's id, which it leaves to the reader.
CREATE = r"""
curl -X POST "https://api.scorable.ai/v1/judges/{my_judge_id}/batch-execute/" \
-H "Authorization: Api-Key ${SCORABLE_API_KEY}" \
-H "Content-Type: application/json" \
-d '{
"inputs": [
{
"request": "What is the capital of France?",
"response": "Paris is the capital and largest city of France."
},
{
"request": "What is the capital of Spain?",
"response": "Madrid is the capital of Spain."
},
{
"request": "What is the capital of Italy?",
"response": "Rome is the capital city of Italy."
}
],
"tags": ["my-app-v1.2"]
}'
"""
POLL = r"""
curl -X GET "https://api.scorable.ai/v1/judges/batch-executions/${BATCH_ID}/" \
  -H "Authorization: Api-Key ${SCORABLE_API_KEY}"
"""


def run(command: str, url: str, **environment: str) -> Any:
    command = command.replace("https://api.scorable.ai", url)
    command = command.replace("curl ", "curl --silent --show-error --fail-with-body --noproxy '*' ", 1)
    done = subprocess.run(
        ["sh", "-c", command],
        capture_output=True,
        text=True,
        timeout=60,
        env={"PATH": "/usr/local/bin:/usr/bin:/bin", **environment},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout)


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
@pytest.mark.django_db(transaction=True)
def test_the_three_steps_of_the_document(live_server: Any, make_judge: MakeJudge, member: User) -> None:
    judge = make_judge("Relevance")
    key = make_token(member)
    created = run(CREATE.replace("{my_judge_id}", str(judge.pk)), live_server.url, SCORABLE_API_KEY=key)
    batch_id = created["batch_execution_id"]
    assert created["status_url"] == f"/v1/judges/batch-executions/{batch_id}/"
    polled = run(POLL, live_server.url, SCORABLE_API_KEY=key, BATCH_ID=batch_id)
    assert (polled["batch_execution_id"], polled["status"], polled["total_count"]) == (batch_id, "pending", 3)
    drain()
    ended = run(POLL, live_server.url, SCORABLE_API_KEY=key, BATCH_ID=batch_id)
    assert ended["status"] == "completed"
    first = ended["items"][0]
    assert (first["index"], first["status"]) == (0, "completed")
    assert first["input"] == {
        "request": "What is the capital of France?",
        "response": "Paris is the capital and largest city of France.",
        "contexts": None,
        "expected_output": None,
        "turns": None,
    }
    assert first["evaluator_results"][0].keys() >= {"score", "justification", "evaluator_name"}
