"""People: accounts, invitations, roles, and the passwords that open them."""

from uuid import UUID

from django.contrib.auth import SESSION_KEY
from django.contrib.auth.password_validation import validate_password
from django.contrib.sessions.models import Session
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils import timezone

from judging.foundation.errors import Conflict, NotFound
from judging.foundation.limits import INVITATION_LASTS, MAX_PASSWORD
from judging.foundation.validation import clean, raise_if_any
from judging.models import ApiToken, Assignment, Invitation, Role, User, hash_secret, new_secret
from judging.records.audit import record_event
from judging.records.roles import Actor, require_admin, require_own


def create_user(*, actor: Actor, email: str, password: str, role: str = Role.MEMBER, name: str = "") -> User:
    """Make an account that can sign in with `email` and `password`. Raise Forbidden, Invalid (an address taken, too)."""
    require_admin(actor)
    return _create_user(actor, email=email, password=password, role=role, name=name)


def _create_user(actor: Actor, *, email: str, password: str, role: str, name: str) -> User:
    user = User(email=User.objects.normalize_email(email).strip().lower(), role=role, name=name.strip())
    clean(user, exclude=["password", "last_login"], errors=_password_problems(password, user))
    _check_no_account(user.email)
    user.set_password(password)
    try:
        with transaction.atomic():
            user.save(force_insert=True)
            record_event(actor=actor, action="member_added", subject=user, detail={"role": role})
    except IntegrityError:
        # Two requests with one address at the same moment.
        _check_no_account(user.email)
        raise
    return user


def change_password(*, actor: Actor, user: User, password: str) -> None:
    """Give a user a new password. Sessions elsewhere end. Raise Forbidden (it is somebody else's) or Invalid."""
    require_own(actor, user)
    raise_if_any(_password_problems(password, user))
    user.set_password(password)
    user.save(update_fields=["password"])


def invite_member(*, actor: User, email: str, role: str = Role.MEMBER) -> tuple[Invitation, str]:
    """Make an invitation; return it with the secret of its link, which is shown once and kept as a hash only.

    An earlier invitation of the same address that was not accepted stops working. Raise Forbidden or Invalid.
    """
    require_admin(actor)
    secret = new_secret("")
    invitation = Invitation(
        email=email.strip().lower(),
        role=role,
        token_hash=hash_secret(secret),
        created_by=actor,
        expires_at=timezone.now() + INVITATION_LASTS,
    )
    clean(invitation, exclude=["token_hash"])
    _check_no_account(invitation.email)
    with transaction.atomic():
        Invitation.objects.filter(email=invitation.email, accepted_at=None).delete()
        invitation.save(force_insert=True)
        record_event(actor=actor, action="member_invited", subject=invitation, detail={"role": role})
    return invitation, secret


def find_invitation(secret: str) -> Invitation:
    """Return the invitation that a link stands for. Raise NotFound when it is unknown, used or expired."""
    invitation = Invitation.objects.filter(
        token_hash=hash_secret(secret), accepted_at=None, expires_at__gt=timezone.now()
    ).first()
    if invitation is None:
        raise NotFound("this invitation is unknown, was used, or has expired")
    return invitation


def accept_invitation(*, secret: str, password: str, name: str = "") -> User:
    """Make the account that an invitation offers; a link makes one account. Raise NotFound or Invalid.

    The link is enough: the invitation's maker let them in, even if that account has changed since.
    """
    invitation = find_invitation(secret)
    with transaction.atomic():
        if not Invitation.objects.filter(pk=invitation.pk, accepted_at=None).update(accepted_at=timezone.now()):
            raise NotFound("this invitation is unknown, was used, or has expired")
        return _create_user(
            invitation.created_by, email=invitation.email, password=password, role=invitation.role, name=name
        )


def revoke_invitation(*, actor: Actor, invitation: Invitation) -> None:
    """Make an invitation's link stop working. Raise Forbidden or Conflict (already_accepted)."""
    require_admin(actor)
    with transaction.atomic():
        deleted, _ = Invitation.objects.filter(pk=invitation.pk, accepted_at=None).delete()
        if not deleted:
            raise Conflict("the invitation was accepted already", code="already_accepted")
        record_event(actor=actor, action="invitation_revoked", subject=invitation)


def update_member(
    *, actor: Actor, member_id: UUID, role: str | None = None, is_active: bool | None = None, name: str | None = None
) -> User:
    """Change what an admin may change of an account; None leaves as it is.

    A deactivated account can't sign in, its sessions end, its tokens are revoked and its assignments given back, for
    good: who is let in again signs in again. Its judgments stay. Raise Forbidden, NotFound, Invalid, or Conflict (last_admin).
    """
    require_admin(actor)
    with transaction.atomic():
        # All admins are locked, in one order: two admins who demote each other must not both succeed.
        list(User.objects.select_for_update(no_key=True).filter(Q(role=Role.ADMIN) | Q(pk=member_id)).order_by("pk"))
        member = User.objects.filter(pk=member_id).first()
        if member is None:
            raise NotFound("no such member")
        before = {"role": member.role, "is_active": member.is_active, "name": member.name}
        member.role = member.role if role is None else role
        member.is_active = member.is_active if is_active is None else is_active
        member.name = member.name if name is None else name.strip()
        clean(member, exclude=["password", "last_login", "email"])
        after = {"role": member.role, "is_active": member.is_active, "name": member.name}
        others = User.objects.filter(role=Role.ADMIN, is_active=True).exclude(pk=member_id)
        stays_admin = member.role == Role.ADMIN and member.is_active
        if before["role"] == Role.ADMIN and before["is_active"] and not stays_admin and not others.exists():
            raise Conflict("this is the last admin; make someone else an admin first", code="last_admin")
        changes = {field: [before[field], after[field]] for field in after if before[field] != after[field]}
        if changes:
            member.save(update_fields=list(changes))
            record_event(actor=actor, action="member_changed", subject=member, detail=changes)
        if not member.is_active:
            _end_access(member)
    return member


def _end_access(user: User) -> None:
    ApiToken.objects.filter(user=user, revoked_at=None).update(revoked_at=timezone.now())
    Assignment.objects.filter(user=user).delete()
    # A session names its user inside its signed data alone.
    for session in Session.objects.filter(expire_date__gt=timezone.now()).iterator():
        if session.get_decoded().get(SESSION_KEY) == str(user.pk):
            session.delete()


def deactivate_member(*, actor: Actor, member_id: UUID) -> User:
    """Close an account; what its owner judged stays. Raise NotFound or Conflict (last_admin)."""
    return update_member(actor=actor, member_id=member_id, is_active=False)


def _check_no_account(email: str) -> None:
    if User.objects.filter(email=email).exists():
        raise_if_any({"email": ["An account with this e-mail address exists."]})


def _password_problems(password: str, user: User) -> dict[str, list[str]]:
    try:
        validate_password(password, user)
    except ValidationError as error:
        return {"password": list(error.messages)}
    if len(password) > MAX_PASSWORD or "\0" in password:
        # The hasher would spend its time on it.
        return {"password": ["This password is too long."]}
    return {}
