"""Rows of a corpus that an import refers to: found, or made where they are missing, in whole statements.

Rows are made in the order of their keys: two imports into one corpus then wait for each other instead of each
holding what the other one needs.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar
from uuid import UUID

from django.db.models import Max

from judging.foundation.columns import insert_rows
from judging.models import Document, DocumentVersion, ImportedRater, Query, content_hash, query_text

Key = TypeVar("Key", int, str)
# A query as a search engine is asked: its text, or an object with the text under `query`.
QueryBody = str | dict[str, Any]

_CHUNK = 500


@dataclass(frozen=True, slots=True)
class DocumentContent:
    """What is known of a document: a version of it."""

    title: str
    fields: dict[str, Any] = field(default_factory=dict)
    image: str = ""


_EMPTY = DocumentContent("")


def ensure_queries(corpus_id: UUID, bodies: Mapping[str, QueryBody | None]) -> dict[str, int]:
    """Return the primary keys of queries by identity. A body of None says that the query is known to exist."""

    def find(identities: Sequence[str]) -> Iterable[tuple[str, int]]:
        found = Query.objects.filter(corpus_id=corpus_id, identity__in=identities)
        return found.values_list("identity", "pk")

    ids = _found(find, bodies)
    new = {identity: body for identity, body in bodies.items() if identity not in ids and body is not None}
    if new:
        rows = [(corpus_id, query_text(new[identity]), new[identity], identity) for identity in sorted(new)]
        insert_rows(Query, ("corpus_id", "text", "body", "identity"), rows, ignore_conflicts=True)
        ids |= _found(find, new)
    return ids


def ensure_documents(corpus_id: UUID, external_ids: Iterable[str]) -> dict[str, int]:
    """Return the primary keys of documents by external id."""

    def find(some: Sequence[str]) -> Iterable[tuple[str, int]]:
        return Document.objects.filter(corpus_id=corpus_id, external_id__in=some).values_list("external_id", "pk")

    wanted = set(external_ids)
    ids = _found(find, wanted)
    if new := sorted(wanted - ids.keys()):
        rows = [(corpus_id, external_id) for external_id in new]
        insert_rows(Document, ("corpus_id", "external_id"), rows, ignore_conflicts=True)
        ids |= _found(find, new)
    return ids


def ensure_raters(corpus_id: UUID, names: Iterable[str]) -> dict[str, int]:
    """Return the primary keys of imported raters by name."""

    def find(some: Sequence[str]) -> Iterable[tuple[str, int]]:
        return ImportedRater.objects.filter(corpus_id=corpus_id, name__in=some).values_list("name", "pk")

    wanted = set(names)
    ids = _found(find, wanted)
    if new := sorted(wanted - ids.keys()):
        ImportedRater.objects.bulk_create(
            [ImportedRater(corpus_id=corpus_id, name=name) for name in new], ignore_conflicts=True
        )
        ids |= _found(find, new)
    return ids


class Versions:
    """Document versions wanted by some candidates, made once per document and content."""

    def __init__(self) -> None:
        self._wanted: dict[tuple[int, str], DocumentContent] = {}
        self._without_content: set[int] = set()

    def want(self, document_id: int, content: DocumentContent | None) -> str:
        """Ask for a version and return the key to find it by."""
        if content is None:
            self._without_content.add(document_id)
            return ""
        key = content_hash(content.title, content.fields, content.image)
        self._wanted[document_id, key] = content
        return key

    def ensure(self) -> dict[tuple[int, str], int]:
        """Return the primary keys of the versions by document and key.

        A document that came without content has its newest version, an empty one where there is none.
        """
        ids = {(document_id, ""): pk for document_id, pk in _found(_newest, self._without_content).items()}
        empty = content_hash("", {}, "")
        never_seen = [document_id for document_id in self._without_content if (document_id, "") not in ids]
        self._wanted.update({(document_id, empty): _EMPTY for document_id in never_seen})

        ids |= self._existing(self._wanted)
        new = sorted(key for key in self._wanted if key not in ids)
        if new:
            names = ("document_id", "content_hash", "title", "fields", "image")
            insert_rows(DocumentVersion, names, map(self._row, new), ignore_conflicts=True)
            ids |= self._existing(new)
        ids.update({(document_id, ""): ids[document_id, empty] for document_id in never_seen})
        return ids

    def _row(self, wanted: tuple[int, str]) -> tuple[Any, ...]:
        content = self._wanted[wanted]
        return (*wanted, content.title, content.fields, content.image)

    @staticmethod
    def _existing(wanted: Iterable[tuple[int, str]]) -> dict[tuple[int, str], int]:
        keys = set(wanted)
        documents = list({document_id for document_id, _ in keys})
        ids: dict[tuple[int, str], int] = {}
        for start in range(0, len(documents), _CHUNK):
            # By document alone: with the hashes as a second list SQLite tries every pair of the two.
            rows = DocumentVersion.objects.filter(document_id__in=documents[start : start + _CHUNK])
            for document_id, key, pk in rows.values_list("document_id", "content_hash", "pk").iterator():
                if (document_id, key) in keys:
                    ids[document_id, key] = pk
        return ids


def _newest(document_ids: Sequence[int]) -> Iterable[tuple[int, int]]:
    rows = DocumentVersion.objects.filter(document_id__in=document_ids).values("document_id").annotate(newest=Max("pk"))
    return rows.values_list("document_id", "newest")


def _found(find: Callable[[Sequence[Key]], Iterable[tuple[Key, int]]], keys: Iterable[Key]) -> dict[Key, int]:
    """Look keys up in portions that every database takes in one statement."""
    wanted = list(keys)
    found: dict[Key, int] = {}
    for start in range(0, len(wanted), _CHUNK):
        found.update(find(wanted[start : start + _CHUNK]))
    return found
