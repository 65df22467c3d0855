"""Serve the local judge."""

from typing import Any

from django.conf import settings
from django.core.management.base import CommandError, CommandParser

from judging.local_judge.scoring import EmbedderMissing
from judging.local_judge.server import CannotListen, serve
from judging.management.command import BaseCommand
from judging.management.stopping import StopSignals
from releval.priority import give_way


class Command(BaseCommand):
    help = "Serve the local judge, a similarity model behind an OpenAI-compatible address; needs no key and no network."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--host", default="127.0.0.1", help="default: %(default)s")
        parser.add_argument("--port", type=int, default=getattr(settings, "LOCAL_JUDGE_PORT", 8001))

    def handle(self, *args: Any, **options: Any) -> None:
        give_way()
        host, port = options["host"], options["port"]
        if not 0 <= port <= 65535:
            raise CommandError(f"--port {port}: a port is a number from 0 to 65535")
        try:
            with StopSignals() as stop:
                serve(host, port, wait=stop.wait, announce=self._announce)
        except EmbedderMissing as error:
            raise CommandError(str(error)) from None
        except CannotListen as error:
            raise CommandError(f"{error}: choose another port with --port or LOCAL_JUDGE_PORT") from None

    def _announce(self, url: str) -> None:
        self.stdout.write(f"Local judge (a similarity model, not an LLM) at {url}")
        self.stdout.flush()
