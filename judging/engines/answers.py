"""What comes of a search: a list or a failure, and the exchanges that show how."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from judging.engines.mapping import MappedCandidate
from judging.foundation.answers import Fault


@dataclass(frozen=True, slots=True)
class Exchange:
    """A request and its answer, with secrets blanked. status None: no answer came. Pages count from 1.

    `response_body` is unpacked and at most 1 MB; `is_truncated` tells that there was more.
    """

    page: int
    method: str
    url: str
    headers: dict[str, str]
    body: str
    status: int | None
    response_headers: dict[str, str]
    response_body: bytes
    is_truncated: bool
    latency_ms: int
    received_at: datetime


@dataclass(frozen=True, slots=True)
class SearchAnswer:
    """A whole list, down to the depth asked for or to its end; total None: the engine does not say."""

    total: int | None
    candidates: list[MappedCandidate]
    page_count: int
    exchanges: Sequence[Exchange]


@dataclass(frozen=True, slots=True)
class SearchFailure:
    """No list. The message holds no secret.

    fault: the same search may succeed later (TRANSIENT), no search of this endpoint can (RUN), or this one never will
    (PROMPT). retry_after in seconds; code_if_lasting as in ServiceError. code_of_run: what a run that ends by it is
    said to have failed with, "": the same code.
    """

    code: str
    message: str
    fault: Fault
    retry_after: float | None
    exchanges: Sequence[Exchange]
    code_if_lasting: str = ""
    code_of_run: str = ""


class SearchFailed(Exception):
    """Ends a search; carries what its failure says."""

    def __init__(
        self,
        code: str,
        message: str,
        fault: Fault = Fault.PROMPT,
        *,
        retry_after: float | None = None,
        code_if_lasting: str = "",
        code_of_run: str = "",
    ) -> None:
        super().__init__(message)
        self.code, self.message, self.fault = code, message, fault
        self.retry_after, self.code_if_lasting = retry_after, code_if_lasting
        self.code_of_run = code_of_run

    def failure(self, exchanges: Sequence[Exchange]) -> SearchFailure:
        return SearchFailure(
            self.code, self.message, self.fault, self.retry_after, exchanges, self.code_if_lasting, self.code_of_run
        )
