"""One more kind of work: all that the engine must be told of it stands in this file."""

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import F, Q, QuerySet

from judging.foundation.answers import AnswerTo, Failure, FailureCode
from judging.work.kind import Handler, Kind, Limits, States
from judging.work.words import Settled, Work
from tests.work.toy.models import Number, Sum

SECONDS_A_CALL = 0.05


class NoLimits:
    def limited(self, keys: Collection[str]) -> set[str]:
        return set()

    def hold(self, key: str) -> Limits | None:
        return None

    def set_next_call(self, key: str, next_call_at: datetime) -> None: ...


class ToyKind(Kind[Sum, "Square", int]):
    title = "sum"
    log_name = "sum"
    jobs = Sum
    rows = Number
    job_field = "sum"
    states = States("waiting", "working", "completed", "failed", "cancelled")
    resources = NoLimits()

    def handler(self, job_id: UUID) -> "ToyHandler":
        return ToyHandler()

    def endings(self) -> Sequence[tuple[Q, Mapping[str, Any]]]:
        nothing_left = Q(number_count=F("done_count") + F("failed_count"))
        return [
            (nothing_left & Q(done_count__gte=1), {"status": "completed"}),
            (nothing_left & Q(done_count=0), {"status": "failed", "error": "no square", "error_code": "no_square"}),
        ]

    def settle_unasked(self, job: Sum, *, error: str, now: datetime) -> Mapping[str, Any]:
        return {"dropped_count": self.pending(job.pk).update(status="dropped", claim_token=None)}

    def settle_returned(self, job_id: UUID, rows: "QuerySet[Any]") -> None: ...


@dataclass(frozen=True)
class Square:
    number: int
    keys: tuple[int, ...]


class ToyHandler(Handler[Sum, Square, int]):
    max_retries = 1

    def open(self) -> "SlowSquares":
        return SlowSquares()

    def resource_of(self, ask: Square) -> str:
        return "toy:1"

    def read(self, keys: Sequence[int]) -> list[Work[Square]]:
        rows = Number.objects.filter(pk__in=keys).order_by("pk")
        return [Work(Square(row.number, (row.pk,)), row.attempt_count) for row in rows]

    def write_calls(self, job: Sum, calls: Sequence[Settled[int]]) -> tuple[list[int | None], Mapping[str, Any]]:
        return [None] * len(calls), {"call_count": F("call_count") + len(calls)}

    def columns_of(self, outcome: int | Failure, call_key: int | None) -> Mapping[str, Any]:
        if isinstance(outcome, Failure):
            failed = {"failure_code": outcome.code, "failure_message": outcome.message}
            return {"status": "failed", "square": None, **failed}
        return {"status": "done", "square": outcome, "failure_code": "", "failure_message": ""}

    def settle(self, job: Sum, decided: Sequence[tuple[int, int | Failure]], *, now: datetime) -> Mapping[str, Any]:
        found = [outcome for _, outcome in decided if isinstance(outcome, int)]
        return {
            "done_count": F("done_count") + len(found),
            "failed_count": F("failed_count") + len(decided) - len(found),
            "total": F("total") + sum(found),
        }


class SlowSquares:
    async def ask(self, ask: Square, may_reask: Callable[[], bool]) -> AnswerTo[Square, int]:
        await asyncio.sleep(SECONDS_A_CALL)
        if ask.number % 100 == 0:
            return AnswerTo(None, {ask.keys[0]: Failure(FailureCode.REFUSED, "it squares no hundreds")})
        return AnswerTo(None, {ask.keys[0]: ask.number**2})

    async def aclose(self) -> None: ...
