"""What a slice is told to do: whom to ask, where outcomes go, and how to fail, whatever kind of work it is."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, Protocol
from uuid import UUID

from judging.asking.engine import AnswerTo
from judging.work.words import AskT, Store, ValueT


class Caller(Protocol[AskT, ValueT]):
    """Open connections to the providers of one slice, used and closed inside one event loop."""

    async def ask(self, ask: AskT, may_reask: Callable[[], bool]) -> AnswerTo[AskT, ValueT]: ...

    async def aclose(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Assignment(Generic[AskT, ValueT]):
    """One slice's work. `open` is called inside the event loop and may raise ProviderError.

    `provider_of` tells whose limits an ask is under.
    """

    store: Store[AskT, ValueT]
    open: Callable[[], Caller[AskT, ValueT]]
    provider_of: Callable[[AskT], UUID]
    max_retries: int


class Impossible(Exception):
    """The work cannot begin: a credential that can't be read, a provider that is gone. The message is for people."""

    def __init__(self, message: str, code: str) -> None:
        super().__init__(message)
        self.message, self.code = message, code
