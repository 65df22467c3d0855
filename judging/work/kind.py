"""A kind of work: all that the engine must be told of a subject. The table of kinds is `judging.kinds`."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
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
    """What a service bears, for all lanes together; None: no limit. `next_call_at`: when its next call may start."""

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
    """The words of a job's status. A kind that knows no cancelling ends as failed."""

    waiting: str
    working: str
    completed: str
    failed: str
    cancelled: str


class Kind(ABC, Generic[JobT, AskT, ValueT]):
    """One kind of work. Its job's rows are claimed, asked about and decided by the engine; the rest stands here."""

    # What people call a job, in logs; and the short word before its id on a log line.
    title: ClassVar[str]
    log_name: ClassVar[str]
    jobs: type[JobT]
    rows: type[WorkRow]
    # The foreign key of a row to its job.
    job_field: ClassVar[str]
    states: ClassVar[States]
    resources: Resources
    # Replies that land after a job's end: kept as outcomes, or too late.
    takes_late_replies: ClassVar[bool] = False

    @property
    def name(self) -> str:
        """Return the word by which lanes know this kind."""
        return self.jobs.kind

    # A slice

    @abstractmethod
    def assign(self, job_id: UUID) -> "Assignment[JobT, AskT, ValueT]":
        """Read what a slice must know of its job, which has begun. Raise Impossible."""
        ...

    # The end of a job

    @abstractmethod
    def endings(self) -> Sequence[tuple[Q, Mapping[str, Any]]]:
        """Return how a job ends of itself: a condition that nothing is left of it, and the fields it then gets."""
        ...

    @abstractmethod
    def settle_unasked(self, job: JobT, *, error: str, now: datetime) -> Mapping[str, Any]:
        """Settle the rows of a job that ends now before all is done; return changes of the job's row, which is held.

        Rows in flight may be left to whoever holds them (`settle_returned`).
        """
        ...

    @abstractmethod
    def settle_returned(self, job_id: UUID, rows: "QuerySet[Any]") -> None:
        """Settle rows in flight that come back undecided after their job has ended."""
        ...

    def follow_up(self, job_id: UUID) -> None:
        """Do what follows the end of a job, in a transaction of its own. It may fail, and be run again."""

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
        """Hold a job's row until the transaction ends: its end falls before or after. None: it is gone."""
        held: QuerySet[Any] = self.jobs._default_manager.select_for_update(no_key=True)
        return (held.only(*fields) if fields else held).filter(pk=job_id).first()

    def give_back(self, job_id: UUID, token: UUID) -> None:
        """Settle what a slice that is gone had claimed: pending again, unless the job has ended. In a transaction."""
        job = self.hold(job_id, "pk", "status")
        claimed = self.pending(job_id).filter(claim_token=token)
        if job is not None and job.is_active:
            claimed.update(claim_token=None)
        else:
            self.settle_returned(job_id, claimed)


class Assignment(ABC, Generic[JobT, AskT, ValueT]):
    """What one slice works with: how rows become asks, whom to ask, and how outcomes become columns. In one thread."""

    max_retries: int
    # What the job's row says of throttling; None: this kind does not keep it.
    throttle: str | None = None
    # What calls may take, together; None: as much as they like.
    budget: Budget | None = None
    # Whether the job's prompts are about several things, so that refusals of one alone don't end it; None: no refusal
    # of prompts ends a job of this kind.
    has_several_subjects: bool | None = None

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
        """Hold rows that must be held before lane and job are, so that nobody waits in a circle."""

    def note_throttle(self, job: JobT, throttle: str, now: datetime) -> None:
        """Write on the job why calls wait at present, a Throttle or ""."""

    @abstractmethod
    def write_calls(self, job: JobT, calls: Sequence[Settled[ValueT]]) -> tuple[list[int | None], Mapping[str, Any]]:
        """Write what is kept of calls; return the key of each (None: no call was made) and changes of the job's row."""
        ...

    @abstractmethod
    def columns_of(self, outcome: ValueT | Failure, call_key: int | None) -> Mapping[str, Any]:
        """Return the columns of a decided row, the same ones for each: `status`, what was found, the failure."""
        ...

    @abstractmethod
    def settle(self, job: JobT, decided: Sequence[tuple[int, ValueT | Failure]], *, now: datetime) -> Mapping[str, Any]:
        """Write what else follows from decided rows; return changes of the job's row."""
        ...

    def spent(self, job: JobT) -> int:
        """Return what the job has spent of its budget."""
        return 0

    def most_frequent_refusal(self, job: JobT) -> str:
        """Return what the service said most often when it refused a prompt."""
        return ""

    def reason_to_end(self, job: JobT) -> tuple[str, str] | None:
        """Return message and code where a job must end now as failed, such as a budget that is spent."""
        return None


_kinds: dict[str, Kind[Any, Any, Any]] = {}


def register(kinds: Iterable[Kind[Any, Any, Any]]) -> None:
    """Tell the engine its kinds of work, once, when the application starts."""
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
