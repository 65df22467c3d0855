"""A kind of work: all that the engine needs to know of a subject. The table of kinds is `judging.kinds`."""

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, Generic, Protocol, TypeVar
from uuid import UUID

from django.db.models import Q, QuerySet
from django.db.models.signals import post_delete

from judging.foundation.answers import AnswerTo, Failure
from judging.models import Job, Lane, WorkRow
from judging.work.pacing.budget import Budget
from judging.work.words import AskT, Outcomes, Settled, ValueT, Work

JobT = TypeVar("JobT", bound=Job)


class Caller(Protocol[AskT, ValueT]):
    """Open connections to the services of one slice, used and closed inside one event loop."""

    async def ask(self, ask: AskT, may_reask: Callable[[], bool]) -> AnswerTo[AskT, ValueT]: ...

    async def aclose(self) -> None: ...


class Limits(Protocol):
    """The limits of a service, for all lanes together; None: no limit. `next_call_at`: when its next call may start."""

    @property
    def max_concurrency(self) -> int | None: ...

    @property
    def requests_per_minute(self) -> int | None: ...

    @property
    def next_call_at(self) -> datetime | None: ...


class Resources(Protocol):
    """The services that limit a kind of work, each by a key of its own ("ai_provider:<id>")."""

    def limited(self, keys: Collection[str]) -> set[str]:
        """Return which of the resources have a limit."""
        ...

    def hold(self, key: str) -> Limits | None:
        """Return a resource's limits, its row held until the transaction ends; None when it is gone."""
        ...

    def set_next_call(self, key: str, next_call_at: datetime) -> None:
        """Store when the next call of a resource may start."""
        ...


@dataclass(frozen=True, slots=True)
class States:
    """The values of a job's status. A kind without a status for cancelled jobs uses its failed one."""

    waiting: str
    working: str
    completed: str
    failed: str
    cancelled: str


class Kind(ABC, Generic[JobT, AskT, ValueT]):
    """One kind of work. Its job's rows are claimed, asked about and decided by the engine; the rest stands here."""

    # The name of a job in log messages, and the short one before its id on every log line.
    title: ClassVar[str]
    log_name: ClassVar[str]
    jobs: type[JobT]
    rows: type[WorkRow]
    # The foreign key of a row to its job.
    job_field: ClassVar[str]
    states: ClassVar[States]
    resources: Resources
    # Whether replies that arrive after a job's end still become outcomes.
    takes_late_replies: ClassVar[bool] = False

    @property
    def name(self) -> str:
        """Return the name by which lanes refer to this kind."""
        return self.jobs.kind

    # A slice

    @abstractmethod
    def handler(self, job_id: UUID) -> "Handler[JobT, AskT, ValueT]":
        """Read what a slice needs to know of its job, which has started. Raise Impossible."""
        ...

    # The end of a job

    @abstractmethod
    def endings(self) -> Sequence[tuple[Q, Mapping[str, Any]]]:
        """Return how a job completes: conditions that nothing is left of it, each with the fields to set then."""
        ...

    @abstractmethod
    def settle_unasked(self, job: JobT, *, error: str, now: datetime) -> Mapping[str, Any]:
        """Settle the open rows of a job that is cancelled or fails; return changes of the job's row, which is locked.

        Rows in flight may be left to the slices that hold them (`settle_returned`).
        """
        ...

    @abstractmethod
    def settle_returned(self, job_id: UUID, rows: "QuerySet[Any]") -> None:
        """Settle rows in flight that come back undecided after their job has ended."""
        ...

    def note_status(self, job_id: UUID) -> None:
        """Write what else says a job's status, in the transaction that has just changed it."""

    def follow_up(self, job_id: UUID) -> None:
        """Do the follow-up of a job's end, in a transaction of its own. It may fail, and be run again."""

    # Common to all

    def rows_of(self, job_id: UUID) -> "QuerySet[Any]":
        return self.rows._default_manager.filter(**{f"{self.job_field}_id": job_id})

    def pending(self, job_id: UUID) -> "QuerySet[Any]":
        """Return the rows without an outcome, claimed ones included."""
        return self.rows_of(job_id).filter(status="pending")

    def claimable(self, job_id: UUID) -> "QuerySet[Any]":
        return self.pending(job_id).filter(claim_token__isnull=True)

    def lanes_of(self, job_id: UUID) -> "QuerySet[Lane]":
        return Lane.objects.filter(kind=self.name, job_id=job_id)

    def active(self) -> "QuerySet[Any]":
        return self.jobs._default_manager.filter(status__in=self.jobs.active_statuses)

    def is_active(self, job_id: UUID) -> bool:
        return self.active().filter(pk=job_id).exists()

    def hold(self, job_id: UUID, *fields: str) -> JobT | None:
        """Lock a job's row until the transaction ends, so that the job ends before or after. None: it is gone."""
        held: QuerySet[Any] = self.jobs._default_manager.select_for_update(no_key=True).filter(pk=job_id).order_by()
        return next(iter(held.only(*fields) if fields else held), None)

    def give_back(self, job_id: UUID, token: UUID) -> None:
        """Settle the rows that a dead slice had claimed: pending again, unless the job has ended. In a transaction."""
        job = self.hold(job_id, "pk", "status")
        claimed = self.pending(job_id).filter(claim_token=token)
        if job is not None and job.is_active:
            claimed.update(claim_token=None)
        else:
            self.settle_returned(job_id, claimed)


