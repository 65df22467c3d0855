"""The slice's side of AI judging runs."""

from collections.abc import Callable
from uuid import UUID

from judging.asking.engine import Answer, Ask, ask_once
from judging.asking.parsing import Grade
from judging.foundation.crypto import Undecryptable
from judging.judging_runs import lifecycle
from judging.judging_runs.store import JudgingStore
from judging.models import JudgingRun, JudgingRunStatus
from judging.providers.base import Connection
from judging.providers.openai_client import open_client
from judging.records.connections import connection_of
from judging.records.judge_specs import evaluation_context_of, judge_spec_of
from judging.work.assignments import Assignment, Impossible
from judging.work.leases import Lease


def assign_run(lease: Lease) -> Assignment[Ask, Grade]:
    """Start an AI judging run where it has not begun, and tell a slice what to do. Raise Impossible."""
    run = JudgingRun.objects.select_related("judge_version__ai_provider", "evaluation_run__evaluation").get(
        pk=lease.job.id
    )
    lifecycle.start(run.pk)
    try:
        connection = connection_of(run.judge_version.ai_provider)
    except Undecryptable as error:
        raise Impossible(error.message, "misconfigured") from None
    return Assignment(
        store=JudgingStore(lease, run),
        open=lambda: _RunCaller(run, connection),
        provider_of=lambda ask: run.judge_version.ai_provider_id,
        max_retries=run.judge_version.max_retries,
    )


def fail_run(run_id: UUID, message: str, code: str) -> None:
    """End a run as failed. Raise IllegalTransition."""
    lifecycle.end(run_id, JudgingRunStatus.FAILED, error=message, error_code=code)


class _RunCaller:
    def __init__(self, run: JudgingRun, connection: Connection) -> None:
        self._client = open_client(connection)
        self._spec = judge_spec_of(run.judge_version)
        self._evaluation = evaluation_context_of(run.evaluation_run)

    async def ask(self, ask: Ask, may_reask: Callable[[], bool]) -> Answer:
        return await ask_once(self._client, ask, spec=self._spec, evaluation=self._evaluation, may_reask=may_reask)

    async def aclose(self) -> None:
        await self._client.aclose()
