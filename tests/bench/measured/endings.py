"""How fast judging stops: a cancel, a key that is refused in mid-run and, with --full, an outage."""

import time

from django.utils import timezone

from tests.bench.figures import Figure, at_most
from tests.bench.stack import Stack, seconds_between, wait_until, wait_until_ended, wait_until_judged

_DELAY_MS, _IN_FLIGHT = 100, 64
_SIZE, _LARGE = 5_000, 20_000
_OUTAGE_SECONDS = 150.0


def measure_cancel(stack: Stack, *, rounds: int = 3) -> list[Figure]:
    """Cancel over REST; then the newest call that reached the provider tells how long new ones were started."""
    answers, last_calls = [], []
    with stack.web() as api, stack.cluster():
        for _ in range(rounds):
            stack.stub.reset()
            stack.stub.script(delay_ms=_DELAY_MS)
            run = stack.start(stack.evaluation_run(_SIZE), in_flight=_IN_FLIGHT)
            wait_until_judged(run, 100)
            _, took = api.post(f"ai-judging-runs/{run.pk}/cancel", {})
            answered_at = time.monotonic()
            answers.append(took)
            run = wait_until_ended(run)
            wait_until(lambda: stack.stub.stats()["in_flight"] == 0, 10)
            last_calls.append(max(0.0, stack.stub.stats()["last_call_at"] - answered_at))
            assert run.status == "cancelled", run.status
    stack.say(f"cancel: last new calls {', '.join(f'{seconds:.2f}' for seconds in last_calls)} s after the answer")
    return [
        at_most("cancel answers in, longest", 1000 * max(answers), "ms", 300, "< 300"),
        at_most("cancel: last new call after the answer", max(last_calls), "s", 1.0, rounds=last_calls),
    ]


def measure_unauthorized(stack: Stack) -> list[Figure]:
    """Have every call answered with 401 from one moment on."""
    with stack.cluster():
        stack.stub.reset()
        stack.stub.script(delay_ms=_DELAY_MS)
        run = stack.start(stack.evaluation_run(_SIZE), in_flight=_IN_FLIGHT)
        wait_until_judged(run, 200)
        began = timezone.now()
        stack.stub.script(delay_ms=_DELAY_MS, fault="401")
        run = wait_until_ended(run)
        wait_until(lambda: stack.stub.stats()["in_flight"] == 0, 10)
        refused = stack.stub.stats()["faults"].get("401", 0)
    assert (run.status, run.error_code) == ("failed", "authentication"), (run.status, run.error)
    return [
        at_most("401 in mid-run: failed after", seconds_between(began, run.completed_at), "s", 3.0),
        at_most("401 in mid-run: calls refused", refused, "", _IN_FLIGHT, f"<= {_IN_FLIGHT} in flight"),
    ]


def measure_outage(stack: Stack) -> list[Figure]:
    """Have every call answered with 503 from one moment on."""
    stack.say("an outage; this takes up to 150 s")
    with stack.cluster():
        stack.stub.reset()
        stack.stub.script(delay_ms=_DELAY_MS)
        run = stack.start(stack.evaluation_run(_LARGE), in_flight=_IN_FLIGHT)
        wait_until_judged(run, 200)
        began = timezone.now()
        stack.stub.script(delay_ms=_DELAY_MS, fault="503", retry_after="")
        run = wait_until_ended(run, 2 * _OUTAGE_SECONDS)
    assert run.status == "failed", run.status
    took = seconds_between(began, run.completed_at)
    return [at_most("outage: failed after", took, "s", _OUTAGE_SECONDS, error=run.error, code=run.error_code)]
