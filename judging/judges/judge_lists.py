"""AI providers and judges as pages list them."""

from typing import Any

from django.db.models import Count, IntegerField, OuterRef, QuerySet, Subquery

from judging.models import AIJudge, AIProvider, JudgingRun, User
from judging.records.visibility import visible_judges, visible_providers


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


def known_models(user: User) -> list[str]:
    """Return the models that the judges which `user` sees are made with, for suggestions."""
    models = visible_judges(user).order_by("model").values_list("model", flat=True).distinct()
    return list(models[:50])


def _count(rows: QuerySet[Any], group: str) -> Any:
    counted = rows.order_by().values(group).annotate(count=Count("pk")).values("count")
    return Subquery(counted, output_field=IntegerField())
