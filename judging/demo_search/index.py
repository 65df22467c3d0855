"""The index: bm25 over SQLite FTS5 with field weights and porter stemming, in memory, one connection per thread."""

import json
import re
import sqlite3
import threading
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

MAX_TERMS = 64
WORD = re.compile(r"[^\W_]+")


@dataclass(frozen=True)
class Hit:
    id: str
    title: str
    score: float
    fields: dict[str, Any]

    @property
    def source(self) -> dict[str, Any]:
        return {"title": self.title, **self.fields}


class Index:
    """Documents as the demo ships them (`doc_id, title, fields`); safe to search from many threads."""

    def __init__(self, documents: Iterable[Mapping[str, Any]]) -> None:
        rows = [(str(d["doc_id"]), str(d.get("title", "")), dict(d.get("fields") or {})) for d in documents]
        names = sorted({name for _, _, fields in rows for name in fields if name != "title"})
        self.fields = ("title", *names)
        self.count = len(rows)
        self._address = f"file:demo-search-{uuid.uuid4().hex}?mode=memory&cache=shared"
        self._local = threading.local()
        self._keeper = sqlite3.connect(self._address, uri=True, check_same_thread=False)
        columns = ", ".join(f"f{number}" for number in range(len(self.fields)))
        self._keeper.execute("CREATE TABLE documents (id TEXT, title TEXT, fields TEXT)")
        self._keeper.execute(f"CREATE VIRTUAL TABLE words USING fts5({columns}, tokenize='porter unicode61')")
        self._keeper.executemany(
            "INSERT INTO documents (id, title, fields) VALUES (?, ?, ?)",
            [(id_, title, json.dumps(fields)) for id_, title, fields in rows],
        )
        marks = ", ".join("?" * (len(self.fields) + 1))
        self._keeper.executemany(
            f"INSERT INTO words (rowid, {columns}) VALUES ({marks})",
            [
                (number, title, *(str(fields.get(name, "")) for name in names))
                for number, (_, title, fields) in enumerate(rows, 1)
            ],
        )
        self._keeper.commit()

    def search(self, text: str, weights: Mapping[str, float], *, size: int, start: int) -> tuple[int, list[Hit]]:
        """Return how many documents hold any word of `text` in the weighted fields, and a page of them, best first."""
        terms = list(dict.fromkeys(WORD.findall(text.lower())))[:MAX_TERMS]
        if not terms or not weights:
            return 0, []
        columns = " ".join(f"f{number}" for number, name in enumerate(self.fields) if name in weights)
        # Words only and each in quotes: nothing that a user writes is FTS5 syntax.
        match = f"{{{columns}}} : (" + " OR ".join(f'"{term}"' for term in terms) + ")"
        values = [float(weights.get(name, 0)) for name in self.fields]
        marks = ", ".join("?" * len(values))
        link = self._connection()
        total = link.execute("SELECT count(*) FROM words WHERE words MATCH ?", (match,)).fetchone()[0]
        rows = link.execute(
            f"SELECT d.id, d.title, w.score, d.fields FROM (SELECT rowid, -bm25(words, {marks}) AS score FROM words "
            "WHERE words MATCH ? ORDER BY score DESC, rowid LIMIT ? OFFSET ?) w JOIN documents d ON d.rowid = w.rowid "
            "ORDER BY w.score DESC, w.rowid",
            (*values, match, size, start),
        )
        return total, [Hit(id_, title, round(score, 6), json.loads(fields)) for id_, title, score, fields in rows]

    def all(self, *, size: int, start: int) -> tuple[int, list[Hit]]:
        rows = self._connection().execute(
            "SELECT id, title, fields FROM documents ORDER BY rowid LIMIT ? OFFSET ?", (size, start)
        )
        return self.count, [Hit(id_, title, 1.0, json.loads(fields)) for id_, title, fields in rows]

    def close(self) -> None:
        self._keeper.close()

    def _connection(self) -> sqlite3.Connection:
        if not hasattr(self._local, "link"):
            self._local.link = sqlite3.connect(self._address, uri=True)
        link: sqlite3.Connection = self._local.link
        return link
