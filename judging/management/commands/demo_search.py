"""Serve the demo's search engine."""

import json
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError, CommandParser

from judging.demo_search.faults import BadFault, read_faults
from judging.demo_search.index import Index
from judging.demo_search.server import WHAT, running
from judging.management.command import BaseCommand
from judging.management.stopping import StopSignals

DOCUMENTS = Path(__file__).parents[2] / "demo" / "documents.jsonl"


class Command(BaseCommand):
    help = f"Serve the demo's documents: {WHAT}."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--host", default="127.0.0.1", help="default: %(default)s")
        parser.add_argument("--port", type=int, default=settings.DEMO_SEARCH_PORT)
        parser.add_argument("--documents", type=Path, default=DOCUMENTS, help="JSON lines of doc_id, title, fields")
        parser.add_argument("--fault", default="", metavar="SPEC", help='misbehave, e.g. "500:0.2,latency:50"')
        parser.add_argument("--fault-seed", type=int, default=0, metavar="N", help="which requests a fault meets")
        parser.add_argument(
            "--fault-token", default="", metavar="TOKEN", help="for tests: PUT /faults with it sets the faults"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        host, port = options["host"], options["port"]
        if not 0 <= port <= 65535:
            raise CommandError(f"--port {port}: a port is a number from 0 to 65535")
        try:
            faults = read_faults(options["fault"], seed=options["fault_seed"])
        except BadFault as error:
            raise CommandError(f"--fault {error}") from None
        try:
            with options["documents"].open(encoding="utf-8") as lines:
                index = Index(json.loads(line) for line in lines)
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise CommandError(f"{options['documents']} can't be read as documents: {error}") from None
        try:
            with (
                StopSignals() as stop,
                running(
                    index, host=host, port=port, faults=faults, fault_token=options["fault_token"], records=False
                ) as server,
            ):
                self.stdout.write(f"Demo search ({WHAT}) at {server.url}")
                self.stdout.flush()
                stop.wait()
        except OSError as error:
            raise CommandError(
                f"Cannot listen on {host}:{port} ({error.strerror}): choose another port with --port or DEMO_SEARCH_PORT"
            ) from None
