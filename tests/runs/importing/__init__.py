"""Short ways to sources and to what the tests of imports look at."""

import io
import json
from pathlib import Path
from typing import Any

from judging.foundation.errors import ImportRejected
from judging.models import (
    AuditEvent,
    Candidate,
    Document,
    DocumentVersion,
    Evaluation,
    EvaluationRun,
    ImportedRater,
    Judgment,
    JudgmentImport,
    Query,
    RunQuery,
    StagedJudgment,
)
from judging.records.roles import SYSTEM
from judging.runs.importing.results import InlineResults, RunSource
from judging.runs.importing.run_files import ResultsFile, RunFiles
from judging.runs.importing.run_import import ImportOutcome, import_run

DEMO = Path(__file__).resolve().parents[3] / "judging" / "demo"
METRICS = ["NDCG@10", "P@10"]

RUN = "q1 Q0 d1 1 3.5 tag\nq1 Q0 d2 2 2.5 tag\nq2 Q0 d1 1 9 tag\n"
QUERIES = "q1\tred shoes\nq2\tblue shirt\n"
DOCUMENTS = '{"doc_id": "d1", "title": "One"}\n{"doc_id": "d2", "title": "Two", "fields": {"brand": "Acme"}}\n'


def as_file(text: str | bytes) -> io.BytesIO:
    return io.BytesIO(text.encode() if isinstance(text, str) else text)


def jsonl(*rows: Any) -> ResultsFile:
    """Make a source of lines; what is no text is written as JSON."""
    return ResultsFile(as_file("".join(f"{row if isinstance(row, str) else json.dumps(row)}\n" for row in rows)))


def trec(run: str | bytes = RUN, queries: str | bytes = QUERIES, documents: str | bytes | None = DOCUMENTS) -> RunFiles:
    return RunFiles(as_file(run), as_file(queries), None if documents is None else as_file(documents))


def row(query: Any, *candidates: Any, **more: Any) -> dict[str, Any]:
    """Make a query of the JSON form; a candidate given as text is its id."""
    rows = [{"id": each, "title": f"Title {each}"} if isinstance(each, str) else each for each in candidates]
    return {"query": query, "candidates": rows, **more}


def problems_of(source: RunSource, match_mode: str = "qid") -> list[tuple[str, int, str]]:
    """Return what `check` refuses a source with; nothing when it does not."""
    try:
        source.check(match_mode)
    except ImportRejected as error:
        return [(problem.file, problem.line, problem.message) for problem in error.problems]
    return []


def do_import(evaluation: Evaluation, source: RunSource, **values: Any) -> ImportOutcome:
    return import_run(
        **{
            "evaluation": evaluation,
            "actor": SYSTEM,
            "name": "imported",
            "scale": "graded",
            "metrics": METRICS,
            "source": source,
            **values,
        }
    )


def do_import_inline(evaluation: Evaluation, *rows: Any, **values: Any) -> EvaluationRun:
    return do_import(evaluation, InlineResults(list(rows)), **values).run


def row_counts() -> dict[str, int]:
    """Count everything that an import can write."""
    models = (
        EvaluationRun,
        RunQuery,
        Candidate,
        Query,
        Document,
        DocumentVersion,
        Judgment,
        ImportedRater,
        JudgmentImport,
        StagedJudgment,
        AuditEvent,
    )
    return {model.__name__: model.objects.count() for model in models}
