"""The database side of a slice: claims rows and writes outcomes, in short transactions that contain no call."""

import time
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Generic

from django.db import connection, transaction
from django.db.models import F, Min, Q, QuerySet

from judging.foundation.clock import seconds_since, shared_now
from judging.foundation.columns import time_param, uuid_param
from judging.models import Job
from judging.work import lanes, lifecycle
from judging.work.kind import Handler
from judging.work.lanes import Lease
from judging.work.pacing.refusals import ERROR_CODE, REFUSAL_FIELDS, message_of, refusal_columns, refusals_of
from judging.work.words import AskT, JobState, LeaseLost, Outcomes, ValueT, Work

_RENEW_AFTER = 3.0
_STATE = ("status", "fruitless_reask_count", "last_success_at", *REFUSAL_FIELDS)


class Store(Generic[AskT, ValueT]):
    """Store of one slice. Used from one thread, one call at a time."""

    def __init__(self, lease: Lease, handler: Handler[Any, AskT, ValueT], *, shared_turn: float = 0.0) -> None:
        self._lease, self._kind, self._job_id = lease, lease.kind, lease.job_id
        self._handler = handler
        self._renewed_at = time.monotonic()
        # Before this, it does not matter who waits.
        self._shared_until = self._renewed_at + shared_turn
        self._throttle = handler.throttle
        self._table = self._kind.rows._meta.db_table

    # Claiming

    def claim(self, count: int) -> list[Work[AskT]]:
        """Claim rows for the next `count` asks, in the order of the plan; nothing when the job has ended."""
        now = shared_now()
        with transaction.atomic():
            # The job's row is held so that its end falls before or after, and lanes claim in turn.
            job = self._kind.hold(self._job_id, "pk", "status")
            if job is None:
                raise LeaseLost  # deleted, and the lane with it
            if not job.is_active:
                return []
            due = self._claimable().filter(Q(not_before__isnull=True) | Q(not_before__lte=now))
            keys = self._handler.choose(due, count)
            if not keys:
                return []
            self._kind.rows._default_manager.filter(pk__in=keys).update(claim_token=self._lease.token)
            self._handler.note_claimed(keys, now)
        return self._handler.read(keys)

    def seconds_to_next(self) -> float | None:
        """Return the seconds until the next pending row may be asked about, None if there is none."""
        first: datetime | None = self._claimable().aggregate(first=Min("not_before"))["first"]
        if first is None:
            return 0.0 if self._claimable().exists() else None
        return max(0.05, (first - shared_now()).total_seconds())

    def _claimable(self) -> "QuerySet[Any]":
        return self._kind.claimable(self._job_id)

    # Writing

    def flush(self, outcomes: Outcomes[ValueT]) -> JobState:
        """Write outcomes, renew the lease, and end the job if it is due to end. Raise LeaseLost: nothing is written."""
        if outcomes or self._has_new_throttle(outcomes) or time.monotonic() - self._renewed_at > _RENEW_AFTER:
            with transaction.atomic():
                self._write(outcomes)
            if self._throttle is not None:
                self._throttle = outcomes.throttle
            self._handler.forget(self._done_with(outcomes))
            if outcomes.fatal is not None:
                self._fail(outcomes.fatal.message, outcomes.fatal.code)
        # Few columns, as this is read at every flush; what else is asked for is read then.
        rows = self._kind.jobs._default_manager.filter(pk=self._job_id).only(*_STATE, *self._handler.state_fields)
        job = next(iter(rows.order_by()), None)
        if job is None:
            raise LeaseLost
        # Without outcomes, too: who wrote the last ones may have died before it could end the job.
        if job.is_active and (reason := self._reason_to_end(job)):
            self._fail(*reason)
            job.refresh_from_db(fields=["status"])
        return JobState(
            is_active=job.is_active,
            fruitless_reasks=job.fruitless_reask_count,
            seconds_since_success=seconds_since(job.last_success_at),
            others_wait=time.monotonic() > self._shared_until and lanes.others_wait(self._lease),
            refusals=refusals_of(job),
            spent=self._handler.spent(job),
        )

    def _reason_to_end(self, job: Job) -> tuple[str, str] | None:
        has_several, refusals = self._handler.has_several_subjects, refusals_of(job)
        if has_several is not None and refusals.is_telling(has_several_subjects=has_several):
            return message_of(refusals.count, self._handler.most_frequent_refusal(job)), ERROR_CODE
        return self._handler.reason_to_end(job)

    def _write(self, outcomes: Outcomes[ValueT]) -> None:
        now = shared_now()
        # 1. Hold what the kind needs held first, then the lane by its lease, then the job.
        self._handler.lock(outcomes)
        if not lanes.renew(self._lease, now):
            raise LeaseLost
        self._renewed_at = time.monotonic()
        job = self._kind.hold(self._job_id)
        if job is None:
            raise LeaseLost
        if self._has_new_throttle(outcomes):
            self._handler.note_throttle(job, outcomes.throttle, now)
        if not outcomes:
            return
        # 2. Calls are kept even if the job has ended: they have cost something.
        call_keys, changes = self._handler.write_calls(job, outcomes.calls)
        changes = {**changes, **_progress(job, outcomes, now)}
        # 3. The rows that they decided, and what follows from those.
        if job.is_active or self._kind.takes_late_replies:
            self._write_rows(outcomes, call_keys, now)
            changes |= self._handler.settle(job, outcomes.decided(), now=now)
        self._kind.jobs._default_manager.filter(pk=job.pk).update(**changes)
        # 4. Rows that come back undecided.
        self._release(job, outcomes, now)

    def _has_new_throttle(self, outcomes: Outcomes[ValueT]) -> bool:
        return self._throttle is not None and outcomes.throttle != self._throttle

    def _write_rows(self, outcomes: Outcomes[ValueT], call_keys: Sequence[int | None], now: datetime) -> None:
        rows: list[tuple[int, Mapping[str, Any]]] = [
            (key, self._handler.columns_of(outcome, call_key))
            for settled, call_key in zip(outcomes.calls, call_keys, strict=True)
            for key, outcome in settled.outcomes.items()
        ]
        if not rows:
            return
        names, finished_at = list(rows[0][1]), time_param(now)
        self._update_claimed(
            [*names, "finished_at"],
            [(key, [*columns.values(), finished_at]) for key, columns in rows],
            exactly=True,
        )

    def _release(self, job: Job, outcomes: Outcomes[ValueT], now: datetime) -> None:
        if not outcomes.released:
            return
        if not job.is_active:
            keys = [released.key for released in outcomes.released]
            self._kind.settle_returned(self._job_id, self._kind.pending(self._job_id).filter(pk__in=keys))
            return
        self._update_claimed(
            ["attempt_count", "not_before"],
            [
                (
                    released.key,
                    [
                        released.attempts,
                        time_param(now + timedelta(seconds=released.delay) if released.delay else None),
                    ],
                )
                for released in outcomes.released
            ],
        )

    def _update_claimed(
        self, columns: Sequence[str], rows: Sequence[tuple[int, Sequence[Any]]], *, exactly: bool = False
    ) -> None:
        """Write columns of rows that this slice holds, and release them. `exactly`: raise LeaseLost if one is lost."""
        token = uuid_param(self._lease.token)
        assignments = ", ".join(f"{name} = %s" for name in columns)
        with connection.cursor() as cursor:
            cursor.executemany(
                f"UPDATE {self._table} SET {assignments}, claim_token = NULL"
                " WHERE id = %s AND status = 'pending' AND claim_token = %s",
                [(*values, key, token) for key, values in rows],
            )
            if exactly and cursor.rowcount != len(rows):
                # At most one outcome per row: some of these belong to another slice by now.
                raise LeaseLost

    def _fail(self, message: str, code: str) -> None:
        lifecycle.fail_unless_done(self._kind.name, self._job_id, error=message, error_code=code)

    @staticmethod
    def _done_with(outcomes: Outcomes[ValueT]) -> list[int]:
        return [key for key, _ in outcomes.decided()] + [released.key for released in outcomes.released]


def _progress(job: Job, outcomes: Outcomes[Any], now: datetime) -> dict[str, Any]:
    """Return the changes of a job's row, which is held, by which lanes share re-asks and successes."""
    changes: dict[str, Any] = {}
    if outcomes.has_reask_success:
        changes["fruitless_reask_count"] = 0
    elif outcomes.reasks_failed:
        changes["fruitless_reask_count"] = F("fruitless_reask_count") + outcomes.reasks_failed
    if outcomes.has_success:
        changes["last_success_at"] = now
    if outcomes.refused:
        changes |= refusal_columns(refusals_of(job).with_more(outcomes.refused))
    return changes
