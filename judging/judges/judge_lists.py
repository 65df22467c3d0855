"""AI providers and judges as pages list them."""

from collections.abc import Sequence
from typing import Any

from django.db.models import Count, IntegerField, OuterRef, QuerySet, Subquery

from judging.local_judge.server import MODEL as LOCAL_MODEL
from judging.models import AIJudge, AIProvider, JudgingRun, ProviderType, User
from judging.providers.registry import PROVIDER_TYPES
from judging.records.visibility import visible_judges, visible_providers

_MOST_MODELS = 50


def provider_list(user: User) -> QuerySet[AIProvider]:
    """Return the providers that `user` sees, each with its owner and `judge_count`, the judges that use it now."""
    judges = AIJudge.objects.filter(ai_provider=OuterRef("pk"), archived_at=None)
    return (
        visible_providers(user)
        .select_related("owner")
        .annotate(judge_count=_count(judges, "ai_provider"))
        .order_by("name", "pk")
    )


def judge_list(user: User) -> QuerySet[AIJudge]:
    """Return the judges that `user` sees, each with provider, owner and `run_count`, the judging runs it made."""
    runs = JudgingRun.objects.filter(judge_version__judge=OuterRef("pk"))
    return (
        visible_judges(user)
        .select_related("ai_provider", "owner")
        .annotate(run_count=_count(runs, "judge_version__judge"))
        .order_by("name", "pk")
    )


def offered_models(user: User, provider: AIProvider) -> list[str]:
    """Return names of models to offer for a provider: those of the judges with it that `user` sees, then known ones."""
    used = visible_judges(user).filter(ai_provider=provider).order_by("model").values_list("model", flat=True)
    known = known_models(provider.type, provider.listed_models)
    return list(dict.fromkeys([*used.distinct()[:_MOST_MODELS], *known]))


def known_models(provider_type: str, listed: Sequence[str] = ()) -> list[str]:
    """Return names of models without asking anyone: those that a service listed last, or that its type is known for."""
    if provider_type == ProviderType.LOCAL:
        return [LOCAL_MODEL]
    known = PROVIDER_TYPES.get(provider_type)
    return list(listed or (known.models if known else ()))


def _count(rows: QuerySet[Any], group: str) -> Any:
    counted = rows.order_by().values(group).annotate(count=Count("pk")).values("count")
    return Subquery(counted, output_field=IntegerField())
