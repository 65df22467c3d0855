"""Two batches of the same inputs beside each other."""

from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from judging.foundation.errors import Conflict, NotFound
from judging.responses.results.comparison import CLOSE, comparable_batches, compare_batches
from judging.responses.results.execution_reads import get_batch
from judging.web.base import PageRequest, member_required, page_of, sentence


@require_safe
@member_required
def compare_batch(request: PageRequest, batch_id: UUID) -> HttpResponse:
    """Compare a batch with the one that `?with=` names; without one, offer some."""
    found = get_batch(batch_id)
    context: dict[str, Any] = {"batch": found, "offered": comparable_batches(found), "close": CLOSE}
    if wanted := request.GET.get("with", ""):
        other = _other(wanted)
        context["other"] = other
        try:
            comparison = compare_batches(found, other)
            context |= {"comparison": comparison, "page": page_of(request, comparison.scores)}
        except Conflict as refused:
            context["refused"] = sentence(refused.message)
    return render(request, "judging/responses/compare.html", context)


def _other(wanted: str) -> Any:
    try:
        return get_batch(UUID(wanted))
    except ValueError:
        raise NotFound("no such batch execution") from None
