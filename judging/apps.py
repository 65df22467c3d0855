from typing import Any

from django.apps import AppConfig
from django.apps import apps as registry
from django.db.models.signals import post_migrate


class JudgingConfig(AppConfig):
    name = "judging"
    verbose_name = "Releval"

    def ready(self) -> None:
        from judging import checks  # noqa: F401  (registers the system checks)
        from judging.kinds import KINDS
        from judging.work import kind

        kind.register(KINDS)

        post_migrate.connect(_ensure_presets, sender=self, dispatch_uid="releval-presets")


def _ensure_presets(apps: Any = registry, **kwargs: Any) -> None:
    from judging.models import Evaluator, EvaluatorReference, EvaluatorVersion, ResponseJudge, ResponseJudgeVersion
    from judging.records.roles import SYSTEM
    from judging.responses.preset_rows import ensure_presets

    # Migrating back, or only half the way, leaves other tables than the code knows.
    columns = {
        model._meta.db_table: {field.column for field in model._meta.concrete_fields} for model in apps.get_models()
    }
    needed = (Evaluator, EvaluatorReference, EvaluatorVersion, ResponseJudge, ResponseJudgeVersion)
    if all(columns.get(m._meta.db_table) == {field.column for field in m._meta.concrete_fields} for m in needed):
        ensure_presets(actor=SYSTEM)
