"""Apply an AI judge to an evaluation run from the command line."""

import json
import time
from argparse import ArgumentTypeError
from typing import Any

from django.core.management.base import CommandError, CommandParser

from judging import ledger
from judging.judging_runs.starting import JudgingOptions, start_judging_run
from judging.management.arguments import errors_on_one_line, get_by_id_or_name, get_user
from judging.management.command import BaseCommand
from judging.management.inline import POLL_SECONDS, work_inline
from judging.management.progress import follow
from judging.models import AIJudge, EvaluationRun, JudgingRun, JudgingRunStatus, Role, Scope, User
from judging.work import workers

NO_WORKER = (
    "No worker is running, so the judging run would wait for ever. Start one with\n\n"
    "    python manage.py serve --worker-only\n\n"
    "or judge in this process with --inline."
)


class Command(BaseCommand):
    help = (
        "Start an AI judging run. Without --wait or --inline it is queued and its id printed; with them the command "
        "ends when the run has ended: 0 when it is completed, else 1."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("run", help="id or name of the evaluation run")
        parser.add_argument("--judge", required=True, help="id or name of the AI judge")
        parser.add_argument("--scope", choices=Scope.values, default=Scope.ALL.value, help="default: %(default)s")
        parser.add_argument("--depth", type=_count, help="only the first DEPTH candidates of each query")
        parser.add_argument("--query-limit", type=_count, help="only a random sample of so many queries")
        parser.add_argument("--trial", action="store_true", help="keep the grades beside: they become no judgments")
        parser.add_argument("--user", metavar="EMAIL", help="who starts it; default: the admin longest here")
        how = parser.add_mutually_exclusive_group()
        how.add_argument("--wait", action="store_true", help="wait for the workers to finish it")
        how.add_argument("--inline", action="store_true", help="judge in this process, no worker needed")
        parser.add_argument("--json", action="store_true", help="print the judging run as JSON and nothing else")

    def handle(self, *args: Any, **options: Any) -> None:
        evaluation_run = get_by_id_or_name(EvaluationRun.objects.all(), options["run"])
        judge = get_by_id_or_name(AIJudge.objects.filter(archived_at=None), options["judge"])
        actor = _actor(options["user"])
        if options["wait"] and not workers.has_live_worker():
            raise CommandError(NO_WORKER)
        chosen = JudgingOptions(
            scope=options["scope"], depth=options["depth"], query_limit=options["query_limit"], trial=options["trial"]
        )
        with errors_on_one_line():
            run = start_judging_run(evaluation_run=evaluation_run, judge=judge, actor=actor, options=chosen)
        out = self.stderr if options["json"] else self.stdout
        if options["wait"]:
            follow(run, out, tick=_pause)
        elif options["inline"]:
            work_inline(run, out)
            ledger.renew_metrics(run.evaluation_run_id)
        run.refresh_from_db()
        self._report(run, as_json=options["json"])
        if (options["wait"] or options["inline"]) and run.status != JudgingRunStatus.COMPLETED:
            raise SystemExit(1)

    def _report(self, run: JudgingRun, *, as_json: bool) -> None:
        if as_json:
            self.stdout.write(json.dumps(_described(run), indent=2))
            return
        self.stdout.write(
            f"{run.pk} {run.status}: {run.judged_count} judged, {run.failed_count} failed of {run.total_count}"
        )
        if run.error:
            self.stdout.write(run.error)


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise ArgumentTypeError(f"{text!r} is no number from 1")
    return int(text)


def _actor(email: str | None) -> User:
    user = (
        get_user(email)
        if email
        else User.objects.filter(is_active=True, role=Role.ADMIN).order_by("created_at").first()
    )
    if user is None:
        raise CommandError("There is no admin yet: manage.py create_user EMAIL --role admin")
    if not user.is_member:
        raise CommandError(f"{user.email} is a rater; members and admins start AI judging runs")
    return user


def _pause() -> bool:
    time.sleep(POLL_SECONDS)
    return True


def _described(run: JudgingRun) -> dict[str, Any]:
    """Return the run under the API's names."""
    return {
        "id": str(run.pk),
        "evaluation_run_id": str(run.evaluation_run_id),
        "ai_judge_id": str(run.judge_version.judge_id),
        "ai_judge_name": run.judge_version.name,
        "ai_judge_version": run.judge_version.number,
        "status": run.status,
        "scope": run.scope,
        "source_run_id": str(run.source_run_id) if run.source_run_id else None,
        "depth": run.depth,
        "query_limit": run.query_limit,
        "trial": run.trial,
        "max_concurrency": run.max_concurrency,
        "progress": run.progress,
        "total_count": run.total_count,
        "judged_count": run.judged_count,
        "failed_count": run.failed_count,
        "pending_count": run.pending_count,
        "skipped_count": run.skipped_count,
        "call_count": run.call_count,
        "reask_count": run.reask_count,
        "input_tokens": run.input_tokens,
        "output_tokens": run.output_tokens,
        "usage_estimated": run.usage_estimated,
        "warnings": run.warnings,
        "cost": run.cost,
        "error": run.error,
        "error_code": run.error_code,
        "created_at": run.created_at.isoformat(),
        "started_at": run.started_at.isoformat() if run.started_at else None,
        "completed_at": run.completed_at.isoformat() if run.completed_at else None,
    }
