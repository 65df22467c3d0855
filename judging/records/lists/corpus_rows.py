"""Rows of a corpus that an import refers to: found, or made where they are missing, in whole statements.

Rows are made in the order of their keys: two imports into one corpus then wait for each other instead of each
holding what the other one needs.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import Exists, Model, OuterRef

from judging.foundation.columns import insert_rows, is_one_of, uuid_param
from judging.models import Document, DocumentVersion, ImportedRater, Query, content_hash, query_text

# A query as a search engine is asked: its text, or an object with the text under `query`.
QueryBody = str | dict[str, Any]


@dataclass(frozen=True, slots=True)
class DocumentContent:
    """What is known of a document: a version of it."""

    title: str
    fields: dict[str, Any] = field(default_factory=dict)
    image: str = ""


_EMPTY = DocumentContent("")
# So many values every database takes in one statement.
_PORTION = 500


def ensure_queries(corpus_id: UUID, bodies: Mapping[str, QueryBody | None]) -> dict[str, int]:
    """Return the primary keys of queries by identity. A body of None says that the query is known to exist."""
    ids = _known(Query, "identity", corpus_id, bodies)
    new = {identity: body for identity, body in bodies.items() if identity not in ids and body is not None}
    if new:
        rows = [(corpus_id, query_text(new[identity]), new[identity], identity) for identity in sorted(new)]
        insert_rows(Query, ("corpus_id", "text", "body", "identity"), rows, ignore_conflicts=True)
        ids |= _known(Query, "identity", corpus_id, new)
    return ids


def ensure_documents(corpus_id: UUID, external_ids: Iterable[str]) -> dict[str, int]:
    """Return the primary keys of documents by external id."""
    return _ensure_named(Document, "external_id", corpus_id, external_ids)


def ensure_raters(corpus_id: UUID, names: Iterable[str]) -> dict[str, int]:
    """Return the primary keys of imported raters by name."""
    return _ensure_named(ImportedRater, "name", corpus_id, names)


def _ensure_named(model: type[Model], column: str, corpus_id: UUID, names: Iterable[str]) -> dict[str, int]:
    wanted = set(names)
    ids = _known(model, column, corpus_id, wanted)
    if new := sorted(wanted - ids.keys()):
        insert_rows(model, ("corpus_id", column), [(corpus_id, name) for name in new], ignore_conflicts=True)
        ids |= _known(model, column, corpus_id, new)
    return ids


def _known(model: type[Model], column: str, corpus_id: UUID, values: Collection[str]) -> dict[str, int]:
    condition, parameter = is_one_of(column, values)
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {column}, id FROM {model._meta.db_table} WHERE corpus_id = %s AND {condition}",
            [uuid_param(corpus_id), parameter],
        )
        return dict(cursor.fetchall())


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
        ids = {(document_id, ""): pk for document_id, pk in _newest(self._without_content)}
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
        # By document alone: with the hashes as a second list SQLite tries every pair of the two.
        condition, parameter = is_one_of("document_id", {document_id for document_id, _ in keys})
        with connection.cursor() as cursor:
            cursor.execute(
                f"SELECT document_id, content_hash, id FROM judging_documentversion WHERE {condition}", [parameter]
            )
            return {(document, key): pk for document, key, pk in cursor.fetchall() if (document, key) in keys}


def _newest(document_ids: Collection[int]) -> list[tuple[int, int]]:
    condition, parameter = is_one_of("document_id", document_ids)
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT document_id, MAX(id) FROM judging_documentversion WHERE {condition} GROUP BY document_id",
            [parameter],
        )
        return list(cursor.fetchall())


def count_empty(corpus_id: UUID, external_ids: Iterable[str]) -> int:
    """Return of how many of these documents the corpus knows neither title nor fields nor image."""
    wanted = list(external_ids)
    has_content = DocumentVersion.objects.filter(document=OuterRef("pk")).exclude(content_hash=content_hash("", {}, ""))
    return sum(
        Document.objects.filter(
            ~Exists(has_content), corpus=corpus_id, external_id__in=wanted[start : start + _PORTION]
        )
        .order_by()
        .count()
        for start in range(0, len(wanted), _PORTION)
    )
