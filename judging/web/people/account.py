"""One's own account: API tokens and password."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.db.models import F
from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST

from judging.foundation.errors import NotFound
from judging.models import ApiToken
from judging.people.accounts import change_password
from judging.people.tokens import create_token, revoke_token
from judging.web.base import PageRequest, errors_on, go_to, page_or_fragment, signed_in, tell_and_go, toast
from judging.web.people.forms import ChangePasswordForm, TokenForm

# Tokens of one person; the newest are the ones that matter.
_MOST_TOKENS = 200


@signed_in
def account(request: PageRequest) -> HttpResponse:
    return _account_page(request, TokenForm())


@require_POST
@signed_in
def create_account_token(request: PageRequest) -> HttpResponse:
    """Make a token and show its secret, in this answer only: it is stored nowhere, not even in the session."""
    form = TokenForm(request.POST)
    if form.is_valid():
        with errors_on(form):
            token, secret = create_token(actor=request.user, user=request.user, **form.values())
            return _account_page(request, TokenForm(), token=token, secret=secret)
    return _account_page(request, form)


@require_POST
@signed_in
def revoke_account_token(request: PageRequest, token_id: UUID) -> HttpResponse:
    token = ApiToken.objects.filter(pk=token_id, user=request.user).first()
    if token is None:
        raise NotFound("no such token")
    revoke_token(actor=request.user, token=token)
    toast(request, messages.SUCCESS, f"The token {token.name} stopped working.")
    if request.htmx:
        return _account_page(request, TokenForm())
    return go_to(request, "account")


@sensitive_post_parameters()
@signed_in
def password(request: PageRequest) -> HttpResponse:
    form = ChangePasswordForm(request.user, request.POST or None)
    if form.is_valid():
        with errors_on(form):
            change_password(actor=request.user, user=request.user, password=form.cleaned_data["password"])
            # This session goes on; the others end with the old password.
            update_session_auth_hash(request, request.user)
            return tell_and_go(request, "Your password is changed. Other sessions have ended.", "account")
    return render(request, "judging/people/password.html", {"form": form})


def _account_page(
    request: PageRequest, form: TokenForm, *, token: ApiToken | None = None, secret: str = ""
) -> HttpResponse:
    context: dict[str, Any] = {
        "form": form,
        "tokens": ApiToken.objects.filter(user=request.user).order_by(
            F("revoked_at").desc(nulls_first=True), "-created_at"
        )[:_MOST_TOKENS],
        "now": timezone.now(),
        "new_token": token,
        "secret": secret,
        "api_root": request.build_absolute_uri("/api/v1"),
    }
    return page_or_fragment(request, "judging/people/account.html", "judging/people/_tokens.html", context)
