"""How an evaluation run was executed: its counts, its searches, and their evidence."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db.models import QuerySet

from judging.engines.answers import Exchange
from judging.engines.curl import curl_line
from judging.foundation.errors import Invalid, NotFound
from judging.models import EvaluationRun, SearchExchange, SearchItem, SearchRun, SearchStatus
from judging.search.runs.evidence import body_of


@dataclass(frozen=True, slots=True)
class Evidence:
    """The exchanges of one search, oldest first, and a curl line of the last one, secrets as $VARIABLES."""

    item: SearchItem
    exchanges: list[SearchExchange]
    curl: str


def search_of_run(run: EvaluationRun) -> SearchRun | None:
    """Return how a run is executed, None for an imported one."""
    return SearchRun.objects.select_related("endpoint").filter(pk=run.pk).first()


def searches(run: EvaluationRun, status: str = "") -> QuerySet[SearchItem]:
    """Return the searches of a run in the order of its queries. Raise Invalid for an unknown status."""
    if status and status not in SearchStatus.values:
        raise Invalid("unknown status", errors={"status": [f"one of {', '.join(SearchStatus.values)}"]})
    rows = SearchItem.objects.filter(search_run_id=run.pk).select_related("run_query").order_by("pk")
    return rows.filter(status=status) if status else rows


def evidence_of(run: EvaluationRun, run_query_id: UUID) -> Evidence:
    """Return the evidence of one search. Raise NotFound."""
    item = (
        SearchItem.objects.filter(search_run_id=run.pk, run_query_id=run_query_id)
        .select_related("run_query", "search_run__endpoint")
        .first()
    )
    if item is None:
        raise NotFound("no such search")
    exchanges = list(item.exchanges.order_by("pk"))
    search = item.search_run
    verifies = search.endpoint is None or search.endpoint.tls_verify
    line = curl_line(_sent(exchanges[-1]), tls_verify=verifies) if exchanges else ""
    return Evidence(item, exchanges, line)


def shown_body(exchange: SearchExchange) -> str:
    """Return the body of an answer as text; what is no UTF-8 is replaced."""
    return body_of(exchange).decode("utf-8", errors="replace")


def failed_names(run: EvaluationRun, most: int = 5) -> Sequence[str]:
    """Return the texts of the first queries whose search failed."""
    failed = searches(run, SearchStatus.FAILED)
    return [text[:100] for text in failed.values_list("run_query__text", flat=True)[:most]]


def _sent(row: SearchExchange) -> Exchange:
    return Exchange(
        page=row.page,
        method=row.method,
        url=row.url,
        headers=row.request_headers,
        body=row.request_body,
        status=row.status,
        response_headers=row.response_headers,
        response_body=b"",
        is_truncated=row.is_truncated,
        latency_ms=row.latency_ms or 0,
        received_at=row.received_at,
    )
