"""Importing judgments that were made elsewhere."""

import hashlib
from array import array
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import islice
from typing import IO, NamedTuple
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from judging.foundation.columns import insert_rows
from judging.foundation.errors import Invalid
from judging.foundation.limits import MAX_IMPORTED_JUDGMENTS
from judging.foundation.scales import SCALES
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
from judging.records.files.names import RATER_PREFIX
from judging.records.lists.corpus_rows import QueryBody, ensure_documents, ensure_queries, ensure_raters
from judging.records.reading.spellings import names_of
from judging.records.reading.upload import BadValue, Problems, SourceFile, shown
from judging.records.roles import Actor, require_member
from judging.runs.importing.formats.recognition import read_as_of
from judging.runs.importing.formats.shapes import Format, QueryRow, Reading
from judging.runs.importing.judgment_files import JudgmentFile, JudgmentRow
from judging.runs.importing.ranking import read_queries
from judging.runs.importing.reach import Reach, reach_of, why_out_of_reach
from judging.runs.importing.run_files import recognise_all

_CHUNK = 1000
_STAGED = (
    "judgment_import_id", "query_id", "document_id", "scale", "author_kind", "member_id", "rater_id", "judge_label",
    "grade", "reasoning", "created_at",
)  # fmt: skip
_LEFT_OVER_AFTER = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class JudgmentImportOutcome:
    """How many judgments were read and written; `kept` AI judgments of our own judging runs stayed.

    A file with anything to refuse is refused as a whole, so `refused` is 0 here: the lines are in ImportRejected.
    `read_as` is the format of each file by its field.
    """

    read: int
    written: int
    reach: Reach
    read_as: dict[str, str]
    kept: int = 0
    refused: int = 0
    warnings: list[str] = field(default_factory=list)


def import_judgments(
    *,
    corpus: Corpus,
    actor: Actor,
    file: IO[bytes],
    file_name: str,
    read_as: Mapping[str, str] | None = None,
    scale: str | None = None,
    queries_file: IO[bytes] | None = None,
) -> JudgmentImportOutcome:
    """Write the judgments of a file of any known format; an author's earlier grades of the same pairs are replaced.

    Everything is checked before anything is written: raises ImportRejected, Invalid or Forbidden and changes nothing.
    An author who is the e-mail address of a member, of a former one too, is that member, every other one a rater known
    by name (`rater:` before a name says so of an address). The grades reach the unlocked runs of the corpus. An
    imported AI grade never replaces one that a judging run wrote. `read_as` names the formats of `file` and `queries`
    where they should not be recognised; without `scale` the corpus's runs say it, where they agree.
    """
    require_member(actor)
    problems = Problems()
    given = {"file": file, "queries": queries_file}
    sources = [SourceFile(name, each) for name, each in given.items() if each is not None]
    formats = recognise_all(sources, read_as_of(read_as, given), file_name=file_name)
    rows = JudgmentFile(sources[0], formats[0], scale=scale, assumed_scale=_assumed_scale(corpus))
    _check_scale(corpus, rows, scale)
    labels = _Labels(corpus, (sources[1], formats[1]) if queries_file is not None else None, problems)
    members = {email: pk for pk, email in User.objects.values_list("pk", "email").iterator()}
    checked = _check(rows, corpus, labels, members, problems)
    _remove_left_overs()
    judgment_import = JudgmentImport.objects.create(corpus=corpus)
    try:
        _stage(judgment_import, rows, labels, members, checked.left_out)
        with transaction.atomic():
            written = apply_staged(judgment_import.pk)
            detail = {"file": file_name[:200].replace("\x00", ""), "read": checked.read, "written": written}
            record_event(actor=actor, action="judgments_imported", subject=corpus, detail=detail)
        reach = reach_of(judgment_import)
        reach_warnings = why_out_of_reach(judgment_import, reach)
    finally:
        judgment_import.delete()
    reached = EvaluationRun.objects.filter(evaluation__corpus=corpus, scale__in=checked.scales, is_locked=False)
    for run_id in list(reached.values_list("pk", flat=True)):
        renew_metrics(run_id)
    kept = checked.read - written
    warnings = [*reach_warnings, *_warnings(checked, kept=kept)]
    return JudgmentImportOutcome(
        read=checked.read,
        written=written,
        reach=reach,
        read_as={source.name: each.name for source, each in zip(sources, formats, strict=True)},
        kept=kept,
        warnings=warnings,
    )


