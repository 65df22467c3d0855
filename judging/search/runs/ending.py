"""What follows the end of a search run. It may fail, and be run again."""

from uuid import UUID

from judging.ledger import refresh_run
from judging.models import SearchItem, SearchRun, SearchStatus


def finish_searching(run_id: UUID) -> None:
    """Store the latencies of an ended run, and give its candidates the grades that the corpus knows."""
    answered = SearchItem.objects.filter(
        search_run_id=run_id, status__in=(SearchStatus.ANSWERED, SearchStatus.EMPTY)
    ).order_by("latency_ms")
    count = answered.count()
    if count:
        p50, p95 = (
            answered.values_list("latency_ms", flat=True)[min(count - 1, int(count * share))] for share in (0.5, 0.95)
        )
        SearchRun.objects.filter(pk=run_id).update(latency_p50_ms=p50, latency_p95_ms=p95)
    refresh_run(run_id)
