"""People: accounts, invitations, roles, tokens."""

import io
from datetime import timedelta
from unittest.mock import patch

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from judging.foundation.errors import Conflict, Invalid, NotFound
from judging.models import ApiToken, AuditEvent, Invitation, Role, User, hash_secret
from judging.people.accounts import (
    accept_invitation,
    change_password,
    create_user,
    deactivate_member,
    find_invitation,
    invite_member,
    revoke_invitation,
    update_member,
)
from judging.people.tokens import authenticate_token, create_token, revoke_token
from judging.records.audit import record_event
from judging.records.roles import SYSTEM
from tests.factories import make_provider, make_user

PASSWORD = "a-long-Passw0rd"


@pytest.mark.on_both
@pytest.mark.django_db
def test_an_account_signs_in_with_its_address_in_any_case() -> None:
    user = create_user(actor=SYSTEM, email=" Ann@Example.COM ", password=PASSWORD, role=Role.RATER, name=" Ann ")
    stored = User.objects.get_by_natural_key("ANN@example.com")
    assert (stored.pk, stored.email, stored.name, stored.role) == (user.pk, "ann@example.com", "Ann", "rater")
    assert stored.check_password(PASSWORD)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"email": "no address"}, "email"),
        ({"email": "ann@example.com"}, "email"),
        ({"email": ""}, "email"),
        ({"email": "a\0@example.com"}, "email"),
        ({"password": "12345678"}, "password"),
        ({"password": ""}, "password"),
        ({"password": "aB3" * 1000}, "password"),
        ({"role": "owner"}, "role"),
        ({"name": "x" * 201}, "name"),
        ({"name": "a\0b"}, "name"),
    ],
)
def test_an_account_that_cannot_be_is_refused_and_the_field_is_named(fields: dict[str, str], field: str) -> None:
    make_user(email="ann@example.com")
    with pytest.raises(Invalid) as refused:
        create_user(actor=SYSTEM, **{"email": "bob@example.com", "password": PASSWORD, **fields})
    assert field in refused.value.errors
    assert User.objects.count() == 1


@pytest.mark.on_both
def test_a_link_makes_one_account_of_the_role_it_offers(admin: User) -> None:
    invitation, secret = invite_member(actor=admin, email="New@example.com", role=Role.RATER)
    assert secret not in str(Invitation.objects.values().get())
    assert find_invitation(secret) == invitation
    with pytest.raises(Invalid):
        accept_invitation(secret=secret, password="short")
    user = accept_invitation(secret=secret, password=PASSWORD, name="New")
    assert (user.email, user.role, user.name) == ("new@example.com", "rater", "New")
    with pytest.raises(NotFound):
        accept_invitation(secret=secret, password=PASSWORD)


def test_a_link_that_expired_was_revoked_or_replaced_makes_no_account(admin: User) -> None:
    _, first = invite_member(actor=admin, email="new@example.com", role=Role.MEMBER)
    invitation, second = invite_member(actor=admin, email="new@example.com", role=Role.MEMBER)
    Invitation.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    _, third = invite_member(actor=admin, email="other@example.com", role=Role.MEMBER)
    revoke_invitation(actor=admin, invitation=Invitation.objects.get(email="other@example.com"))
    for secret in (first, second, third, ""):
        with pytest.raises(NotFound):
            accept_invitation(secret=secret, password=PASSWORD)
    assert User.objects.count() == 1
    Invitation.objects.filter(pk=invitation.pk).update(accepted_at=timezone.now())
    with pytest.raises(Conflict):
        revoke_invitation(actor=admin, invitation=invitation)


@pytest.mark.on_both
def test_an_address_with_an_account_is_not_invited(admin: User, member: User) -> None:
    with pytest.raises(Invalid) as refused:
        invite_member(actor=admin, email=member.email.upper(), role=Role.MEMBER)
    assert "email" in refused.value.errors


