"""Serve web, workers and local judge under one supervisor."""

from typing import Any

from django.core.management.base import CommandError, CommandParser

from judging.demo.searching import demo_search_port
from judging.management import serving
from judging.management.command import BaseCommand


class Command(BaseCommand):
    help = (
        "Serve Releval: bring the database up to date, then run the web server, the task workers and, when the extra "
        "'local' is installed, the local judge, and once the demo has run here its search service; start again what "
        "dies. Ctrl-C or SIGTERM ends everything within 10 s."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        part = parser.add_mutually_exclusive_group()
        part.add_argument("--web-only", action="store_true", help="no workers and no local judge")
        part.add_argument("--worker-only", action="store_true", help="no web server and no migrations; waits for both")
        parser.add_argument("--no-local-judge", action="store_true", help="not even when it is installed")

    def handle(self, *args: Any, **options: Any) -> None:
        serving.keep_files_private()
        has_web, has_worker = not options["worker_only"], not options["web_only"]
        has_local_judge = has_worker and not options["no_local_judge"] and serving.has_local_judge()
        listener = serving.listen("make serve") if has_web else None
        if has_local_judge:
            serving.check_local_judge_port("make serve")
        serving.prepare(has_web=has_web)
        processes = serving.children(
            listener=listener,
            worker=has_worker,
            local_judge=has_local_judge,
            log_dir=None,
            demo_search_port=self.free_demo_search_port() if has_worker else None,
        )
        with serving.supervised(processes) as supervisor:
            if not serving.wait_until_ready(supervisor):
                return
            names = ", ".join(child.name for child in processes)
            self.stdout.write(f"Releval serves at {serving.address()} ({names})" if has_web else f"Running: {names}")
            self.stdout.flush()
            while supervisor.tick():
                pass
        self.stdout.write("Stopped.")

    def free_demo_search_port(self) -> int | None:
        """Return where to serve the demo's documents, None where nobody asks for them or the port can't be had."""
        port = demo_search_port()
        try:
            if port is not None:
                serving.check_demo_search_port(port, "make demo")
        except CommandError as error:
            self.stderr.write(f"Without the demo's search: {error}")
            return None
        return port
