"""The audit list, for admins: who did what, newest first, narrowed to a person, an act or a thing."""

from uuid import UUID

from django.db.models import Q, QuerySet

from judging.foundation.errors import Invalid
from judging.foundation.validation import check_search
from judging.models import AuditEvent
from judging.records.roles import Actor, require_admin

# What events of no member are found under.
COMMAND_LINE_KEY = "command-line"


def audit_events(*, actor: Actor, by: str = "", action: str = "", search: str = "") -> QuerySet[AuditEvent]:
    """Return the events, newest first. `by`: a member's id, or "command-line". Raise Forbidden or Invalid.

    `search`: part of the thing's name, or its id.
    """
    require_admin(actor)
    check_search(action, field="action")
    check_search(search)
    events = AuditEvent.objects.select_related("actor").order_by("-id")
    if by:
        events = events.filter(actor=None if by == COMMAND_LINE_KEY else _member_id(by))
    if action:
        events = events.filter(action=action)
    if search:
        events = events.filter(Q(subject_name__icontains=search) | Q(subject_id=search))
    return events


def audited_actions() -> list[str]:
    """Return the acts that have an event, in the order of the alphabet."""
    return list(AuditEvent.objects.order_by("action").values_list("action", flat=True).distinct())


def _member_id(by: str) -> UUID:
    try:
        return UUID(by)
    except ValueError:
        raise Invalid("a member's id is needed", errors={"by": ["Give a member's id, or command-line."]}) from None
