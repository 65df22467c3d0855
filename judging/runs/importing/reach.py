"""How far imported judgments reach: how many are about a candidate of a run on their scale, and why others are not."""

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from django.db import connection
from django.db.models import QuerySet

from judging.foundation.columns import uuid_param
from judging.models import Candidate, Document, EvaluationRun, JudgmentImport, Query, RunQuery, StagedJudgment
from judging.records.reading.upload import shown

# Fewer than this share of the judgments is few.
_FEW = 0.1
# So many judgments out of reach are looked at, and so many rows of the corpus's runs beside them.
_SAMPLE = 300
_LOOKED_THROUGH = 200_000
_PAIRS = (
    " FROM judging_stagedjudgment staged JOIN judging_candidate candidate"
    " ON candidate.query_id = staged.query_id AND candidate.document_id = staged.document_id"
    " JOIN judging_evaluationrun run ON run.id = candidate.run_id"
    " WHERE staged.judgment_import_id = %s"
)


@dataclass(frozen=True, slots=True)
class Reach:
    """Of so many imported judgments, how many are about candidates of how many runs on their scale."""

    judgments: int
    on_candidates: int
    runs: int


def reach_of(judgment_import: JudgmentImport) -> Reach:
    """Count it while the judgments are staged."""
    sql = f"SELECT COUNT(DISTINCT staged.id), COUNT(DISTINCT candidate.run_id){_PAIRS} AND run.scale = staged.scale"
    with connection.cursor() as cursor:
        cursor.execute(sql, [uuid_param(judgment_import.pk)])
        on_candidates, runs = cursor.fetchone()
    return Reach(_staged(judgment_import).count(), on_candidates, runs)


def why_out_of_reach(judgment_import: JudgmentImport, reach: Reach) -> list[str]:
    """Say that none or few judgments are about candidates, and the likely cause; nothing where they reach enough."""
    if reach.on_candidates and reach.on_candidates >= _FEW * reach.judgments:
        return []
    if not EvaluationRun.objects.filter(evaluation__corpus=judgment_import.corpus).exists():
        return ["the corpus has no run yet: the judgments count as soon as one is imported"]
    how_many = f"only {reach.on_candidates:,}" if reach.on_candidates else "none"
    cause = _cause(judgment_import)
    return [f"{how_many} of the {reach.judgments:,} judgments concern a candidate of a run on their scale: {cause}"]


def _staged(judgment_import: JudgmentImport) -> "QuerySet[StagedJudgment]":
    return StagedJudgment.objects.filter(judgment_import=judgment_import)


def _cause(judgment_import: JudgmentImport) -> str:
    scales = _scales(judgment_import)
    if scales:
        return f"the runs that hold these candidates are on another scale ({', '.join(scales)})"
    rows = list(_staged(judgment_import).order_by("pk").values_list("query_id", "document_id")[:_SAMPLE])
    query_ids, document_ids = ({row[at] for row in rows} for at in (0, 1))
    corpus_runs = {"run__evaluation__corpus": judgment_import.corpus}
    known_queries = set(
        RunQuery.objects.filter(query_id__in=query_ids, **corpus_runs).values_list("query_id", flat=True)
    )
    if 2 * len(known_queries) < len(query_ids):
        unknown = Query.objects.filter(pk__in=query_ids - known_queries).values_list("text", flat=True)
        texts = RunQuery.objects.filter(**corpus_runs).values_list("text", flat=True)
        return _difference("queries", unknown, texts.iterator(chunk_size=5000), _folded_text, "case or white space")
    candidates = Candidate.objects.filter(query_id__in=known_queries, **corpus_runs)
    known_documents = set(candidates.filter(document_id__in=document_ids).values_list("document_id", flat=True))
    if 2 * len(known_documents) < len(document_ids):
        given = Document.objects.filter(pk__in=document_ids - known_documents).values_list("external_id", flat=True)
        ids = candidates.values_list("document__external_id", flat=True)
        how = "case, white space or a number's form"
        return _difference("documents' ids", given, ids.iterator(chunk_size=5000), _folded_id, how)
    return "queries and documents are known, but the runs do not have them together"


def _scales(judgment_import: JudgmentImport) -> list[str]:
    """Return the scales of runs whose candidates are judged here on others."""
    sql = f"SELECT DISTINCT run.scale{_PAIRS} AND run.scale <> staged.scale ORDER BY run.scale"
    with connection.cursor() as cursor:
        cursor.execute(sql, [uuid_param(judgment_import.pk)])
        return [scale for (scale,) in cursor.fetchall()]


def _difference(what: str, given: Iterable[str], known: Iterator[str], fold: Callable[[str], str], how: str) -> str:
    """Say whether values become known ones when both are folded, with the first example."""
    folded = {fold(value): value for value in given}
    for count, value in enumerate(known):
        if count == _LOOKED_THROUGH:
            break
        if (other := folded.get(fold(value))) is not None:
            return f"their {what} differ from those of the runs in {how} ({shown(other)}, there {shown(value)})"
    first = next(iter(folded.values()), "")
    return f"their {what} are not those of the runs (such as {shown(first)})"


def _folded_text(text: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def _folded_id(text: str) -> str:
    """Fold case and white space, and the ends that tables give numbers: 0012, 12.0 and 12 are one."""
    folded = "".join(unicodedata.normalize("NFKC", text).casefold().split())
    folded = re.sub(r"^0+(?=[0-9])", "", folded)
    return re.sub(r"^([0-9]+)\.0+$", r"\1", folded)
