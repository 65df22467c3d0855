from django.apps import AppConfig


class ToyConfig(AppConfig):
    name = "tests.work.toy"
    label = "toy"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from judging.work import kind
        from tests.work.toy.kind import ToyKind

        # What a line in judging/kinds.py does.
        kind.register([ToyKind()])
