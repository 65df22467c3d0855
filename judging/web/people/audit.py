"""The audit list, for admins: filters, and links to what is still there."""

from collections import defaultdict
from collections.abc import Iterable

from django.apps import apps
from django.core.exceptions import ValidationError
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_GET

from judging.foundation.errors import Invalid
from judging.models import AuditEvent, User
from judging.people.audit_lists import COMMAND_LINE_KEY, audit_events, audited_actions
from judging.web.base import PageRequest, admin_required, page_of, searched_for

# What an event's thing is called, its model and the name of its page.
_PAGES = {
    "ai_judge": ("AIJudge", "ai_judge"),
    "ai_provider": ("AIProvider", "ai_provider"),
    "batch_execution": ("BatchExecution", "batch"),
    "certificate": ("Certificate", "certificate"),
    "check_sample": ("CheckSample", "check_sample"),
    "evaluation": ("Evaluation", "evaluation"),
    "evaluation_run": ("EvaluationRun", "evaluation_run"),
    "evaluator": ("Evaluator", "evaluator"),
    "golden_set": ("GoldenSet", "golden_set"),
    "judging_run": ("JudgingRun", "judging_run"),
    "query_set": ("SearchQuerySet", "query_set"),
    "query_template": ("QueryTemplate", "query_template"),
    "response_judge": ("ResponseJudge", "response_judge"),
    "search_endpoint": ("SearchEndpoint", "search_endpoint"),
}


@require_GET
@admin_required
def audit(request: PageRequest) -> HttpResponse:
    """List who locked, unlocked, imported, deleted, cancelled, and who changed the team, newest first."""
    asked = {name: searched_for(request, name) for name in ("by", "action", "search")}
    problem = ""
    try:
        events = page_of(request, audit_events(actor=request.user, **asked))
    except Invalid as error:
        problem, events = error.message, page_of(request, AuditEvent.objects.none())
    addresses = _addresses(events.rows)
    context = {
        "events": events,
        "entries": [(event, addresses.get((event.subject_type, event.subject_id), "")) for event in events.rows],
        "asked": asked,
        "is_narrowed": any(asked.values()),
        "problem": problem,
        "people": [(str(user.pk), str(user)) for user in User.objects.order_by("email")[:500]],
        "command_line": COMMAND_LINE_KEY,
        "actions": audited_actions(),
    }
    return render(request, "judging/people/audit.html", context)


def _addresses(events: Iterable[AuditEvent]) -> dict[tuple[str, str], str]:
    """Return the addresses of the things that are still there, by type and id: a query for each type of thing."""
    ids: dict[str, set[str]] = defaultdict(set)
    for event in events:
        if event.subject_type in _PAGES:
            ids[event.subject_type].add(event.subject_id)
    found: dict[tuple[str, str], str] = {}
    for subject_type, wanted in ids.items():
        model, page = _PAGES[subject_type]
        try:
            there = list(
                apps.get_model("judging", model)._default_manager.filter(pk__in=wanted).values_list("pk", flat=True)
            )
        except (ValidationError, ValueError):
            continue
        found |= {(subject_type, str(pk)): reverse(page, args=[pk]) for pk in there}
    return found
