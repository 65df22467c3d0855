"""The team, for admins: roles and invitation links."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST

from judging.foundation.errors import Invalid, NotFound
from judging.models import Invitation, Role
from judging.people.accounts import invite_member, revoke_invitation, update_member
from judging.people.members import members as team_members
from judging.web.base import (
    PageRequest,
    admin_required,
    errors_on,
    go_to,
    page_of,
    page_or_fragment,
    searched_for,
    toast,
)
from judging.web.people.forms import InviteForm, MemberForm


@admin_required
def members(request: PageRequest) -> HttpResponse:
    return render(request, "judging/people/members.html", _accounts(request) | _invitations(InviteForm()))


@require_POST
@admin_required
def change_member(request: PageRequest, member_id: UUID) -> HttpResponse:
    """Give a member another role, close the account or open it again."""
    form = MemberForm(request.POST)
    if not form.is_valid():
        raise Invalid("choose one of the roles offered")
    member = update_member(actor=request.user, member_id=member_id, **form.values())
    if not member.is_active:
        done = f"{member} can no longer sign in. What they judged stays."
    elif form.values()["is_active"]:
        done = f"{member} can sign in again."
    else:
        done = f"{member} is now {member.get_role_display()}."
    toast(request, messages.SUCCESS, done)
    if not request.htmx:
        return go_to(request, "members")
    return render(request, "judging/people/_member.html", {"member": member, "roles": Role.choices})


@require_POST
@admin_required
def invite(request: PageRequest) -> HttpResponse:
    """Make an invitation and show its link, in this answer only."""
    form = InviteForm(request.POST)
    context: dict[str, Any] = {}
    if form.is_valid():
        with errors_on(form):
            offer, secret = invite_member(actor=request.user, **form.cleaned_data)
            link = request.build_absolute_uri(reverse("invitation", args=[secret]))
            context = {"new_invitation": offer, "link": link}
            form = InviteForm()
    context |= _invitations(form)
    if not request.htmx:
        context |= _accounts(request)
    return page_or_fragment(request, "judging/people/members.html", "judging/people/_invitations.html", context)


@require_POST
@admin_required
def revoke_member_invitation(request: PageRequest, invitation_id: UUID) -> HttpResponse:
    offer = Invitation.objects.filter(pk=invitation_id).first()
    if offer is None:
        raise NotFound("no such invitation")
    revoke_invitation(actor=request.user, invitation=offer)
    toast(request, messages.SUCCESS, f"The link for {offer.email} stopped working.")
    if not request.htmx:
        return go_to(request, "members")
    return render(request, "judging/people/_invitations.html", _invitations(InviteForm()))


def _accounts(request: PageRequest) -> dict[str, Any]:
    search = searched_for(request)
    found = team_members(actor=request.user, search=search).order_by("-is_active", "email")
    return {"members": page_of(request, found), "search": search}


def _invitations(form: InviteForm) -> dict[str, Any]:
    waiting = Invitation.objects.filter(accepted_at=None).select_related("created_by").order_by("-created_at")
    return {"invite_form": form, "invitations": waiting[:100], "now": timezone.now(), "roles": Role.choices}
