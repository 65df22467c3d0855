"""What the task queue calls. These dotted names stand in queued rows: they stay."""

from uuid import UUID

from judging import ledger
from judging.judging_runs import finishing_current
from judging.trust import reports
from judging.work import lifecycle, slices


def judge_slice(lane_id: int) -> None:
    slices.work_slice(lane_id)


def renew_metrics(run_id: str) -> None:
    ledger.renew_metrics(UUID(run_id))


def finish_making_current(judging_run_id: str) -> None:
    finishing_current.finish_making_current(UUID(judging_run_id))


def renew_trust(run_id: str) -> None:
    reports.renew_report(UUID(run_id))


def follow_up(kind_name: str, job_id: str) -> None:
    lifecycle.close(kind_name, UUID(job_id))
