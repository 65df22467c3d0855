"""Find things by their names: the dialog that Ctrl+K opens on any page, and the page for browsers without scripts."""

from django.http import HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_safe

from judging.operations.finding import found_things
from judging.web.base import PageRequest, page_or_fragment, searched_for, signed_in


@require_safe
@signed_in
def find(request: PageRequest) -> HttpResponse:
    """Show what was found; to htmx, the list alone."""
    text = searched_for(request, "q")
    # A kind is named like the route of its page.
    found = [(thing, reverse(thing.kind, args=[thing.id])) for thing in found_things(text, request.user)]
    context = {"text": text, "found": found}
    return page_or_fragment(request, "judging/operations/find.html", "judging/operations/_found.html", context)
