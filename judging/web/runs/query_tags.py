"""Tags of a run's queries on its page: given to the chosen ones, taken from them, and the metrics by tag."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.views.decorators.http import require_POST
from django_htmx.http import trigger_client_event

from judging.foundation.errors import Invalid
from judging.foundation.limits import MIN_TAG_QUERIES
from judging.models import EvaluationRun
from judging.runs.query_tags import change_query_tags
from judging.runs.run_lists import get_evaluation_run
from judging.runs.tag_metrics import metrics_by_tag
from judging.web.base import PageRequest, go_to, member_required, toast

# Of larger runs the page comes first, and this after it.
_AT_ONCE = 1000


@require_POST
@member_required
def tag_queries(request: PageRequest, run_id: UUID) -> HttpResponse:
    """Add tags to the chosen queries, or take them away; what shows them renews itself."""
    run = get_evaluation_run(run_id)
    chosen, tags = request.POST.getlist("query_id"), request.POST.get("tags", "")
    if not chosen:
        raise Invalid("Choose the queries to tag.")
    if not tags.strip():
        raise Invalid("Type a tag.")
    is_removal = request.POST.get("act") == "remove"
    changed = change_query_tags(
        run=run,
        actor=request.user,
        run_query_ids=[_query_id(each) for each in chosen],
        **{"remove" if is_removal else "add": tags},
    )
    queries = "1 query has" if changed == 1 else f"{changed:,} queries have"
    toast(request, messages.SUCCESS, f"{queries} other tags now.")
    if not request.htmx:
        return go_to(request, "evaluation_run", run.pk)
    return trigger_client_event(HttpResponse(status=204), "releval:tags-changed")


def by_tag_context(run: EvaluationRun, *, is_part: bool = False) -> dict[str, Any]:
    """Return what the table of metrics by tag shows; of a large run nothing until it is asked for as a part."""
    is_later = not is_part and run.query_count > _AT_ONCE
    by_tag = None if is_later else metrics_by_tag(run)
    rows = [
        (each, [(name, each.metric_values[name], each.coverage_values[name]) for name in run.metrics])
        for each in (by_tag.tags if by_tag else [])
    ]
    return {"run": run, "by_tag": by_tag, "tag_rows": rows, "small_below": MIN_TAG_QUERIES}


def _query_id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise Invalid("Choose the queries to tag.") from None
