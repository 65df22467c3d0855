from django.apps import AppConfig


class JudgingConfig(AppConfig):
    name = "judging"
    verbose_name = "Releval"

    def ready(self) -> None:
        from judging import checks  # noqa: F401  (registers the system checks)
