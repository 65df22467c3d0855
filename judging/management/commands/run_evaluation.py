"""`manage.py run_evaluation`: execute an evaluation's queries against its search endpoint, as a CI job does."""

import json
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

from judging.ledger.staleness import has_stale_metrics
from judging.management.arguments import errors_on_one_line, get_by_id_or_name
from judging.management.command import BaseCommand
from judging.models import Evaluation, EvaluationRun, EvaluationRunStatus, SearchRun
from judging.records.roles import SYSTEM
from judging.runs.run_lists import get_evaluation_run
from judging.search.runs.holes import holes_of
from judging.search.runs.making import RunOptions, create_search_run
from judging.work import workers
from judging.work.rescue import rescue_if_stalled

_POLL_SECONDS = 0.5
_SAY_EVERY_SECONDS = 5.0
_FOLLOW_UP_SECONDS = 60.0
_NO_WORKER = (
    "No worker is running, so the searches would wait for ever. Start one with\n\n"
    "    python manage.py serve --worker-only"
)


class Command(BaseCommand):
    help = (
        "Run an evaluation's query set against its search endpoint. Without --wait the run is queued and its id printed;"
        " with it the command ends when the run has ended: 0 when it is completed, else 1."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("evaluation", help="id or name of the evaluation")
        parser.add_argument("--name", default="", help="of the run; default: the template's name and the time")
        parser.add_argument("--depth", type=int, help="candidates asked for; default: the evaluation's")
        parser.add_argument("--query-limit", type=int, help="only the first so many queries")
        parser.add_argument("--body-file", type=Path, help="a request body in place of the template's")
        parser.add_argument("--wait", action="store_true", help="wait for the workers to finish it")
        parser.add_argument("--json", action="store_true", help="print the run as JSON and nothing else")

    def handle(self, *args: Any, **options: Any) -> None:
        evaluation = get_by_id_or_name(Evaluation.objects.select_related("query_template"), options["evaluation"])
        if options["wait"] and not workers.has_live_worker():
            raise CommandError(_NO_WORKER)
        overrides = {}
        if options["body_file"] is not None:
            try:
                overrides["body"] = options["body_file"].read_text(encoding="utf-8")
            except (OSError, UnicodeDecodeError) as error:
                raise CommandError(f"{options['body_file']}: {error}") from None
        template = evaluation.query_template
        name = options["name"] or f"{template.name if template else 'run'}, {time.strftime('%d %b %H:%M')}"
        with errors_on_one_line():
            run = create_search_run(
                evaluation=evaluation,
                actor=SYSTEM,
                name=name,
                options=RunOptions(depth=options["depth"], query_limit=options["query_limit"], overrides=overrides),
                start=True,
            )
        if options["wait"]:
            self._follow(run, self.stderr if options["json"] else self.stdout)
        run = get_evaluation_run(run.pk)
        self._report(run, as_json=options["json"])
        if options["wait"] and run.status != EvaluationRunStatus.COMPLETED:
            raise SystemExit(1)

    def _follow(self, run: EvaluationRun, out: Any) -> None:
        said_at = float("-inf")
        while (search := SearchRun.objects.get(pk=run.pk)).is_active:
            rescue_if_stalled(search)
            if time.monotonic() - said_at > _SAY_EVERY_SECONDS:
                said_at = time.monotonic()
                out.write(f"  {search.status}: {search.done_count:,} of {search.total_count:,} searches")
            time.sleep(_POLL_SECONDS)
        # The grades that the corpus knows, and the metrics, come right after the end.
        until = time.monotonic() + _FOLLOW_UP_SECONDS
        while has_stale_metrics(run) and time.monotonic() < until:
            time.sleep(_POLL_SECONDS)

    def _report(self, run: EvaluationRun, *, as_json: bool) -> None:
        search = SearchRun.objects.get(pk=run.pk)
        if as_json:
            self.stdout.write(json.dumps(_described(run, search), indent=2))
            return
        self.stdout.write(
            f"{run.pk} {run.status}: {search.answered_count} answered, {search.empty_count} without results,"
            f" {search.failed_count} failed of {search.total_count}"
        )
        if run.error:
            self.stdout.write(run.error)
        holes = None if search.is_active else holes_of(run)
        if holes is not None and holes.total:
            self.stdout.write(f"unjudged among the top {holes.depth}: {holes.count:,} of {holes.total:,} documents")


def _described(run: EvaluationRun, search: SearchRun) -> dict[str, Any]:
    """Return the run under the API's names."""
    holes = None if search.is_active else holes_of(run)
    counts = ("total", "answered", "empty", "failed", "pending", "skipped", "short")
    return {
        "id": str(run.pk),
        "evaluation_id": str(run.evaluation_id),
        "name": run.name,
        "status": run.status,
        "error": run.error,
        "error_code": run.error_code,
        "depth": run.depth,
        "metric_values": run.metric_values,
        "search": {f"{name}_count": getattr(search, f"{name}_count") for name in counts}
        | {"unjudged": None if holes is None else asdict(holes)},
    }
