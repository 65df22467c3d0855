"""Domain errors. They carry a code and know nothing of HTTP; each interface maps the classes once."""

from collections.abc import Mapping, Sequence
from typing import Any


class DomainError(Exception):
    """Base of everything a service refuses. `code` is stable, `message` is for people and holds no secret."""

    code = "error"

    def __init__(self, message: str, *, code: str | None = None, details: Mapping[str, Any] | None = None) -> None:
        super().__init__(message)
        self.message = message
        # Further members of the answer, for programs.
        self.details: Mapping[str, Any] = details or {}
        if code is not None:
            self.code = code


class Invalid(DomainError):
    """The input is wrong. `errors` maps a field (or "non_field_errors") to its messages."""

    code = "invalid"

    def __init__(
        self, message: str, *, errors: Mapping[str, Sequence[str]] | None = None, code: str | None = None
    ) -> None:
        super().__init__(message, code=code)
        self.errors: dict[str, list[str]] = {field: list(messages) for field, messages in (errors or {}).items()}


class Conflict(DomainError):
    """The input is fine, but its object is in the wrong state."""

    code = "conflict"


class Forbidden(DomainError):
    """The actor may see the object but not do this to it."""

    code = "permission_denied"


class NotFound(DomainError):
    """The object does not exist, or the actor may not see it."""

    code = "not_found"


class Busy(DomainError):
    """Too many of these are running already; worth trying again in a few seconds."""

    code = "busy"


class Unanswered(DomainError):
    """Another service was asked and gave no answer."""

    code = "unanswered"


class ImportRejected(Invalid):
    """A file was refused as a whole. `problems` holds up to `LIMIT` different ones, `total` counts every place."""

    code = "import_rejected"
    LIMIT = 100

    def __init__(self, problems: Sequence["ImportProblem"], *, total: int | None = None) -> None:
        self.problems = list(problems[: self.LIMIT])
        self.total = total if total is not None else sum(problem.count for problem in problems)
        by_file: dict[str, list[str]] = {}
        for problem in self.problems:
            by_file.setdefault(problem.file, []).append(str(problem))
        first = str(self.problems[0]) if self.problems else "the import holds errors"
        others = self.total - self.problems[0].count if self.problems else 0
        super().__init__(f"{first} (and {others} more)" if others > 0 else first, errors=by_file)

    @property
    def listed(self) -> int:
        """How many of all the places the listed problems stand for."""
        return sum(problem.count for problem in self.problems)


class ImportProblem:
    """What is wrong with one or more lines of an imported file. Lines count from 1; 0 means the file as a whole.

    The same mistake in many lines is one problem: `count` says in how many, `lines` holds the first `PLACES`.
    """

    __slots__ = ("count", "file", "lines", "message", "unit")
    PLACES = 3

    def __init__(self, file: str, line: int, message: str, *, unit: str = "line") -> None:
        self.file, self.message, self.unit = file, message, unit
        self.lines, self.count = [line], 1

    @property
    def line(self) -> int:
        return self.lines[0]

    def also_in(self, line: int) -> None:
        """Take note of the same mistake in another line."""
        self.count += 1
        if len(self.lines) < self.PLACES:
            self.lines.append(line)

    def __str__(self) -> str:
        return f"{self._places()}: {self.message}" if self.line else self.message

    def _places(self) -> str:
        if self.count == 1:
            return f"{self.unit} {self.line}"
        units = "queries" if self.unit == "query" else f"{self.unit}s"
        *before, last = map(str, self.lines)
        if self.count > len(self.lines):
            return f"{units} {', '.join([*before, last])} and {self.count - len(self.lines):,} more"
        return f"{units} {', '.join(before)} and {last}"


class IllegalTransition(Conflict):
    """A status change that the state machine does not allow."""

    code = "illegal_transition"
