"""Runs in an environment with one version of the vendor's SDK, unmodified: prints one JSON object of what it saw.

client_script.py BASE_URL API_KEY JUDGE_ID BATCH_ID, the batch one of evaluators that no judge has
"""

import json
import sys
import time
from importlib.metadata import version

from scorable import Scorable
from scorable.generated.openapi_client.models.evaluator_reference_request import EvaluatorReferenceRequest

base_url, api_key, judge_id, bare_batch_id = sys.argv[1:]
RELEASE = tuple(int(part) for part in version("scorable").split("."))
client = Scorable(api_key=api_key, base_url=base_url)
seen: dict[str, object] = {"version": version("scorable")}

PAIRS = [{"request": f"What is the capital of country {n}?", "response": f"City {n} is the capital."} for n in range(3)]

with client.get_client_context() as api:
    from scorable.generated.openapi_client.api.judges_api import JudgesApi

    judges = JudgesApi(api)
    if RELEASE >= (1, 15):
        from scorable.generated.openapi_client.api.batch_executions_api import BatchExecutionsApi
        from scorable.generated.openapi_client.models.batch_execution_create_request import BatchExecutionCreateRequest

        request = BatchExecutionCreateRequest.from_dict({"judge_id": judge_id, "inputs": PAIRS, "tags": ["sdk"]})
        created = BatchExecutionsApi(api).batch_executions_create(batch_execution_create_request=request)
    else:
        from scorable.generated.openapi_client.models.judge_batch_execution_request import JudgeBatchExecutionRequest

        inputs: list[dict[str, object]] = [{**pair} for pair in PAIRS]
        if RELEASE < (1, 10):
            turns = [{"role": "user", "content": "hello"}, {"role": "assistant", "content": "hello to you"}]
            inputs.append({"messages": {"turns": turns, "target": "agent_behavior"}})
        request = JudgeBatchExecutionRequest.from_dict({"inputs": inputs, "tags": ["sdk"]})
        created = judges.judges_batch_execute_create(judge_id=judge_id, judge_batch_execution_request=request)
    seen["status_url"] = created.status_url

    deadline = time.monotonic() + 60
    while True:
        batch = judges.judges_batch_executions_retrieve(id=created.batch_execution_id)
        if batch.status.value in ("completed", "failed") or time.monotonic() > deadline:
            break
        time.sleep(0.2)
    seen["status"] = batch.status.value
    seen["counts"] = [batch.total_count, batch.completed_count, batch.failed_count]
    seen["judge"] = batch.judge.name
    seen["scores"] = [[result["score"] for result in item.evaluator_results] for item in batch.items]
    seen["echo"] = batch.items[0].input.request

    walked = []
    cursor = None
    while True:
        page = judges.judges_batch_executions_list(judge_id=judge_id, page_size=2, cursor=cursor)
        walked += [row.batch_execution_id for row in page.results]
        cursor = page.next
        if not cursor:
            break
    seen["walked"] = walked
    seen["batch_execution_id"] = created.batch_execution_id

    seen["bare"] = judges.judges_batch_executions_retrieve(id=bare_batch_id).judge.name
    seen["all"] = len(judges.judges_batch_executions_list(page_size=100).results)

judge = client.judges.get(judge_id)
result = judge.run(request="What is the capital of France?", response="Paris.", tags=["sdk-run"])
seen["run"] = [[each.evaluator_name, each.score, each.justification] for each in result.evaluator_results]
seen["by_name"] = len(client.judges.run_by_name(judge.name, request="a", response="b").evaluator_results)
seen["judges"] = sorted(each.name for each in client.judges.list(limit=10))
seen["evaluators"] = len(list(client.evaluators.list(limit=100)))
reference = EvaluatorReferenceRequest(id=judge.evaluators[0].id)
made = client.judges.create(name="Made by the SDK", intent="is it made?", evaluator_references=[reference])
seen["made"] = made.name
seen["renamed"] = client.judges.update(made.id, name="Renamed by the SDK").name
# The prompt's name changed between the versions.
sent, answered = ("predicate", "prompt") if RELEASE < (1, 10) else ("scoring_criteria", "scoring_criteria")
prompt = {sent: "From the SDK: {{request}} {{response}}"}
changed = client.evaluators.update(judge.evaluators[0].id, name="First again", **prompt)
seen["changed"] = [changed.name, getattr(changed, answered)]

logs = list(client.execution_logs.list(limit=10, tags=["sdk-run"]))
seen["logs"] = [[log.executed_item_name, log.tags] for log in logs]
seen["log"] = client.execution_logs.get(log_id=logs[0].id).evaluator_results[0].evaluator_name

try:
    Scorable(api_key="rlv_wrong", base_url=base_url).judges.get(judge_id)
except Exception as error:
    seen["refused"] = type(error).__name__

print(json.dumps(seen))
