"""Evaluation runs and their queries, as every interface lists them."""

from collections.abc import Collection
from functools import cache
from typing import Any
from uuid import UUID

from django.db.models import BooleanField, Case, ExpressionWrapper, F, FloatField, Q, QuerySet, When
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Cast

from judging.foundation.errors import Invalid, NotFound
from judging.foundation.validation import check_search
from judging.ledger.staleness import with_staleness
from judging.models import Corpus, Evaluation, EvaluationRun, EvaluationRunStatus, RunQuery, SearchStatus
from judging.records.lists.archiving import IN_USE
from judging.records.tagged import HasTag, wanted_tag

_QUERY_ORDERINGS = {
    "position": "position",
    "label": "label",
    "query": "text",
    "judged_count": "judged_count",
    "candidate_count": "candidate_count",
}
_ORDERINGS_FOR_RATERS = ("position", "label", "query", "candidate_count")
# An empty list that was imported, or that the engine answered: of a search without an answer nobody knows.
_NO_RESULTS = Q(candidate_count=0) & ~Q(
    search__status__in=(SearchStatus.FAILED, SearchStatus.PENDING, SearchStatus.SKIPPED)
)


def evaluation_runs(evaluation: Evaluation | None = None) -> QuerySet[EvaluationRun]:
    """Return the runs, or those of one evaluation, newest first, ready to be shown without a query per row."""
    runs = EvaluationRun.objects.select_related("evaluation__corpus", "created_by", "locked_by", "search").defer(
        "search__body", "search__query_string", "search__headers", "search__candidates_mapping", "search__overrides"
    )
    if evaluation is not None:
        runs = runs.filter(evaluation=evaluation)
    return runs.order_by("-created_at", "pk")


def listed_runs(evaluation: Evaluation | None = None, *, is_archived: bool = False) -> QuerySet[EvaluationRun]:
    """Return the runs as `evaluation_runs` does, without what is archived; of an evaluation, with `is_archived` that."""
    if evaluation is None:
        return evaluation_runs().filter(IN_USE)
    return evaluation_runs(evaluation).filter(archived_at__isnull=not is_archived)


def get_evaluation_run(run_id: UUID) -> EvaluationRun:
    """Return a run with its evaluation. Raise NotFound."""
    run = next(iter(_each_run().filter(pk=run_id)), None)
    if run is None:
        raise NotFound("no such evaluation run")
    return run


@cache
def _each_run() -> QuerySet[EvaluationRun]:
    """Return all runs, made once: with an order, which one row does not need, half of what reading it takes."""
    return with_staleness(evaluation_runs()).order_by()


def comparable_runs(
    corpus: Corpus, *, with_runs: Collection[EvaluationRun] = (), most: int = 30
) -> list[EvaluationRun]:
    """Return the newest completed runs of a corpus, `with_runs` among them: what a run can be compared with."""
    newest = listed_runs().filter(evaluation__corpus=corpus, status=EvaluationRunStatus.COMPLETED)[:most]
    found = {run.pk: run for run in (*newest, *with_runs)}
    return sorted(found.values(), key=lambda run: run.created_at, reverse=True)


def run_queries(
    run: EvaluationRun, ordering: str = "position", *, search: str = "", no_results: bool | None = None, tag: str = ""
) -> tuple[QuerySet[RunQuery], tuple[str, ...]]:
    """Return a run's queries in an order, and that order as keyset paging takes it ("-": falling, "?": may be null).

    Ordered by position, label, query, a count, or a metric of the run, "-" before it: falling. By a metric, rising
    means worst first; queries without a value or without candidates come last either way. `search` keeps those with
    this text in query or label, `no_results` those whose list is empty, or the others, `tag` those that have it. Each has
    `has_no_results`. Raise Invalid (ordering, search, tag).
    """
    check_search(search)
    queries = RunQuery.objects.filter(run=run).annotate(
        has_no_results=ExpressionWrapper(_NO_RESULTS, output_field=BooleanField())
    )
    if search:
        queries = queries.filter(Q(text__icontains=search) | Q(label__icontains=search))
    if no_results is not None:
        queries = queries.filter(has_no_results=no_results)
    if tag := wanted_tag(tag):
        queries = queries.filter(HasTag("tags", tag))
    sign, name = ("-" if ordering.startswith("-") else ""), ordering.removeprefix("-")
    if name in run.metrics:
        # The unscored have a JSON null there, which SQLite would give back as the text 'null'.
        value = Case(
            When(
                is_scored=True, candidate_count__gt=0, then=Cast(KeyTextTransform(name, "metric_values"), FloatField())
            ),
            output_field=FloatField(),
        )
        key = F("metric_value")
        return (
            queries.annotate(metric_value=value).order_by(
                key.desc(nulls_last=True) if sign else key.asc(nulls_last=True), "position"
            ),
            (f"{sign}metric_value?", "position"),
        )
    if name not in _QUERY_ORDERINGS:
        allowed = ", ".join([*_QUERY_ORDERINGS, *run.metrics])
        raise Invalid("unknown ordering", errors={"ordering": [f"one of {allowed}, also with - before it"]})
    order = (f"{sign}{_QUERY_ORDERINGS[name]}", "position")
    return queries.order_by(*order), order[:1] if name == "position" else order


def check_query_order_for_raters(ordering: str) -> None:
    """Raise Invalid (blind) for an order by what grades make of a query: raters judge blind."""
    if ordering.removeprefix("-") not in {"", *_ORDERINGS_FOR_RATERS}:
        allowed = ", ".join(_ORDERINGS_FOR_RATERS)
        raise Invalid(
            "raters judge blind: metrics and counts of grades are hidden",
            errors={"ordering": [f"one of {allowed}, also with - before it"]},
            code="blind",
        )


def count_without_results(run: EvaluationRun) -> int:
    """Return for how many queries of a run nothing was found."""
    return RunQuery.objects.filter(_NO_RESULTS, run=run).count()


def coverage_shares(run_query: RunQuery) -> dict[str, float | None]:
    """Return of a run query, per metric, which share of the candidates that the metric looks at has a grade."""
    counts: dict[str, Any] = run_query.coverage_values
    return {name: judged / returned if returned else None for name, (judged, returned) in counts.items()}
