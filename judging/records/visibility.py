"""Who sees what. Corpora, evaluations and runs are the team's; providers and judges may be personal."""

from uuid import UUID

from django.db.models import Q, QuerySet

from judging.foundation.errors import Forbidden, NotFound
from judging.models import AIJudge, AIProvider
from judging.records.roles import Actor


def visible_providers(user: Actor) -> QuerySet[AIProvider]:
    """Return the AI providers that `user` may see and use."""
    return AIProvider.objects.filter(_visible(user))


def visible_judges(user: Actor, *, with_archived: bool = False) -> QuerySet[AIJudge]:
    """Return the AI judges that `user` may see and use; archived ones (deleted, but with runs) only when asked for."""
    judges = AIJudge.objects.filter(_visible(user))
    return judges if with_archived else judges.filter(archived_at=None)


def _visible(user: Actor) -> Q:
    if not user.is_active or not user.is_member:
        return Q(pk__in=[])
    if user.is_admin:
        return Q()
    return Q(shared=True) | Q(owner=user)


def get_provider(user: Actor, provider_id: UUID) -> AIProvider:
    """Return a provider that `user` sees. Raise NotFound: what is private to others does not exist."""
    provider = visible_providers(user).filter(pk=provider_id).first()
    if provider is None:
        raise NotFound("no such AI provider")
    return provider


def get_judge(user: Actor, judge_id: UUID) -> AIJudge:
    """Return an AI judge that `user` sees, archived or not. Raise NotFound."""
    judge = visible_judges(user, with_archived=True).filter(pk=judge_id).first()
    if judge is None:
        raise NotFound("no such AI judge")
    return judge


def may_change(user: Actor, thing: AIProvider | AIJudge) -> bool:
    """Tell whether `user` may change a provider or judge: its owner and admins, a shared one admins only."""
    return user.is_active and user.is_member and (user.is_admin or thing.owner_id == user.pk)


def check_may_change(user: Actor, thing: AIProvider | AIJudge) -> None:
    """Raise NotFound when `user` does not see it, Forbidden when it is seen but not theirs to change."""
    if may_change(user, thing):
        return
    if thing.shared and user.is_member:
        raise Forbidden(f"a shared {thing._meta.verbose_name} is changed by admins only")
    raise NotFound(f"no such {thing._meta.verbose_name}")
