"""The queries of two compared runs as their page shows them: summed up, searched, sorted, a page at a time, as a file."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.http import StreamingHttpResponse

from judging.foundation.errors import Conflict, Invalid, NotFound
from judging.metrics.names import MAX_CUTOFF
from judging.models import EvaluationRun
from judging.records.files.formats import TABLE_FORMATS, checked_format, export_file_name
from judging.records.visibility import visible_judges
from judging.statistics.delta_ranges import has_range
from judging.trust.comparisons.queries.by_tag import differences_by_tag
from judging.trust.comparisons.queries.noise import Noise, read_noise
from judging.trust.comparisons.queries.query_export import export_table
from judging.trust.comparisons.queries.query_rows import DEFAULT_ORDERING, ORDERINGS, query_order, query_rows
from judging.trust.comparisons.queries.query_table import Measure, choose_measure, read_query_table
from judging.trust.comparisons.queries.query_values import shared_metrics
from judging.trust.comparisons.queries.searches import is_same_configuration, repeated_run
from judging.trust.comparisons.run_comparison import check_comparable, read_runs
from judging.web.base import PageRequest, page_of, searched_for, sentence
from judging.web.trust.deciding import new_key

_ROWS = 25
_HEADS = (("delta", "Difference"), ("rbo", "RBO"), ("jaccard", "Jaccard"))


@dataclass(frozen=True, slots=True)
class Head:
    """A column's head: where a click leads, and how the column is sorted now, "" if it isn't."""

    label: str
    url: str
    direction: str


def measure_of(request: PageRequest, a: EvaluationRun, b: EvaluationRun) -> Measure:
    """Return what the address says that two runs are compared by. Raise Invalid."""
    given = request.GET.get("k", "")
    k = int(given) if given.isascii() and given.isdecimal() and len(given) < 6 else None
    if k is not None and not 1 <= k <= MAX_CUTOFF:
        k = None
    return choose_measure(a, b, metric=request.GET.get("metric", ""), k=k)


def link(request: PageRequest, **changes: str) -> str:
    """Return this page's address with other values; the first page of its list."""
    query = request.GET.copy()
    query.pop("page", None)
    query.pop("file_format", None)
    for name, value in changes.items():
        query[name] = value
    return f"?{query.urlencode()}"


def queries_context(request: PageRequest, runs: list[EvaluationRun]) -> dict[str, Any]:
    """Return what the table of queries of two runs shows, those that differ most first unless asked otherwise."""
    a, b = runs[:2]
    measure = measure_of(request, a, b)
    ordering, search = _wanted(request)
    table = read_query_table(a, b, measure)
    order = query_order(a, b, table, ordering=ordering, search=search)
    places: Any = order  # is cut like a list
    page = page_of(request, places, size=_ROWS)
    shared = shared_metrics(a, b)
    name = measure.metric.canonical_name
    names = shared if name in shared else [*shared, name]
    noise, noise_problem = _noise(request, a, b, measure)
    heads = (("value_a", a.name), ("value_b", b.name), *_HEADS)
    return {
        "a": a,
        "b": b,
        "metric": name,
        "k": measure.k,
        "summary": table.summary,
        "tag_differences": differences_by_tag(a, b, table),
        "has_range": has_range(measure.metric),
        "noise": noise,
        "noise_problem": noise_problem,
        "is_noise": noise is not None and noise.covers(table.summary.mean_delta),
        "is_same_configuration": is_same_configuration(a, b),
        "page": page,
        "query_rows": query_rows(a, b, table, [int(place) for place in page.rows]),
        "ordering": ordering,
        "search": search,
        "queries_metric_links": [(each, link(request, metric=each), each == name) for each in names],
        "most_first_url": link(request, ordering=DEFAULT_ORDERING),
        "file_url": link(request, file_format="csv"),
        "heads": [_head(request, ordering, column, label) for column, label in heads],
        "query_head": _head(request, ordering, "query", "Query"),
        "judges": visible_judges(request.user).order_by("name", "pk"),
        "can_judge": not a.is_locked and not b.is_locked,
        "side_query": f"?{urlencode({'metric': name})}",
        "decide_key": new_key(),
    }


def queries_file(request: PageRequest, runs: list[EvaluationRun]) -> StreamingHttpResponse:
    """Answer the queries that the address asks for as a file."""
    a, b = runs[:2]
    file_format = checked_format(TABLE_FORMATS, request.GET.get("file_format", "csv"))
    ordering, search = _wanted(request)
    table = read_query_table(a, b, measure_of(request, a, b))
    order = query_order(a, b, table, ordering=ordering, search=search)
    name = export_file_name(f"{a.name}-{b.name}", "comparison", file_format)
    return StreamingHttpResponse(
        export_table(a, b, table, order, file_format),
        content_type=file_format.content_type,
        headers={"Content-Disposition": f'attachment; filename="{name}"', "X-Content-Type-Options": "nosniff"},
    )


def _wanted(request: PageRequest) -> tuple[str, str]:
    ordering = request.GET.get("ordering", "")
    search = searched_for(request)
    return ordering if ordering in ORDERINGS else DEFAULT_ORDERING, search


def _noise(request: PageRequest, a: EvaluationRun, b: EvaluationRun, measure: Measure) -> tuple[Noise | None, str]:
    """Return the noise by the run that the address names, or why there is none to be told."""
    given = request.GET.get("noise", "")
    if not given:
        clone = repeated_run(a, b)
        return (read_noise(a, clone, measure) if clone else None), ""
    try:
        _, again = read_runs([a.pk, UUID(given)])
        check_comparable([a, again])
        return read_noise(a, again, measure), ""
    except ValueError:
        return None, "That is no run."
    except (Conflict, Invalid, NotFound) as error:
        return None, sentence(error.message)


def _head(request: PageRequest, ordering: str, name: str, label: str) -> Head:
    direction = "ascending" if ordering == name else "descending" if ordering == f"-{name}" else ""
    return Head(label, link(request, ordering=name if direction == "descending" else f"-{name}"), direction)
