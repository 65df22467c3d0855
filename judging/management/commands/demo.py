"""Show the whole product with sample data, without a key or a network."""

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError

from judging import ledger
from judging.demo.searching import demo_search_port
from judging.management import serving
from judging.management.command import BaseCommand
from judging.management.demo_report import summary
from judging.management.demo_runs import LiveSearches, NotSearched, ensure_judging_run, search_live
from judging.management.progress import follow
from judging.management.sample import Sample, load_sample
from judging.models import EvaluationRun, JudgingRunStatus
from releval.env import env
from releval.supervisor import Supervisor


class Command(BaseCommand):
    help = (
        "Load the electronics collection, judge it with the local judge while printing the progress, run two query "
        "templates live against a small search service, print a summary, and serve until Ctrl-C. A second time nothing "
        "is judged or searched again. ONESHOT=1: exit after the summary, with 0 when nothing failed."
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
        serving.check_demo_search_port(settings.DEMO_SEARCH_PORT, "make demo")
        log_dir = Path(settings.DATA_DIR) / "logs"
        serving.prepare()
        sample = load_sample(self._say)
        port = demo_search_port()
        processes = serving.children(
            listener=listener, worker=True, local_judge=True, log_dir=log_dir, demo_search_port=port
        )
        self._say(f"Starting web server, workers, local judge and demo search (logs in {log_dir})")
        with serving.supervised(processes) as supervisor:
            # Told to end before the summary: nothing failed, but what was asked for has not been shown either.
            if not serving.wait_until_ready(supervisor):
                return not is_oneshot
            judging_run = ensure_judging_run(sample, sample.fields_run, say=self._say)
            if not follow(judging_run, self.stdout, tick=supervisor.tick):
                self._say("Stopping; the judging run goes on at the next start")
                return not is_oneshot
            live = self._live(sample, supervisor, port)
            if not supervisor.tick(0):
                self._say("Stopping; what is under way goes on at the next start")
                return not is_oneshot
            runs = (sample.title_run, sample.fields_run, *(live.runs if live else ()))
            self._renew_metrics(runs)
            for line in summary(sample, judging_run, live, address=serving.address()):
                self._say(line)
            has_succeeded = judging_run.status == JudgingRunStatus.COMPLETED and not judging_run.failed_count
            has_succeeded = has_succeeded and live is not None and not live.has_failures
            if not is_oneshot:
                self._say("Ctrl-C stops everything.")
                while supervisor.tick():
                    pass
                self._say("\nStopping ...")
                return True
        return has_succeeded

    def _live(self, sample: Sample, supervisor: Supervisor, port: int | None) -> LiveSearches | None:
        """Return the live searches, None where they can't be shown: nothing else needs the search service."""
        try:
            if port is not None and not serving.wait_for_demo_search(supervisor, port):
                raise NotSearched("the demo's search service does not answer")
            return search_live(sample, out=self.stdout, say=self._say, tick=supervisor.tick)
        except NotSearched as error:
            self._say(f"Without live searches: {error}")
        return None

    def _renew_metrics(self, runs: Sequence[EvaluationRun]) -> None:
        # A worker is about to do so, or doing it. Done here as well, so that the summary has them for certain.
        for run in runs:
            ledger.renew_metrics(run.pk)
            run.refresh_from_db()

    def _say(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()
