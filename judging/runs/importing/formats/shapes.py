"""What a format is, what its reader is given, and the rows that readers yield."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Generic, NamedTuple, TypeVar

from judging.models import MatchMode
from judging.records.lists.corpus_rows import DocumentContent, QueryBody
from judging.records.reading.opening import Opening
from judging.records.reading.spellings import names_of
from judging.records.reading.upload import Problems, SourceFile

_SHOWN_NAMES = 10
Row = TypeVar("Row", covariant=True)


class Content(StrEnum):
    """What a file is about."""

    JUDGMENTS = "judgments"
    QUERIES = "queries"
    DOCUMENTS = "documents"
    RUN = "a run"
    RESULTS = "results"


class QueryRow(NamedTuple):
    line: int
    label: str
    body: QueryBody
    tags: tuple[str, ...] = ()


class DocumentRow(NamedTuple):
    line: int
    external_id: str
    content: DocumentContent


class RunRow(NamedTuple):
    """A ranked document. The query is known by its label, by its body, or by both; it has a rank, a score, or both."""

    line: int
    label: str
    body: QueryBody | None
    external_id: str
    rank: int | None
    score: float | None
    content: DocumentContent | None


class JudgmentValues(NamedTuple):
    """A judgment as it stands in a file, under our names: query_id, query, doc_id, grade, scale, author and others."""

    line: int
    values: dict[str, Any]


class ResultValues(NamedTuple):
    """A query with its candidates as the JSON form has them."""

    line: int
    value: Any


@dataclass
class Notes:
    """What a reader left out or made up, for the warnings."""

    ignored: set[str] = field(default_factory=set)
    became_fields: set[str] = field(default_factory=set)
    titles_from: Counter[str] = field(default_factory=Counter)
    ungraded_items: int = 0
    unrated: int = 0
    negative: int = 0
    duplicates: int = 0
    # Grades were read on the scale of the corpus's runs, since nothing named another.
    is_scale_assumed: bool = False

    def ignore(self, names: set[str]) -> None:
        if len(self.ignored) < _SHOWN_NAMES:
            self.ignored |= names

    def take_as_fields(self, names: set[str]) -> None:
        if len(self.became_fields) < _SHOWN_NAMES:
            self.became_fields |= names

    def document_warnings(self) -> list[str]:
        """Say what was made of members of documents that have no meaning of their own."""
        warnings = []
        if self.became_fields:
            warnings.append(
                f"what has no meaning of its own became a field of the documents: {names_of(self.became_fields)}"
            )
        for name, count in self.titles_from.most_common(_SHOWN_NAMES):
            documents = "1 document" if count == 1 else f"{count:,} documents"
            warnings.append(f"the title of {documents} was missing and taken from {names_of([name])}")
        return warnings


@dataclass
class Reading:
    """One passage through a file: where its problems and notes go, and how its corpus tells queries apart."""

    problems: Problems
    match_mode: str = MatchMode.QID
    notes: Notes = field(default_factory=Notes)


@dataclass(frozen=True)
class Format(Generic[Row]):
    """A format of files. `fits` looks at the beginning, `read` goes through the whole file, as often as it is asked.

    The name is what `read_as` says, the label what people are told: "read as a BEIR qrels file".
    """

    name: str
    label: str
    content: Content
    fits: Callable[[Opening], bool]
    read: Callable[[SourceFile, Reading], Iterator[Row]]
