"""Keep the filter that the review grid shows under a name, and give it up."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_POST

from judging.foundation.errors import Conflict, Invalid
from judging.review.own_views import delete_view, save_view
from judging.web.base import PageRequest, errors_as_toast, go_back, member_required, toast


@require_POST
@member_required
def save_grid_view(request: PageRequest, run_id: UUID) -> HttpResponse:
    """Keep what the query string asks for."""
    with errors_as_toast(request, Conflict, Invalid, level=messages.WARNING):
        view = save_view(
            name=request.POST.get("name", ""), query=request.META.get("QUERY_STRING", ""), actor=request.user
        )
        toast(request, messages.SUCCESS, f"“{view.name}” is among your views of every run.")
    return go_back(request, reverse("review_grid", args=[run_id]))


@require_POST
@member_required
def delete_grid_view(request: PageRequest, run_id: UUID, view_id: UUID) -> HttpResponse:
    delete_view(view_id=view_id, actor=request.user)
    toast(request, messages.SUCCESS, "The view is deleted.")
    return go_back(request, reverse("review_grid", args=[run_id]))
