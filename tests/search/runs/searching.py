"""An evaluation that searches the demo's engine on the loopback, a handful of documents in it."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db.models import F

from judging.demo_search.faults import read_faults
from judging.demo_search.index import Index
from judging.demo_search.server import Server, running
from judging.engines.presets import PRESETS
from judging.models import (
    Candidate,
    Evaluation,
    EvaluationRun,
    QueryTemplate,
    QueryTemplateVersion,
    SearchEndpoint,
    SearchItem,
    SearchQuerySet,
    SearchRun,
    SetQuery,
    User,
)
from judging.search.runs.making import RunOptions, create_search_run
from tests.draining import drain
from tests.factories import make_evaluation

QUERIES = ("red shoes", "blue shirt", "nothing of the kind", "green hat")
DOCUMENTS = [
    {
        "doc_id": f"{colour}-{thing}-{number}",
        "title": f"{colour} {thing}",
        "fields": {"description": f"number {number}"},
    }
    for colour in ("red", "blue", "green")
    for thing in ("shoes", "shirt", "hat")
    for number in range(4)
]
BODY = '{"query": {"match": {"title": "{{query}}"}}, "size": {{size}}}'


@contextmanager
def engine(faults: str = "") -> Iterator[Server]:
    with running(Index(DOCUMENTS), faults=read_faults(faults)) as server:
        yield server


def make_search_evaluation(
    url: str, *, queries: tuple[Any, ...] = QUERIES, body: str = BODY, **endpoint: Any
) -> Evaluation:
    evaluation = make_evaluation()
    query_set = SearchQuerySet.objects.create(
        name="queries", kind="text", query_count=len(queries), content_hash="0" * 64
    )
    SetQuery.objects.bulk_create(
        [SetQuery(query_set=query_set, position=place, body=query) for place, query in enumerate(queries, start=1)]
    )
    template = QueryTemplate.objects.create(name="titles", body=body)
    QueryTemplateVersion.objects.create(template=template, number=1, **template.settings_dict())
    evaluation.endpoint = SearchEndpoint.objects.create(
        corpus=evaluation.corpus,
        name=f"engine of {evaluation.name}",
        url=f"{url}/products/_search",
        **{
            "type": "elasticsearch",
            "candidates_mapping": PRESETS["elasticsearch"].candidates_mapping,
            "max_retries": 1,
            **endpoint,
        },
    )
    evaluation.query_set, evaluation.query_template = query_set, template
    evaluation.save()
    return evaluation


def start_run(evaluation: Evaluation, actor: User, **options: Any) -> EvaluationRun:
    chosen = RunOptions(**{"depth": 5, "metrics": ["P@5"], **options})
    return create_search_run(evaluation=evaluation, actor=actor, name="run", options=chosen, start=True)


def searched(evaluation: Evaluation, actor: User, **options: Any) -> EvaluationRun:
    """Start a run and work on it to its end."""
    run = start_run(evaluation, actor, **options)
    drain()
    return reread(run)


def reread(run: EvaluationRun) -> EvaluationRun:
    return EvaluationRun.objects.select_related("evaluation__corpus").get(pk=run.pk)


def search_of(run: EvaluationRun) -> SearchRun:
    return SearchRun.objects.get(pk=run.pk)


def counts(run: EvaluationRun) -> dict[str, int]:
    search = search_of(run)
    names = ("answered", "empty", "failed", "pending", "skipped")
    return {name: count for name in names if (count := getattr(search, f"{name}_count"))}


def fail_search(run: EvaluationRun, text: str) -> None:
    """Let an answered search of an ended run have failed instead."""
    SearchItem.objects.filter(search_run_id=run.pk, run_query__text=text).update(
        status="failed", failure_code="timeout", returned=None
    )
    Candidate.objects.filter(run=run, run_query__text=text).delete()
    SearchRun.objects.filter(pk=run.pk).update(
        answered_count=F("answered_count") - 1, failed_count=F("failed_count") + 1
    )
