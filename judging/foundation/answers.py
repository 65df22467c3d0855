"""The result of a call to any service: an outcome per key, or a fault. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Generic, TypeVar


class Fault(StrEnum):
    """What a failed call means for the work around it."""

    RUN = "run"  # no call of this job can succeed: key, permission, model, quota
    TRANSIENT = "transient"  # the same call may succeed later
    PROMPT = "prompt"  # the service refuses this request; others may pass


class ServiceError(Exception):
    """A call without a readable answer. `code` is stable; the message is safe to show.

    retry_after is in seconds (None: the service named none). status is the HTTP status, None without an answer.
    code_if_lasting: of a transient fault that means a setting is wrong, a fault of the job with this code, when it
    comes again and again and no call was ever answered; "": it only ever means that the service has trouble.
    """

    def __init__(
        self,
        message: str,
        *,
        fault: Fault,
        code: str,
        status: int | None = None,
        retry_after: float | None = None,
        code_if_lasting: str = "",
    ) -> None:
        super().__init__(message)
        self.message, self.fault, self.code, self.status = message, fault, code, status
        self.retry_after, self.code_if_lasting = retry_after, code_if_lasting

    @property
    def is_throttling(self) -> bool:
        """Whether the service asks for fewer calls."""
        return self.code == "rate_limited"


class FailureCode(StrEnum):
    """Why something asked about has no outcome. Searches have codes of their own (judging.models.SearchFailureCode)."""

    UNPARSEABLE = "unparseable"
    MISSING = "missing"
    OUT_OF_SCALE = "out_of_scale"
    CONFLICTING = "conflicting"
    EMPTY_REPLY = "empty_reply"
    TRUNCATED = "truncated"
    REFUSED = "refused"
    REQUEST_REJECTED = "request_rejected"
    RETRIES_EXHAUSTED = "retries_exhausted"


@dataclass(frozen=True, slots=True)
class Failure:
    """No outcome, and why: the message is for people. `cause` is the code of the last fault, of exhausted retries."""

    code: FailureCode
    message: str
    cause: str = ""


AskT = TypeVar("AskT")
ValueT = TypeVar("ValueT")


@dataclass(slots=True)
class AnswerTo(Generic[AskT, ValueT]):
    """The answer to an ask. `error` is set for RUN and TRANSIENT faults: then no outcome was decided.

    `call` is what the kind of work keeps of the call, with `is_answered` and `is_reask`; None when none was made.
    `taken` is what it took of the job's budget. `refused_subject`: what a prompt is about that the service refused, not
    for its content; None: it was not, or is a part of one that was.
    """

    call: Any | None
    outcomes: dict[int, ValueT | Failure] = field(default_factory=dict)
    follow_ups: tuple[AskT, ...] = ()
    error: ServiceError | None = None
    messages: Sequence[dict[str, Any]] = ()
    taken: int = 0
    refused_subject: str | None = None
