"""A batch of 100 inputs and three evaluators from its request to its end, and the list of a thousand batches.

The stub answers after 100 ms, 16 calls are in flight: the ideal is what calls without any cost would take.
"""

from judging.models import BatchEvaluator, BatchExecution, BatchStatus
from judging.responses.response_judges import Reference, save_response_judge
from tests.bench.figures import Figure, at_most, percentile, plain
from tests.bench.rest import Api
from tests.bench.stack import Stack, seconds_between, wait_until, wait_until_idle
from tests.responses.conftest import make_evaluator, pairs

_DELAY_MS, _IN_FLIGHT = 100, 16
_INPUTS, _EVALUATORS = 100, 3
_IDEAL = _INPUTS * _EVALUATORS * _DELAY_MS / 1000 / _IN_FLIGHT
_MOST = 1.3
_LISTED, _READS = 1_000, 100


def measure(stack: Stack, *, rounds: int = 3) -> list[Figure]:
    """Send batches over the API as a client does; then read the first page of the list again and again."""
    evaluators = [make_evaluator(stack.user, stack.stub.base_url, f"E{number}") for number in range(_EVALUATORS)]
    judge = save_response_judge(
        actor=stack.user,
        fields={"name": "judge of the bench", "max_concurrency": _IN_FLIGHT},
        references=[Reference(evaluator.pk) for evaluator in evaluators],
    )
    seconds, answers = [], []
    with stack.web() as web, stack.cluster():
        api = Api(web.port, stack.token, root="/v1/", scheme="Api-Key")
        for number in range(rounds + 1):
            stack.stub.reset()
            stack.stub.script(delay_ms=_DELAY_MS)
            wait_until_idle()
            answer, took = api.post(f"judges/{judge.pk}/batch-execute/", {"inputs": pairs(_INPUTS)})
            batch = _ended(answer["batch_execution_id"])
            assert (batch.status, batch.completed_count) == (BatchStatus.COMPLETED, _INPUTS), batch.error
            if number:  # the first one warms the workers up
                answers.append(took)
                seconds.append(seconds_between(batch.created_at, batch.completed_at))
        wait_until_idle()
        _copy(batch, _LISTED)
        api.get("judges/batch-executions/")
        pages = [api.get("judges/batch-executions/")[1] for _ in range(_READS)]
        api.close()
    middle = sorted(seconds)[len(seconds) // 2]
    stack.say(f"batches: {', '.join(f'{each:.2f}' for each in seconds)} s, ideal {_IDEAL:.2f} s")
    name = f"batch of {_INPUTS} x {_EVALUATORS} at {_IN_FLIGHT} in flight"
    return [
        plain(f"{name}: the request answers in", 1000 * max(answers), "ms"),
        at_most(
            f"{name}: created to completed", middle, "s", _MOST * _IDEAL, f"<= {_MOST} x {_IDEAL:.2f}", rounds=seconds
        ),
        plain(f"first page of {_LISTED:,} batches, p95", 1000 * percentile(pages, 0.95), "ms"),
    ]


def _ended(batch_id: str) -> BatchExecution:
    wait_until(lambda: not BatchExecution.objects.only("status").get(pk=batch_id).is_active, 60)
    return BatchExecution.objects.get(pk=batch_id)


def _copy(batch: BatchExecution, count: int) -> None:
    """Make rows like a batch that has ended, with its evaluators: all that the list reads."""
    fields = {field.attname: getattr(batch, field.attname) for field in BatchExecution._meta.concrete_fields}
    del fields["id"]
    copies = BatchExecution.objects.bulk_create(BatchExecution(**fields) for _ in range(count))
    evaluators = list(batch.evaluators.values())
    rows = [{**row, "id": None, "batch_id": copy.pk} for copy in copies for row in evaluators]
    BatchEvaluator.objects.bulk_create([BatchEvaluator(**row) for row in rows], batch_size=1000)
