"""The demo's searches: its endpoint, query set and two query templates, and a run made live with each of them."""

from urllib.parse import urlsplit

from django.conf import settings

from judging.demo.electronics import DATA, GUIDELINES, METRICS, SCALE
from judging.models import (
    Corpus,
    EndpointType,
    Evaluation,
    EvaluationRun,
    EvaluationRunStatus,
    QueryTemplate,
    SearchEndpoint,
    SearchQuerySet,
    SearchRun,
    User,
)
from judging.records.roles import require_member
from judging.runs.evaluations import create_evaluation, delete_run, update_evaluation
from judging.search.endpoints.acts import create_endpoint, update_endpoint
from judging.search.query_sets.sets import create_query_set
from judging.search.query_templates.templates import save_query_template
from judging.search.runs.making import create_search_run

ENDPOINT = "Demo search (SQLite FTS5)"
QUERY_SET = "Electronics queries"
EVALUATION = "Electronics search, live"
DEPTH = 20
_PATH = "/electronics/_search"

# Bodies in Elasticsearch's form, by the names of their templates and runs; the first is what the second is compared to.
TEMPLATES = {
    "Title only": '{"query": {"match": {"title": "{{query}}"}}, "size": {{size}}}',
    "All fields": (
        '{"query": {"multi_match": {"query": "{{query}}", '
        '"fields": ["title^3", "brand", "description", "colour", "type"]}}, "size": {{size}}}'
    ),
}


def demo_search_port() -> int | None:
    """Return the port of this machine that the demo's endpoint asks; None where the database has no such endpoint."""
    url = SearchEndpoint.objects.filter(name=ENDPOINT).values_list("url", flat=True).first()
    parts = urlsplit(url or "")
    return parts.port if parts.hostname == "127.0.0.1" and parts.path == _PATH else None


def ensure_live_evaluation(*, actor: User, corpus: Corpus) -> Evaluation:
    """Return the evaluation whose runs ask the demo's search service, made with all that it needs where there is none.

    Raise Forbidden.
    """
    require_member(actor)
    endpoint = _endpoint(actor, corpus)
    known = Evaluation.objects.filter(corpus=corpus, endpoint=endpoint, name=EVALUATION)
    evaluation = known.order_by("created_at").first()
    if evaluation is not None:
        return evaluation
    return create_evaluation(
        actor=actor,
        name=EVALUATION,
        description=GUIDELINES,
        search_inputs={
            "endpoint_id": endpoint.pk,
            "query_set_id": _query_set(actor).pk,
            "query_template_id": _template(actor, next(iter(TEMPLATES))).pk,
        },
        default_depth=DEPTH,
        default_scale=SCALE,
        default_metrics=METRICS,
    )


def ensure_live_run(*, actor: User, evaluation: Evaluation, name: str) -> EvaluationRun:
    """Return the run with the template of this name that is completed or under way, else a new one, `queued`.

    Raise Forbidden, or what starting a run raises.
    """
    require_member(actor)
    usable = (EvaluationRunStatus.COMPLETED, *SearchRun.active_statuses)
    runs = EvaluationRun.objects.filter(evaluation=evaluation, name=name, search__isnull=False)
    if (run := runs.filter(status__in=usable).order_by("created_at").first()) is not None:
        return run
    for ended in runs:
        delete_run(actor=actor, run=ended)
    # As people do it: another template, and Start.
    inputs = {"query_template_id": _template(actor, name).pk}
    evaluation = update_evaluation(actor=actor, evaluation=evaluation, search_inputs=inputs)
    return create_search_run(evaluation=evaluation, actor=actor, name=name, start=True)


def _endpoint(actor: User, corpus: Corpus) -> SearchEndpoint:
    url = f"http://127.0.0.1:{settings.DEMO_SEARCH_PORT}{_PATH}"
    endpoint = SearchEndpoint.objects.filter(name=ENDPOINT, corpus=corpus).first()
    if endpoint is None:
        fields = {"corpus_id": corpus.pk, "name": ENDPOINT, "type": EndpointType.ELASTICSEARCH, "url": url}
        return create_endpoint(actor=actor, fields=fields)
    if endpoint.url != url and demo_search_port() is not None:
        return update_endpoint(actor=actor, endpoint=endpoint, fields={"url": url})
    return endpoint


def _query_set(actor: User) -> SearchQuerySet:
    known = SearchQuerySet.objects.filter(name=QUERY_SET, created_by=actor).order_by("created_at").first()
    if known is not None:
        return known
    with (DATA / "queries.tsv").open(encoding="utf-8") as file:
        rows = [line.rstrip("\n").split("\t", 1) for line in file]
    queries = [{"label": label, "body": text} for label, text in rows]
    return create_query_set(
        actor=actor, name=QUERY_SET, queries=queries, description="The 135 queries of the electronics collection."
    )


def _template(actor: User, name: str) -> QueryTemplate:
    known = QueryTemplate.objects.filter(name=name, created_by=actor).order_by("created_at").first()
    return known or save_query_template(actor=actor, fields={"name": name, "body": TEMPLATES[name]})
