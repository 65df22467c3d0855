"""What the tests of probes share: a run that is large enough for all of them, and a judge that calls the stub."""

from collections.abc import Sequence
from typing import Any

from judging.models import EvaluationRun, ItemStatus, ProbeRun, User
from judging.probes.acts import start_probes
from judging.probes.reads import get_probe_run, probe_results
from judging.records.roles import SYSTEM
from tests.factories import make_judge, make_provider, make_run
from tests.stub.fixtures import Stub


def large_run(queries: int = 40, candidates: int = 3, **fields: Any) -> EvaluationRun:
    results = {f"thing{q} number{q}": [f"d{q}-{c}" for c in range(candidates)] for q in range(queries)}
    return make_run(results, **{"relevant_from": 2, **fields})


def probe(
    stub: Stub, member: User, *, probes: Sequence[str] = (), run: EvaluationRun | None = None, **judge_fields: Any
) -> ProbeRun:
    judge = make_judge(make_provider(stub.base_url), **{"max_concurrency": 8, "max_retries": 0, **judge_fields})
    return start_probes(judge=judge, evaluation_run=run or large_run(), actor=member, probes=probes)


def reread(run: ProbeRun) -> ProbeRun:
    """Return the run as stored, after checking that its counters agree with its items and calls."""
    run = ProbeRun.objects.select_related("judge_version", "evaluation_run").get(pk=run.pk)
    counts = {status: run.items.filter(status=status).count() for status in ItemStatus}
    assert counts == {
        ItemStatus.PENDING: run.pending_count,
        ItemStatus.JUDGED: run.judged_count,
        ItemStatus.FAILED: run.failed_count,
        ItemStatus.SKIPPED: run.skipped_count,
    }
    assert not run.items.exclude(status="pending").filter(claim_token__isnull=False).exists()
    calls = list(run.calls.values_list("input_tokens", "output_tokens"))
    assert (run.input_tokens, run.output_tokens) == (sum(c[0] for c in calls), sum(c[1] for c in calls))
    return run


def results(run: ProbeRun) -> dict[str, dict[str, Any]]:
    found = probe_results(get_probe_run(SYSTEM, run.pk))
    assert found is not None
    return {each["probe"]: each for each in found}


def readings(result: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {each["name"]: each for each in result["readings"]}
