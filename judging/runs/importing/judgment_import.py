"""Importing judgments that were made elsewhere."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import islice
from typing import IO, NamedTuple
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from judging.foundation.limits import MAX_IMPORTED_JUDGMENTS
from judging.ledger import apply_staged, renew_metrics
from judging.models import (
    AuthorKind,
    Corpus,
    EvaluationRun,
    JudgmentImport,
    RunQuery,
    StagedJudgment,
    User,
    query_identity,
)
from judging.records.audit import record_event
from judging.records.corpus_rows import QueryBody, ensure_documents, ensure_queries, ensure_raters
from judging.records.files.names import RATER_PREFIX
from judging.records.roles import Actor, require_member
from judging.runs.importing.judgment_files import JudgmentFile, JudgmentRow
from judging.runs.importing.trec_results import read_queries
from judging.runs.importing.upload import BadValue, Problems, SourceFile, shown

_CHUNK = 1000
_LEFT_OVER_AFTER = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class JudgmentImportOutcome:
    """How many lines were read, how many judgments written; `kept` AI judgments of our own judging runs stayed.

    A file with anything to refuse is refused as a whole, so `refused` is 0 here: the lines are in ImportRejected.
    """

    read: int
    written: int
    kept: int = 0
    refused: int = 0
    warnings: list[str] = field(default_factory=list)


def import_judgments(
    *,
    corpus: Corpus,
    actor: Actor,
    file: IO[bytes],
    file_name: str,
    file_format: str | None = None,
    scale: str | None = None,
    queries_file: IO[bytes] | None = None,
) -> JudgmentImportOutcome:
    """Write the judgments of a CSV, JSONL or qrels file; an author's earlier grades of the same pairs are replaced.

    Everything is checked before anything is written: raises ImportRejected, Invalid or Forbidden and changes nothing.
    An author who is the e-mail address of a member, of a former one too, is that member, every other one a rater known
    by name (`rater:` before a name says so of an address). The grades reach the unlocked runs of the corpus. An imported AI grade never replaces one that a judging run wrote.
    """
    require_member(actor)
    problems = Problems()
    rows = JudgmentFile(
        SourceFile("file", file),
        file_name=file_name,
        file_format=file_format,
        scale=scale,
        match_mode=corpus.match_mode,
    )
    labels = _Labels(corpus, queries_file, problems)
    members = {email: pk for pk, email in User.objects.values_list("pk", "email").iterator()}
    read, scales = _check(rows, corpus, labels, members, problems)
    _remove_left_overs()
    judgment_import = JudgmentImport.objects.create(corpus=corpus)
    try:
        _stage(judgment_import, rows, labels, members)
        with transaction.atomic():
            written = apply_staged(judgment_import.pk)
            detail = {"file": file_name[:200].replace("\x00", ""), "read": read, "written": written}
            record_event(actor=actor, action="judgments_imported", subject=corpus, detail=detail)
    finally:
        judgment_import.delete()
    reached = EvaluationRun.objects.filter(evaluation__corpus=corpus, scale__in=scales, is_locked=False)
    for run_id in list(reached.values_list("pk", flat=True)):
        renew_metrics(run_id)
    return JudgmentImportOutcome(
        read=read, written=written, kept=read - written, warnings=_warnings(rows, kept=read - written)
    )


class _Labels:
    """What the labels of a file stand for: the queries file says it, else the corpus's runs, if they agree."""

    def __init__(self, corpus: Corpus, queries_file: IO[bytes] | None, problems: Problems) -> None:
        self._match_mode = corpus.match_mode
        self._has_file = queries_file is not None
        self._identities: dict[str, str] = {}
        self._bodies: dict[str, QueryBody] = {}
        self._ambiguous: set[str] = set()
        if queries_file is not None:
            for label, query in read_queries(SourceFile("queries", queries_file), problems, self._match_mode).items():
                self._identities[label] = query_identity(query.body, self._match_mode)
                self._bodies[label] = query.body
            return
        known = RunQuery.objects.filter(run__evaluation__corpus=corpus)
        for pk, label, identity in known.values_list("pk", "label", "query__identity").iterator():
            # Exports name a query without a label by its id.
            label = label or str(pk)
            if self._identities.setdefault(label, identity) != identity:
                self._ambiguous.add(label)

    def query_of(self, row: JudgmentRow) -> tuple[str, QueryBody | None]:
        """Return the identity of a row's query, and its body where it is given. Raises BadValue."""
        if row.body is not None:
            return query_identity(row.body, self._match_mode), row.body
        if row.label in self._ambiguous:
            raise BadValue(
                f"the query_id {shown(row.label)} stands for different queries in the runs of this corpus:"
                " give a queries file or a query column"
            )
        if row.label not in self._identities:
            where = "the queries file" if self._has_file else "any run of this corpus"
            raise BadValue(f"the query_id {shown(row.label)} is not in {where}")
        return self._identities[row.label], self._bodies.get(row.label)


