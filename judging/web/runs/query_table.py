"""The queries of a run as its page shows them: searched, filtered, sorted, a page at a time, as a file."""

from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.http import HttpResponseBase
from django.views.decorators.http import require_GET

from judging.exports import checked_format
from judging.foundation.errors import Invalid
from judging.models import EvaluationRun
from judging.records.files.formats import QUERY_FORMATS
from judging.records.tagged import tags_of_run, wanted_tag
from judging.runs.query_export import export_by_tag, export_queries
from judging.runs.run_lists import count_without_results, coverage_shares, get_evaluation_run, run_queries
from judging.web.base import PageRequest, member_required, page_of, searched_for
from judging.web.files import download

_ROWS = 25


@dataclass(frozen=True, slots=True)
class QueryRow:
    # A RunQuery of `run_queries`.
    query: Any
    # (metric, value, coverage) in the order of the run's metrics.
    cells: list[tuple[str, float | None, float | None]]


@dataclass(frozen=True, slots=True)
class SortLink:
    """A column's head: where a click leads, and how the column is sorted now, "" if it isn't."""

    label: str
    url: str
    direction: str
    is_number: bool = True


@dataclass(frozen=True, slots=True)
class Wanted:
    """What an address asks for of a run's queries; worst first unless it names another order."""

    order: str
    search: str
    no_results: bool
    tag: str

    def query(self, **changes: str) -> str:
        """Return it as the query of an address, with other values."""
        values = {
            "order": self.order,
            "search": self.search,
            "tag": self.tag,
            "no_results": "true" if self.no_results else "",
        }
        return urlencode({name: value for name, value in (values | changes).items() if value})

    def sort_link(self, label: str, name: str, *, is_number: bool = True) -> SortLink:
        is_rising, is_falling = self.order == name, self.order == f"-{name}"
        direction = "ascending" if is_rising else "descending" if is_falling else ""
        return SortLink(label, f"?{self.query(order=f'-{name}' if is_rising else name)}", direction, is_number)


def queries_context(request: PageRequest, run: EvaluationRun) -> dict[str, Any]:
    """Return what the table of queries of a run shows."""
    # What grades make of a query is hidden from raters: they judge blind.
    metrics = run.metrics if request.user.is_member else []
    wanted = _wanted(request, run)
    page = page_of(request, _queries(run, wanted), size=_ROWS)
    rows = []
    for query in page.rows:
        coverage = coverage_shares(query)
        cells = [(name, query.metric_values.get(name), coverage.get(name)) for name in metrics]
        rows.append(QueryRow(query, cells))
    return {
        "run": run,
        "queries": page,
        "query_rows": rows,
        "wanted": wanted,
        "here_query": wanted.query(page=str(page.number)),
        "file_query": wanted.query(),
        "all_query": wanted.query(search="", no_results="", tag=""),
        "tag_link": f"?{wanted.query(tag='')}&",
        "tags": tags_of_run(run),
        "without_results": count_without_results(run),
        "toggle_query": wanted.query(no_results="" if wanted.no_results else "true"),
        "sort_query": wanted.sort_link("Query", "query", is_number=False),
        "sort_judged": wanted.sort_link("Judged", "judged_count"),
        "sort_metrics": [wanted.sort_link(name, name) for name in metrics],
    }


@require_GET
@member_required
def queries_export(request: PageRequest, run_id: UUID) -> HttpResponseBase:
    """Answer the queries that the address asks for as a file."""
    run = get_evaluation_run(run_id)
    file_format = checked_format(QUERY_FORMATS, request.GET.get("file_format", "csv"))
    if request.GET.get("by") == "tag":
        return download(export_by_tag(run, file_format), run.name, "tags", file_format)
    queries = _queries(run, _wanted(request, run))
    return download(export_queries(run, queries, file_format), run.name, "queries", file_format)


def _queries(run: EvaluationRun, wanted: Wanted) -> Any:
    no_results = wanted.no_results or None
    return run_queries(run, wanted.order, search=wanted.search, no_results=no_results, tag=wanted.tag)[0]


def _wanted(request: PageRequest, run: EvaluationRun) -> Wanted:
    order = request.GET.get("order", "")
    names = ["judged_count", *run.metrics] if request.user.is_member else []
    if order.removeprefix("-") not in {"position", "query", *names}:
        order = run.metrics[0] if run.metrics and names else "position"
    search = searched_for(request)
    tag = ""
    with suppress(Invalid):
        tag = wanted_tag(request.GET.get("tag", ""))
    return Wanted(order, search, request.GET.get("no_results") == "true", tag)
