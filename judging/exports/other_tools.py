"""Effective grades in the forms of other tools: Quepid, OpenSearch's workbench, RRE, RankLib. Imports read them back."""

import json
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from judging.foundation.errors import Conflict
from judging.models import EvaluationRun, RunQuery
from judging.records.files.cells import csv_line
from judging.records.files.names import query_cell


class GradedQuery(NamedTuple):
    """A query with its judged documents and their grades."""

    position: int
    text: str
    graded: list[tuple[str, int]]


def quepid_lines(run: EvaluationRun, queries: Iterable[GradedQuery]) -> Iterator[str]:
    """Write ratings as a Quepid case imports them."""
    yield csv_line(("query", "docid", "rating"))
    for query in queries:
        for external_id, grade in query.graded:
            yield csv_line((query.text, external_id, grade))


def opensearch_lines(run: EvaluationRun, queries: Iterable[GradedQuery]) -> Iterator[str]:
    """Write the body that the search relevance workbench's API takes (`PUT _plugins/_search_relevance/judgments`)."""
    head = {"name": run.name, "description": f"Effective grades, {run.scale}", "type": "IMPORT_JUDGMENT"}
    entries = (
        {
            "query": query.text,
            "ratings": [{"docId": external_id, "rating": f"{grade}.0"} for external_id, grade in query.graded],
        }
        for query in queries
    )
    return _object_with_list(head, "judgmentRatings", entries)


def rre_lines(run: EvaluationRun, queries: Iterable[GradedQuery]) -> Iterator[str]:
    """Write ratings for RRE: a group for each query. Index, id field and template are for their owner to fill in."""
    head = {"index": run.evaluation.name, "id_field": "id", "query_placeholder": "$query"}
    groups = (
        {
            "name": query.text,
            "queries": [{"template": "only_q.json", "placeholders": {"$query": query.text}}],
            "relevant_documents": {external_id: {"gain": grade} for external_id, grade in query.graded},
        }
        for query in queries
    )
    return _object_with_list(head, "query_groups", groups)


def ranklib_lines(comments: Iterable[str], queries: Iterable[GradedQuery]) -> Iterator[str]:
    """Write lines without features, which is for a feature logger to add; comments in front name the queries."""
    yield from comments
    for query in queries:
        for external_id, grade in query.graded:
            yield f"{grade} qid:{query.position} # {external_id}\n"


def ranklib_comments(run: EvaluationRun) -> list[str]:
    """Return the comments with the queries' texts. Raises Conflict (not_exportable) for one that is no single line."""
    match_mode = run.evaluation.corpus.match_mode
    bodies = RunQuery.objects.filter(run=run).order_by("position").values_list("position", "body")
    comments = []
    for position, body in bodies.iterator(chunk_size=2000):
        text = query_cell(body, match_mode)
        if len(text.splitlines()) > 1:
            raise Conflict(
                f'The query "{text[:60]}" has several lines, which this format can\'t: export JSONL instead.',
                code="not_exportable",
            )
        # A weight ends the text, also one that looks as if it had a weight itself.
        comments.append(f"# qid:{position}: {text}*1\n")
    return comments


def _object_with_list(head: dict[str, str], name: str, elements: Iterable[dict[str, Any]]) -> Iterator[str]:
    """Write a JSON object whose last member is a list, element by element."""
    yield f"{json.dumps(head, ensure_ascii=False)[:-1]}, {json.dumps(name)}: ["
    for number, element in enumerate(elements):
        yield f"{',' if number else ''}\n{json.dumps(element, ensure_ascii=False)}"
    yield "\n]}\n"
