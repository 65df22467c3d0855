"""Who acts, and what each role may do: Admin > Member > Rater. Every act checks its own actor here first.

Interfaces check, too, so as not to offer what is refused; the check in the act is the one that counts.
"""

from typing import Final, TypeAlias

from judging.foundation.errors import Forbidden
from judging.models import COMMAND_LINE, User


class System:
    """The actor of commands without --user and of migrations. It has every role and no row in the database."""

    __slots__ = ()
    pk: Final = None
    is_active: Final = True
    is_member: Final = True
    is_admin: Final = True

    def __str__(self) -> str:
        return COMMAND_LINE


SYSTEM: Final = System()
Actor: TypeAlias = User | System


def user_of(actor: Actor) -> User | None:
    """Return the value of `created_by` and similar columns: the user, None for SYSTEM."""
    return actor if isinstance(actor, User) else None


def require_account(actor: Actor) -> None:
    """Raise Forbidden unless the account is open, in any role: raters grade, and everyone has tokens."""
    if not _checked(actor).is_active:
        raise Forbidden("this account is closed")


def require_member(actor: Actor) -> None:
    """Raise Forbidden for raters, who may only see evaluation runs and grade."""
    require_account(actor)
    if not actor.is_member:
        raise Forbidden("raters see evaluation runs and judge; this is for members")


def require_admin(actor: Actor) -> None:
    """Raise Forbidden for all but admins."""
    require_account(actor)
    if not actor.is_admin:
        raise Forbidden("this is for admins")


def require_own(actor: Actor, user: User) -> None:
    """Raise Forbidden unless `actor` is `user` (a password, a token) or SYSTEM."""
    require_account(actor)
    if isinstance(actor, User) and actor.pk != user.pk:
        raise Forbidden("this is somebody else's")


def require_person(actor: User) -> None:
    """Raise Forbidden unless a person with an open account acts: a grade has an author, which SYSTEM can't be."""
    require_account(actor)
    if user_of(actor) is None:
        raise Forbidden("only people grade")


def _checked(actor: object) -> Actor:
    # None is what a forgotten argument looks like, and AnonymousUser a forgotten sign-in.
    if not isinstance(actor, User | System):
        raise TypeError(f"an act needs an actor, a user or SYSTEM, not {actor!r}")
    return actor
