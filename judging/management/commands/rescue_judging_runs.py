"""Set judging runs going again whose workers died."""

from typing import Any

from judging.management.command import BaseCommand
from judging.management.rescuing import rescue_all


class Command(BaseCommand):
    help = (
        "Queue AI judging runs again whose workers died. Harmless at any moment; a supervisor (manage.py serve) does it "
        "every 5 s by itself."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        count = rescue_all()
        self.stdout.write(f"{count} {'lane' if count == 1 else 'lanes'} queued again")
