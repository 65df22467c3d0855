"""Sign in, and accept an invitation."""

from django.contrib.auth import login
from django.contrib.auth.views import LoginView
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.debug import sensitive_post_parameters

from judging.people.accounts import accept_invitation, find_invitation
from judging.web.base import PageRequest, errors_on, public_page
from judging.web.people.forms import AcceptInvitationForm, SignInForm

sign_in = LoginView.as_view(authentication_form=SignInForm, redirect_authenticated_user=True)


@sensitive_post_parameters("password")
@public_page
def invitation(request: PageRequest, secret: str) -> HttpResponse:
    """Make the account that an invitation link offers, and sign in with it."""
    offer = find_invitation(secret)
    form = AcceptInvitationForm(request.POST or None)
    if form.is_valid():
        with errors_on(form):
            user = accept_invitation(secret=secret, **form.cleaned_data)
            # Axes comes first among the backends and authenticates nobody.
            login(request, user, backend="django.contrib.auth.backends.ModelBackend")
            return redirect("home")
    return render(request, "registration/invitation.html", {"offer": offer, "form": form})