class _Author(NamedTuple):
    kind: AuthorKind
    member_id: UUID | None = None
    rater: str = ""


def _author_of(row: JudgmentRow, members: dict[str, UUID]) -> _Author:
    if row.is_ai:
        return _Author(AuthorKind.AI)
    if row.author.startswith(RATER_PREFIX) and (name := row.author.removeprefix(RATER_PREFIX).strip()):
        return _Author(AuthorKind.RATER, rater=name)
    if member_id := members.get(row.author.lower()):
        return _Author(AuthorKind.MEMBER, member_id)
    return _Author(AuthorKind.RATER, rater=row.author)


def _check(
    rows: JudgmentFile, corpus: Corpus, labels: _Labels, members: dict[str, UUID], problems: Problems
) -> tuple[int, set[str]]:
    """Go over all rows; return their number and the scales. Raises ImportRejected."""
    lines: dict[bytes, int] = {}
    scales: set[str] = set()
    for row in rows.rows(problems):
        try:
            identity, _ = labels.query_of(row)
        except BadValue as error:
            problems.add("file", row.line, str(error))
            continue
        key = "\x00".join((identity, row.external_id, row.scale, *map(str, _author_of(row, members)))).encode()
        first = lines.setdefault(hashlib.blake2b(key, digest_size=16).digest(), row.line)
        if first != row.line:
            whose = "an AI judgment" if row.is_ai else f"a judgment by {shown(row.author)}"
            problems.add("file", row.line, f"{whose} of the same query and document stands in line {first}, too")
        scales.add(row.scale)
        if len(lines) > MAX_IMPORTED_JUDGMENTS:
            problems.add("file", row.line, f"more than {MAX_IMPORTED_JUDGMENTS:,} judgments: split the file")
            break
    if not lines and not problems.total:
        problems.add("file", 0, "there are no judgments in it")
    problems.raise_if_any()
    return len(lines), scales


def _stage(judgment_import: JudgmentImport, rows: JudgmentFile, labels: _Labels, members: dict[str, UUID]) -> None:
    corpus_id = judgment_import.corpus_id
    now = timezone.now()
    for chunk in _chunks(rows):
        queries = [labels.query_of(row) for row in chunk]
        authors = [_author_of(row, members) for row in chunk]
        with transaction.atomic():
            # A query may stand there by its text in one line and by its label in another.
            bodies = dict(queries) | {identity: body for identity, body in queries if body is not None}
            query_ids = ensure_queries(corpus_id, bodies)
            document_ids = ensure_documents(corpus_id, (row.external_id for row in chunk))
            rater_ids = ensure_raters(corpus_id, (author.rater for author in authors if author.rater))
            StagedJudgment.objects.bulk_create(
                StagedJudgment(
                    judgment_import=judgment_import,
                    query_id=query_ids[identity],
                    document_id=document_ids[row.external_id],
                    scale=row.scale,
                    author_kind=author.kind,
                    member_id=author.member_id,
                    rater_id=rater_ids.get(author.rater),
                    judge_label=row.judge,
                    grade=row.grade,
                    reasoning=row.reasoning,
                    created_at=row.created_at or now,
                )
                for row, author, (identity, _) in zip(chunk, authors, queries, strict=True)
            )


def _chunks(rows: JudgmentFile) -> Iterator[list[JudgmentRow]]:
    problems = Problems()
    every = rows.rows(problems)
    while chunk := list(islice(every, _CHUNK)):
        yield chunk
    # Nothing, unless the file was changed since it was checked.
    problems.raise_if_any()


def _remove_left_overs() -> None:
    """Remove what imports left that were killed between staging and writing."""
    JudgmentImport.objects.filter(created_at__lt=timezone.now() - _LEFT_OVER_AFTER).delete()


def _warnings(rows: JudgmentFile, *, kept: int) -> list[str]:
    warnings = []
    if rows.ignored_columns:
        names = ", ".join(map(shown, sorted(rows.ignored_columns)[:10]))
        warnings.append(f"columns that have no meaning here were ignored: {names}")
    if rows.ungraded_count:
        items = "1 line was" if rows.ungraded_count == 1 else f"{rows.ungraded_count} lines were"
        warnings.append(f"{items} left out: candidates that an AI judging run gave no grade")
    if kept:
        judgments = "1 AI judgment was" if kept == 1 else f"{kept} AI judgments were"
        warnings.append(f"{judgments} not imported, since judging runs of this installation wrote others")
    return warnings
