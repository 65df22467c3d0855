"""What is open for a person to grade, for their first page."""

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from judging.review.team.open_runs import open_runs
from judging.web.base import PageRequest, go_to, signed_in, wants_fragment


@require_GET
@signed_in
def all_open_runs(request: PageRequest) -> HttpResponse:
    """List the runs with something left for the user; for members those alone where something is assigned to them."""
    if not wants_fragment(request):
        return go_to(request, "home")
    runs = [each for each in open_runs(request.user) if each.is_assigned or not request.user.is_member]
    return render(request, "judging/home/_open_runs.html", {"open_runs": runs})