def _run_scales(corpus: Corpus) -> list[str]:
    runs = EvaluationRun.objects.filter(evaluation__corpus=corpus)
    return sorted(runs.order_by().values_list("scale", flat=True).distinct())


def _assumed_scale(corpus: Corpus) -> str | None:
    """Return the scale of all runs of a corpus, None where they have several or there are none."""
    scales = _run_scales(corpus)
    return scales[0] if len(scales) == 1 else None


def _check_scale(corpus: Corpus, rows: JudgmentFile, scale: str | None) -> None:
    if scale and scale not in SCALES:
        message = f"The scale is one of {', '.join(SCALES)}."
        raise Invalid(message, errors={"scale": [message]})
    if scale or rows.has_scales or _assumed_scale(corpus):
        return
    scales = _run_scales(corpus)
    several = f"the runs of this corpus have several ({', '.join(scales)})" if scales else "this corpus has no runs yet"
    message = f"The file says nothing of its scale, and {several}: give the scale with it."
    raise Invalid(message, errors={"scale": [message]})


class _UnknownQuery(BadValue):
    """A label that stands for no query: its judgments are left out, the rest of the file is not refused for them."""


class _Labels:
    """What the labels of a file stand for: the queries file says it, else the corpus's runs, if they agree."""

    def __init__(self, corpus: Corpus, file: tuple[SourceFile, Format[QueryRow]] | None, problems: Problems) -> None:
        self._match_mode = corpus.match_mode
        self._has_file = file is not None
        self._identities: dict[str, str] = {}
        self._bodies: dict[str, QueryBody] = {}
        self._ambiguous: set[str] = set()
        if file is not None:
            for label, query in read_queries(*file, Reading(problems, self._match_mode)).items():
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
            raise _UnknownQuery(f"the query_id {shown(row.label)} is not in {where}")
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


@dataclass
class _Checked:
    """What the first passage found: how many judgments on which scales, and which rows are none of them."""

    reading: Reading
    read: int = 0
    scales: set[str] = field(default_factory=set)
    # Of all rows, counted from 0, in rising order.
    left_out: "array[int]" = field(default_factory=lambda: array("Q"))
    unknown: int = 0
    first_unknown: str = ""
    first_unknown_line: int = 0


def _check(
    rows: JudgmentFile, corpus: Corpus, labels: _Labels, members: dict[str, UUID], problems: Problems
) -> _Checked:
    """Go over all rows. Raises ImportRejected."""
    checked = _Checked(Reading(problems, corpus.match_mode))
    # The line of each judgment, and a hash of what it says, by who says it of what.
    lines: dict[bytes, tuple[int, int]] = {}
    for number, row in enumerate(rows.rows(checked.reading)):
        try:
            identity, _ = labels.query_of(row)
        except _UnknownQuery as error:
            if not checked.unknown:
                checked.first_unknown, checked.first_unknown_line = str(error), row.line
            checked.unknown += 1
            checked.left_out.append(number)
            continue
        except BadValue as error:
            problems.add("file", row.line, str(error))
            continue
        key = "\x00".join((identity, row.external_id, row.scale, *map(str, _author_of(row, members)))).encode()
        judgment = (row.line, hash((row.grade, row.judge, row.reasoning)))
        first = lines.setdefault(hashlib.blake2b(key, digest_size=16).digest(), judgment)
        if first is not judgment and first[1] == judgment[1]:
            checked.reading.notes.duplicates += 1
            checked.left_out.append(number)
        elif first is not judgment:
            whose = "an AI judgment" if row.is_ai else f"a judgment by {shown(row.author)}"
            message = f"{whose} of the same query and document stands in line {first[0]}, too"
            problems.add(
                "file", row.line, message if first[0] != row.line else message.replace(f"in line {first[0]}", "in it")
            )
        checked.scales.add(row.scale)
        if len(lines) > MAX_IMPORTED_JUDGMENTS:
            problems.add("file", row.line, f"more than {MAX_IMPORTED_JUDGMENTS:,} judgments: split the file")
            break
    if not lines and not problems.total:
        if checked.unknown:
            problems.add("file", checked.first_unknown_line, f"{checked.first_unknown}, and neither is any other")
        else:
            but = f", but {', '.join(_left_out(checked))}" if _left_out(checked) else ""
            problems.add("file", 0, f"there are no judgments in it{but}")
    problems.raise_if_any()
    checked.read = len(lines)
    return checked


