"""Forms about people: signing in, passwords, tokens, members. What they take is checked again by the services."""

from datetime import timedelta
from typing import Any

from django import forms
from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.password_validation import password_validators_help_texts
from django.utils import timezone

from judging.foundation.limits import MAX_EMAIL, MAX_NAME, MAX_PASSWORD, MAX_TOKEN_NAME
from judging.models import Role, User

_EXPIRIES = {"30": "30 days", "90": "90 days", "365": "One year", "never": "Ever"}


def _new_password(label: str) -> forms.CharField:
    return forms.CharField(
        label=label,
        strip=False,
        max_length=MAX_PASSWORD,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text=" ".join(password_validators_help_texts()[1:2]),
    )


class SignInForm(AuthenticationForm):
    """Django's own, with an e-mail address as the name."""

    error_messages = {
        "invalid_login": "This e-mail address and password do not go together. Capitals count in the password.",
        "inactive": "This account is closed.",
    }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["username"] = forms.EmailField(
            label="E-mail", widget=forms.EmailInput(attrs={"autocomplete": "username", "autofocus": True})
        )

    def clean_username(self) -> str:
        # Failed attempts are counted by name: other capitals must not give another ten.
        return str(self.cleaned_data["username"]).strip().lower()


class AcceptInvitationForm(forms.Form):
    name = forms.CharField(
        label="Your name",
        max_length=MAX_NAME,
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
        help_text="Shown beside your grades.",
    )
    password = _new_password("Password")


class ChangePasswordForm(forms.Form):
    current = forms.CharField(
        label="Current password",
        strip=False,
        max_length=MAX_PASSWORD,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )
    password = _new_password("New password")

    def __init__(self, user: User, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user = user

    def clean_current(self) -> str:
        current: str = self.cleaned_data["current"]
        if not self.user.check_password(current):
            raise forms.ValidationError("This is not your current password.")
        return current


class TokenForm(forms.Form):
    name = forms.CharField(
        label="Name",
        max_length=MAX_TOKEN_NAME,
        widget=forms.TextInput(attrs={"placeholder": "nightly evaluation in CI", "autocomplete": "off"}),
    )
    expires_in = forms.ChoiceField(label="Works for", choices=list(_EXPIRIES.items()), initial="90")

    def values(self) -> dict[str, Any]:
        """Return the arguments of `create_token`."""
        days = self.cleaned_data["expires_in"]
        expires_at = None if days == "never" else timezone.now() + timedelta(days=int(days))
        return {"name": self.cleaned_data["name"], "expires_at": expires_at}


class InviteForm(forms.Form):
    email = forms.EmailField(
        label="E-mail", max_length=MAX_EMAIL, widget=forms.EmailInput(attrs={"autocomplete": "off"})
    )
    role = forms.ChoiceField(label="Role", choices=Role.choices, initial=Role.MEMBER)


class MemberForm(forms.Form):
    """What an admin changes of an account; what is not sent stays as it is."""

    role = forms.ChoiceField(choices=Role.choices, required=False)
    is_active = forms.TypedChoiceField(
        choices=[("1", "active"), ("0", "closed")], coerce=lambda given: given == "1", empty_value=None, required=False
    )

    def values(self) -> dict[str, Any]:
        """Return the arguments of `update_member`."""
        return {"role": self.cleaned_data["role"] or None, "is_active": self.cleaned_data["is_active"]}
