"""Ranked lists of documents, and the one writer of them: they become the queries and candidates of an evaluation run.

Files bring them (`judging.runs.importing`), and whatever else asks a search engine.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from uuid import UUID

from django.db import connection, transaction
from django.utils import timezone

from judging.foundation.columns import insert_rows, uuid_param
from judging.foundation.errors import Conflict
from judging.models import (
    Candidate,
    Corpus,
    EvaluationRun,
    EvaluationRunStatus,
    RunQuery,
    query_identity,
    query_text,
)
from judging.records.lists.corpus_rows import DocumentContent, QueryBody, Versions, ensure_documents, ensure_queries

# A chunk is one short transaction: others write between two of them.
_CANDIDATES_PER_CHUNK = 2000
_QUERIES_PER_CHUNK = 200
_RUN_QUERY = ("id", "run_id", "query_id", "position", "label", "body", "text", "tags", "candidate_count")


@dataclass(frozen=True, slots=True)
class RankedCandidate:
    """A document as a search engine returned it. Content None: it is not known here, the corpus may hold it."""

    external_id: str
    content: DocumentContent | None
    score: float | None = None


@dataclass(frozen=True, slots=True)
class RankedList:
    """A query with its candidates in rank order; the label is empty where it came with none."""

    body: QueryBody
    label: str
    candidates: list[RankedCandidate]
    tags: Sequence[str] = ()


def write_ranked_lists(run: EvaluationRun, lists: Iterable[RankedList]) -> None:
    """Write the lists, in this order, into a run that is `running`, chunk by chunk: memory does not grow with them.

    Grades that the corpus knows are not looked up here (`ledger.refresh_run`). Raise Conflict (run_not_running) once
    the run is not `running` any more; what was written by then stays.
    """
    corpus = run.evaluation.corpus
    position = 1
    for chunk in _chunks(lists):
        _write_chunk(run.pk, corpus, chunk, position)
        position += len(chunk)


def no_longer_running() -> Conflict:
    return Conflict("the evaluation run was changed while it was written", code="run_not_running")


def _chunks(lists: Iterable[RankedList]) -> Iterator[list[RankedList]]:
    chunk: list[RankedList] = []
    size = 0
    for query in lists:
        chunk.append(query)
        size += len(query.candidates)
        if size >= _CANDIDATES_PER_CHUNK or len(chunk) >= _QUERIES_PER_CHUNK:
            yield chunk
            chunk, size = [], 0
    if chunk:
        yield chunk


def _write_chunk(run_id: UUID, corpus: Corpus, queries: Sequence[RankedList], first_position: int) -> None:
    identities = [query_identity(query.body, corpus.match_mode) for query in queries]
    with transaction.atomic():
        # Tells that somebody writes; and stops here once the run was called interrupted, or is gone.
        if not EvaluationRun.objects.filter(pk=run_id, status=EvaluationRunStatus.RUNNING).update(
            written_at=timezone.now()
        ):
            raise no_longer_running()
        query_ids = ensure_queries(
            corpus.pk, {identity: query.body for identity, query in zip(identities, queries, strict=True)}
        )
        run_queries = [
            RunQuery(
                run_id=run_id,
                query_id=query_ids[identity],
                position=position,
                label=query.label,
                body=query.body,
                text=query_text(query.body),
                tags=list(query.tags),
                candidate_count=len(query.candidates),
            )
            for position, (identity, query) in enumerate(zip(identities, queries, strict=True), start=first_position)
        ]
        insert_rows(RunQuery, _RUN_QUERY, map(attrgetter(*_RUN_QUERY), run_queries))
        write_candidates(
            corpus.pk, [(run_query, query.candidates) for run_query, query in zip(run_queries, queries, strict=True)]
        )


def write_candidates(
    corpus_id: UUID,
    lists: Sequence[tuple[RunQuery, Sequence[RankedCandidate]]],
    known: Mapping[tuple[UUID, str], int] | None = None,
) -> int:
    """Write the candidates of run queries, in the caller's transaction; return how many.

    `known` has the primary keys of those that exist already, listed or not, by run query and document key: they get
    their new rank and content.
    """
    candidates = [candidate for _, ranked in lists for candidate in ranked]
    document_ids = ensure_documents(corpus_id, (candidate.external_id for candidate in candidates))
    versions = Versions()
    version_keys = [versions.want(document_ids[each.external_id], each.content) for each in candidates]
    version_ids = versions.ensure()
    keys = iter(version_keys)
    known = known or {}
    rows = [
        (
            known.get((run_query.pk, candidate.external_id)),
            (version_ids[document_ids[candidate.external_id], next(keys)], rank, candidate.score),
            (
                run_query.run_id,
                run_query.pk,
                run_query.query_id,
                document_ids[candidate.external_id],
                run_query.position,
            ),
        )
        for run_query, ranked in lists
        for rank, candidate in enumerate(ranked, start=1)
    ]
    insert_rows(
        Candidate,
        ("document_version_id", "rank", "score", "run_id", "run_query_id", "query_id", "document_id", "position"),
        [(*content, *place) for pk, content, place in rows if pk is None],
    )
    if known:
        with connection.cursor() as cursor:
            cursor.executemany(
                "UPDATE judging_candidate SET document_version_id = %s, rank = %s, score = %s, run_id = %s WHERE id = %s",
                [(*content, uuid_param(run_id), pk) for pk, content, (run_id, *_) in rows if pk is not None],
            )
    return len(rows)