@pytest.mark.on_both
def test_the_last_active_admin_stays_admin(admin: User, member: User) -> None:
    make_user(Role.ADMIN, is_active=False)
    with pytest.raises(Conflict) as refused:
        update_member(actor=admin, member_id=admin.pk, role=Role.MEMBER)
    assert refused.value.code == "last_admin"
    with pytest.raises(Conflict):
        deactivate_member(actor=admin, member_id=admin.pk)
    update_member(actor=admin, member_id=member.pk, role=Role.ADMIN)
    update_member(actor=admin, member_id=admin.pk, role=Role.MEMBER)
    assert list(User.objects.filter(role=Role.ADMIN, is_active=True)) == [member]


@pytest.mark.on_both
def test_changes_of_members_are_written_down_and_checked(admin: User, member: User) -> None:
    update_member(actor=admin, member_id=member.pk, name="Ann", role=Role.RATER)
    update_member(actor=admin, member_id=member.pk, name="Ann")
    event = AuditEvent.objects.get(action="member_changed")
    assert (event.actor, event.subject_type, event.subject_id) == (admin, "user", str(member.pk))
    assert event.detail == {"role": ["member", "rater"], "name": ["", "Ann"]}
    with pytest.raises(Invalid):
        update_member(actor=admin, member_id=member.pk, role="owner")


def test_an_event_names_its_subject_as_others_know_it(admin: User) -> None:
    record_event(actor=admin, action="looked_at", subject=make_provider(name="x" * 200))
    event = AuditEvent.objects.get()
    assert (event.subject_type, event.subject_name) == ("ai_provider", "x" * 200)


@pytest.mark.on_both
def test_a_token_is_kept_as_a_hash_and_opens_until_it_is_revoked(member: User) -> None:
    token, secret = create_token(actor=member, user=member, name=" CI ")
    assert secret.startswith("rlv_")
    stored = ApiToken.objects.get()
    assert (stored.name, stored.prefix, stored.token_hash) == ("CI", secret[:12], hash_secret(secret))
    assert authenticate_token(secret) == token
    assert authenticate_token(secret + "x") is None
    revoke_token(actor=member, token=token)
    revoked_at = ApiToken.objects.get().revoked_at
    revoke_token(actor=member, token=token)
    assert ApiToken.objects.get().revoked_at == revoked_at
    assert authenticate_token(secret) is None


def test_tokens_without_a_name_or_a_future_are_refused(member: User) -> None:
    for fields in ({"name": " "}, {"name": "x" * 101}, {"name": "x", "expires_at": timezone.now()}):
        with pytest.raises(Invalid):
            create_token(actor=member, user=member, **fields)
    assert not ApiToken.objects.exists()


def test_a_new_password_is_checked_like_the_first(member: User) -> None:
    with pytest.raises(Invalid):
        change_password(actor=member, user=member, password="1")
    change_password(actor=member, user=member, password=PASSWORD)
    assert User.objects.get().check_password(PASSWORD)


@pytest.mark.django_db
def test_the_commands_make_a_user_and_print_a_token_alone() -> None:
    with patch("sys.stdin", io.StringIO(f"{PASSWORD}\n")):
        call_command("create_user", "ann@example.com", "--role", "admin", "--name", "Ann", stdout=io.StringIO())
    user = User.objects.get()
    assert user.is_admin
    assert user.check_password(PASSWORD)
    out = io.StringIO()
    call_command("create_token", "--user", "ANN@example.com", "--name", "CI", stdout=out)
    assert authenticate_token(out.getvalue().removesuffix("\n")) is not None
    with pytest.raises(CommandError, match="e-mail address exists"):
        call_command("create_user", "ann@example.com", "--password", PASSWORD)
    with pytest.raises(CommandError, match="no active user"):
        call_command("create_token", "--user", "nobody@example.com", "--name", "CI")


def test_what_the_command_line_does_is_listed_as_the_command_line_s(db: None) -> None:
    user = create_user(actor=SYSTEM, email="first@example.com", password=PASSWORD, role=Role.ADMIN)
    event = AuditEvent.objects.get()
    assert (event.actor, event.actor_name, event.subject_id) == (None, "the command line", str(user.pk))
    update_member(actor=user, member_id=make_user().pk, role=Role.RATER)
    assert AuditEvent.objects.first().actor_name == str(user)