def _stage(
    judgment_import: JudgmentImport,
    rows: JudgmentFile,
    labels: _Labels,
    members: dict[str, UUID],
    left_out: "array[int]",
) -> None:
    corpus_id = judgment_import.corpus_id
    now = timezone.now()
    for chunk in _chunks(rows, judgment_import.corpus.match_mode, left_out):
        queries = [labels.query_of(row) for row in chunk]
        authors = [_author_of(row, members) for row in chunk]
        with transaction.atomic():
            # A query may stand there by its text in one line and by its label in another.
            bodies = dict(queries) | {identity: body for identity, body in queries if body is not None}
            query_ids = ensure_queries(corpus_id, bodies)
            document_ids = ensure_documents(corpus_id, (row.external_id for row in chunk))
            rater_ids = ensure_raters(corpus_id, (author.rater for author in authors if author.rater))
            insert_rows(
                StagedJudgment,
                _STAGED,
                (
                    (
                        judgment_import.pk,
                        query_ids[identity],
                        document_ids[row.external_id],
                        row.scale,
                        author.kind,
                        author.member_id,
                        rater_ids.get(author.rater),
                        row.judge,
                        row.grade,
                        row.reasoning,
                        row.created_at or now,
                    )
                    for row, author, (identity, _) in zip(chunk, authors, queries, strict=True)
                ),
            )


def _chunks(rows: JudgmentFile, match_mode: str, left_out: "array[int]") -> Iterator[list[JudgmentRow]]:
    reading = Reading(Problems(), match_mode)
    every = _without(rows.rows(reading), left_out)
    while chunk := list(islice(every, _CHUNK)):
        yield chunk
    # Nothing, unless the file was changed since it was checked.
    reading.problems.raise_if_any()


def _without(rows: Iterator[JudgmentRow], left_out: "array[int]") -> Iterator[JudgmentRow]:
    numbers = iter(left_out)
    following = next(numbers, -1)
    for number, row in enumerate(rows):
        if number == following:
            following = next(numbers, -1)
        else:
            yield row


def _remove_left_overs() -> None:
    """Remove what imports left that were killed between staging and writing."""
    JudgmentImport.objects.filter(created_at__lt=timezone.now() - _LEFT_OVER_AFTER).delete()


def _warnings(checked: _Checked, *, kept: int) -> list[str]:
    notes = checked.reading.notes
    warnings = []
    if notes.is_scale_assumed:
        scales = ", ".join(sorted(checked.scales))
        warnings.append(f"grades without a scale were read on that of the corpus's runs: {scales}")
    if notes.ignored:
        warnings.append(f"columns that have no meaning here were ignored: {names_of(notes.ignored)}")
    warnings.extend(f"left out: {lines}" for lines in _left_out(checked))
    if checked.unknown:
        first = f"first in line {checked.first_unknown_line}: {checked.first_unknown}"
        warnings.append(
            f"left out: {_counted(checked.unknown, 'judgment')} of queries that are not known here ({first})"
        )
    if kept:
        judgments = "1 AI judgment was" if kept == 1 else f"{kept} AI judgments were"
        warnings.append(f"{judgments} not imported, since judging runs of this installation wrote others")
    return warnings


def _left_out(checked: _Checked) -> list[str]:
    """Say which lines are no judgments."""
    notes = checked.reading.notes
    found = []
    if notes.ungraded_items:
        lines = _counted(notes.ungraded_items, "line")
        found.append(f"{lines} with candidates that an AI judging run gave no grade")
    if notes.unrated:
        found.append(f"{_counted(notes.unrated, 'line')} without a grade")
    if notes.negative:
        found.append(f"{_counted(notes.negative, 'line')} with a grade below 0 (not judged)")
    if notes.duplicates:
        found.append(_counted(notes.duplicates, "repeated line"))
    return found


def _counted(count: int, noun: str) -> str:
    return f"1 {noun}" if count == 1 else f"{count:,} {noun}s"
