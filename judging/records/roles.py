"""Who acts, and what each role may do: Admin > Member > Rater. Every act asks here, of its own actor, before all else.

Interfaces ask, too, so that a page is not drawn for nothing; what holds is said here.
"""

from typing import Final, TypeAlias

from judging.foundation.errors import Forbidden
from judging.models import COMMAND_LINE, User


class System:
    """The actor of what nobody in particular does: commands without --user, migrations. It has every role and no row."""

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
    """Return what `created_by` and the like hold of an actor: the user, None for SYSTEM."""
    return actor if isinstance(actor, User) else None


def require_account(actor: Actor) -> None:
    """Raise Forbidden unless the account is open, whatever its role: raters grade, and everyone has tokens."""
    if not _checked(actor).is_active:
        raise Forbidden("this account is closed")


def require_member(actor: Actor) -> None:
    """Raise Forbidden for raters, who see evaluation runs and judge, nothing else."""
    require_account(actor)
    if not actor.is_member:
        raise Forbidden("raters see evaluation runs and judge; this is for members")


def require_admin(actor: Actor) -> None:
    """Raise Forbidden for all but admins."""
    require_account(actor)
    if not actor.is_admin:
        raise Forbidden("this is for admins")


def require_oneself(actor: Actor, user: User) -> None:
    """Raise Forbidden unless it is the user's own act: a password, a token. SYSTEM acts for everybody."""
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
