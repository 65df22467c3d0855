"""The accounts, for admins."""

from django.db.models import Q, QuerySet

from judging.foundation.validation import check_search
from judging.models import User
from judging.records.roles import Actor, require_admin


def members(*, actor: Actor, search: str = "") -> QuerySet[User]:
    """Return the accounts, or those that have `search` in their name or e-mail address. Raise Forbidden or Invalid."""
    require_admin(actor)
    check_search(search)
    return User.objects.filter(Q(email__icontains=search) | Q(name__icontains=search)) if search else User.objects.all()
