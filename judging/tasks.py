"""What the task queue calls."""

from uuid import UUID

from judging import ledger, work


def judge_slice(lane_id: int) -> None:
    work.judge_slice(lane_id)


def renew_metrics(run_id: str) -> None:
    ledger.renew_metrics(UUID(run_id))
