"""Domain errors. They carry a code and know nothing of HTTP; each interface maps the classes once."""

from collections.abc import Mapping, Sequence


class DomainError(Exception):
    """Base of everything a service refuses. `code` is stable, `message` is for people and holds no secret."""

    code = "error"

    def __init__(self, message: str, *, code: str | None = None) -> None:
        super().__init__(message)
        self.message = message
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


class ImportRejected(Invalid):
    """A file was refused as a whole. `problems` holds up to `LIMIT` (file, line, message) rows, lines from 1."""

    code = "import_rejected"
    LIMIT = 100

    def __init__(self, problems: Sequence["ImportProblem"], *, total: int | None = None) -> None:
        self.problems = list(problems[: self.LIMIT])
        self.total = total if total is not None else len(problems)
        by_file: dict[str, list[str]] = {}
        for problem in self.problems:
            by_file.setdefault(problem.file, []).append(str(problem))
        first = str(self.problems[0]) if self.problems else "the import holds errors"
        more = f" (and {self.total - 1} more)" if self.total > 1 else ""
        super().__init__(f"{first}{more}", errors=by_file)


class ImportProblem:
    """One wrong line of an imported file. `line` counts from 1; 0 means the file as a whole."""

    __slots__ = ("file", "line", "message")

    def __init__(self, file: str, line: int, message: str) -> None:
        self.file, self.line, self.message = file, line, message

    def __str__(self) -> str:
        return f"line {self.line}: {self.message}" if self.line else self.message


class IllegalTransition(Conflict):
    """A status change that the state machine does not allow."""

    code = "illegal_transition"
