"""Show the whole product with sample data, without a key or a network."""

import logging
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from judging import ledger
from judging.judging_runs.starting import start_judging_run
from judging.management import serving
from judging.management.demo_report import summary
from judging.management.progress import follow
from judging.management.sample import Sample, load_sample
from judging.models import ACTIVE_STATUSES, JudgingRun, JudgingRunStatus
from releval.env import env


class Command(BaseCommand):
    help = (
        "Load the electronics collection, judge it with the local judge while printing the progress, print a summary, "
        "and serve until Ctrl-C. A second time nothing is judged again. ONESHOT=1: exit after the summary, with 0 when "
        "nothing failed."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        serving.keep_files_private()
        if not serving.has_local_judge():
            raise CommandError("The demo needs the local judge: pip install 'releval[local]' (make demo installs it)")
        # What the services report stands in the demo's own lines already.
        logging.getLogger("judging").setLevel(logging.WARNING)
        try:
            has_succeeded = self._show(is_oneshot=env.bool("ONESHOT", default=False))
        except KeyboardInterrupt:
            has_succeeded = False
        if not has_succeeded:
            raise SystemExit(1)

    def _show(self, *, is_oneshot: bool) -> bool:
        listener = serving.listen("make demo")
        serving.check_local_judge_port("make demo")
        log_dir = Path(settings.DATA_DIR) / "logs"
        serving.prepare()
        sample = load_sample(self._say)
        processes = serving.children(listener=listener, worker=True, local_judge=True, log_dir=log_dir)
        self._say(f"Starting web server, workers and local judge (logs in {log_dir})")
        with serving.supervised(processes) as supervisor:
            # Told to end before the summary: nothing failed, but what was asked for has not been shown either.
            if not serving.wait_until_ready(supervisor):
                return not is_oneshot
            judging_run = self._judging_run(sample)
            if not follow(judging_run, self.stdout, tick=supervisor.tick):
                self._say("Stopping; the judging run goes on at the next start")
                return not is_oneshot
            self._renew_metrics(sample)
            for line in summary(sample, judging_run, address=serving.address()):
                self._say(line)
            has_succeeded = judging_run.status == JudgingRunStatus.COMPLETED and not judging_run.failed_count
            if not is_oneshot:
                self._say("Ctrl-C stops everything.")
                while supervisor.tick():
                    pass
                self._say("\nStopping ...")
                return True
        return has_succeeded

    def _judging_run(self, sample: Sample) -> JudgingRun:
        """Return the sample's judging run: the one that is done or under way, else a new one."""
        judging_run = (
            JudgingRun.objects.select_related("judge_version")
            .filter(
                evaluation_run=sample.fields_run,
                judge_version__judge=sample.judge,
                status__in=[*ACTIVE_STATUSES, JudgingRunStatus.COMPLETED],
            )
            .order_by("created_at")
            .first()
        )
        if judging_run is None:
            judging_run = start_judging_run(evaluation_run=sample.fields_run, judge=sample.judge, actor=sample.user)
        if judging_run.is_active:
            self._say(f"{sample.judge.name} judges {sample.fields_run.name}:")
        return judging_run

    def _renew_metrics(self, sample: Sample) -> None:
        # A worker is about to do so, or doing it. Done here as well, so that the summary has them for certain.
        for run in (sample.title_run, sample.fields_run):
            ledger.renew_metrics(run.pk)
            run.refresh_from_db()

    def _say(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()