class Handler(ABC, Generic[JobT, AskT, ValueT]):
    """What one slice works with: how rows become asks, whom to ask, and how outcomes become columns. In one thread."""

    max_retries: int
    # Why calls wait, as the job's row has it; None: this kind does not store it.
    throttle: str | None = None
    # What calls may take, together; None: as much as they like.
    budget: Budget | None = None
    # Whether the job's prompts are about several things, so that refusals of one alone don't end it; None: no refusal
    # of prompts ends a job of this kind.
    has_several_subjects: bool | None = None
    # How many outcomes are written in one transaction; None: as many as the engine thinks right.
    piece: int | None = None
    # What `spent` and `reason_to_end` look at, fields of the job.
    state_fields: Sequence[str] = ()
    # Set by the engine. A call that is several requests awaits it before each but the first: it waits for a start under
    # the resource's limit per minute. It raises ServiceError once the job has ended.
    go_on: Callable[[AskT], Awaitable[None]]

    # Asking

    @abstractmethod
    def open(self) -> Caller[AskT, ValueT]:
        """Open connections, inside the event loop. Raise ServiceError."""
        ...

    @abstractmethod
    def resource_of(self, ask: AskT) -> str:
        """Return the key of the resource whose limits an ask is under."""
        ...

    # Claiming

    def choose(self, due: "QuerySet[Any]", count: int) -> list[int]:
        """Return the keys of the next rows to claim, enough for `count` asks."""
        return list(due.order_by("pk").values_list("pk", flat=True)[:count])

    def note_claimed(self, keys: Sequence[int], now: datetime) -> None:
        """Write what else changes when rows are claimed, in the same transaction."""

    @abstractmethod
    def read(self, keys: Sequence[int]) -> list[Work[AskT]]:
        """Read claimed rows into asks, and remember what their outcomes will need."""
        ...

    def forget(self, keys: Iterable[int]) -> None:
        """Drop what was remembered of rows that are no longer in hand."""

    # Writing, in this order, in one transaction

    def lock(self, outcomes: Outcomes[ValueT]) -> None:
        """Lock rows that must be locked before lane and job, to avoid deadlocks."""

    def note_throttle(self, job: JobT, throttle: str, now: datetime) -> None:
        """Store on the job why calls wait at present, a Throttle or ""."""

    @abstractmethod
    def write_calls(self, job: JobT, calls: Sequence[Settled[ValueT]]) -> tuple[list[int | None], Mapping[str, Any]]:
        """Store the calls; return the key of each (None: no call was made) and changes of the job's row."""
        ...

    @abstractmethod
    def columns_of(self, outcome: ValueT | Failure, call_key: int | None) -> Mapping[str, Any]:
        """Return the columns of a decided row, the same for every row: `status`, the outcome, the failure."""
        ...

    @abstractmethod
    def settle(self, job: JobT, decided: Sequence[tuple[int, ValueT | Failure]], *, now: datetime) -> Mapping[str, Any]:
        """Write what else depends on decided rows; return changes of the job's row."""
        ...

    def spent(self, job: JobT) -> int:
        """Return what the job has spent of its budget."""
        return 0

    def most_frequent_refusal(self, job: JobT) -> str:
        """Return what the service said most often when it refused a prompt."""
        return ""

    def reason_to_end(self, job: JobT) -> tuple[str, str] | None:
        """Return message and code if the job must fail now, such as when its budget is spent."""
        return None


_kinds: dict[str, Kind[Any, Any, Any]] = {}


def register(kinds: Iterable[Kind[Any, Any, Any]]) -> None:
    """Register the kinds of work, once, when the application starts."""
    for kind in kinds:
        _kinds[kind.name] = kind
        post_delete.connect(_delete_lanes, sender=kind.jobs, dispatch_uid=f"releval-lanes-{kind.name}")


def _delete_lanes(sender: type[Job], instance: Job, **kwargs: Any) -> None:
    """Delete the lanes of a job that is being deleted: no foreign key does."""
    instance.lanes.delete()


def kind_named(name: str) -> Kind[Any, Any, Any]:
    return _kinds[name]


def all_kinds() -> tuple[Kind[Any, Any, Any], ...]:
    return tuple(_kinds.values())
