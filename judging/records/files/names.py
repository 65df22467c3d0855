"""How exports name queries, and what TREC's columns can't hold."""

import json
from typing import Any
from uuid import UUID

from django.db.models import QuerySet

from judging.foundation.errors import Conflict
from judging.models import EvaluationRun, MatchMode, RunQuery, canonical_json, query_text


def label_or_id(label: str, run_query_id: UUID) -> str:
    """Return the label a query came with, or what stands for it: the run query's id."""
    return label or str(run_query_id)


# Says that an author is an imported rater where the name alone would say something else.
RATER_PREFIX = "rater:"
# Says so of a column of a book that holds what an AI judge said.
AI_PREFIX = "ai:"


def rater_label(name: str, *, is_address: bool) -> str:
    """Return an imported rater's name as files have it: marked where it is an account's address, too."""
    return f"{RATER_PREFIX}{name}" if is_address or name.startswith(RATER_PREFIX) else name


def query_cell(body: Any, match_mode: str) -> str:
    """Return a query as a CSV cell which the import takes for the same query.

    Where queries are told apart as objects that is JSON, also for a text that looks like it.
    """
    text = query_text(body)
    if match_mode == MatchMode.OID:
        if isinstance(body, dict):
            return canonical_json(body)
        if text.startswith("{"):
            return canonical_json({"query": text})
    return text


def json_line(value: dict[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False) + "\n"


def check_columns(run: EvaluationRun, external_ids: QuerySet[Any, str], *, with_labels: bool = True) -> None:
    """Refuse labels and document ids with white space, which end a column. Raises Conflict (not_exportable)."""
    labels = RunQuery.objects.filter(run=run).values_list("label", flat=True)
    for what, values in (("query_id", labels if with_labels else labels.none()), ("document id", external_ids)):
        for value in values.iterator(chunk_size=5000):
            if len(value.split()) > 1:
                raise Conflict(
                    f'The {what} "{value[:60]}" holds white space, which TREC files can\'t: export JSONL instead.',
                    code="not_exportable",
                )
