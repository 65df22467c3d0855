"""The work that the demo shows: AI judging runs and live searches, made once and followed to their end."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from judging import ledger
from judging.demo.searching import TEMPLATES, ensure_live_run
from judging.foundation.errors import DomainError
from judging.judging_runs.starting import JudgingOptions, start_judging_run
from judging.management.progress import follow
from judging.management.sample import Sample
from judging.models import (
    ACTIVE_STATUSES,
    EvaluationRun,
    EvaluationRunStatus,
    JudgingRun,
    JudgingRunStatus,
    Scope,
    SearchRun,
)

JUDGED_DEPTH = 10


class NotSearched(Exception):
    """The live searches could not be shown. The message says why."""


@dataclass(frozen=True, slots=True)
class LiveSearches:
    """Runs made with the demo's two templates, and the judging of what nobody had judged of the second one's top ten."""

    title_run: EvaluationRun
    fields_run: EvaluationRun
    judging_run: JudgingRun

    @property
    def runs(self) -> tuple[EvaluationRun, EvaluationRun]:
        return self.title_run, self.fields_run

    @property
    def has_failures(self) -> bool:
        failed = SearchRun.objects.filter(evaluation_run__in=self.runs, failed_count__gt=0).exists()
        return failed or self.judging_run.status != JudgingRunStatus.COMPLETED or bool(self.judging_run.failed_count)


def ensure_judging_run(
    sample: Sample, run: EvaluationRun, *, say: Callable[[str], Any], options: JudgingOptions | None = None
) -> JudgingRun:
    """Return the judging run of the sample's judge on a run: the one that is done or under way, else a new one."""
    judging_run = (
        JudgingRun.objects.select_related("judge_version")
        .filter(
            evaluation_run=run,
            judge_version__judge=sample.judge,
            status__in=[*ACTIVE_STATUSES, JudgingRunStatus.COMPLETED],
        )
        .order_by("created_at")
        .first()
    )
    if judging_run is None:
        judging_run = start_judging_run(evaluation_run=run, judge=sample.judge, actor=sample.user, options=options)
    if judging_run.is_active:
        say(f"{sample.judge.name} judges {run.name}:")
    return judging_run


def search_live(sample: Sample, *, out: Any, say: Callable[[str], Any], tick: Callable[[], bool]) -> LiveSearches:
    """Run the demo's templates against its search service and judge the holes of the second run; `tick` as in `follow`.

    What was done before stays. Raise NotSearched.
    """
    try:
        title_run, fields_run = (_searched(sample, name, out, say, tick) for name in TEMPLATES)
        options = JudgingOptions(scope=Scope.UNJUDGED, depth=JUDGED_DEPTH)
        judging_run = ensure_judging_run(sample, fields_run, say=say, options=options)
    except DomainError as error:
        raise NotSearched(error.message) from None
    if not follow(judging_run, out, tick=tick):
        raise NotSearched("told to end")
    return LiveSearches(title_run, fields_run, judging_run)


def _searched(
    sample: Sample, name: str, out: Any, say: Callable[[str], Any], tick: Callable[[], bool]
) -> EvaluationRun:
    run = ensure_live_run(actor=sample.user, evaluation=sample.live_evaluation, name=name)
    search = SearchRun.objects.get(pk=run.pk)
    if search.is_active:
        say(f"{search.endpoint_name} is asked {search.total_count} queries with the template {name}:")
        if not follow(search, out, tick=tick):
            raise NotSearched("told to end")
        # Its follow-up does so, too; done here as well, so that what is judged already is known for certain.
        ledger.refresh_run(run.pk)
        run.refresh_from_db()
    if run.status != EvaluationRunStatus.COMPLETED:
        raise NotSearched(f"{name} {run.status}: {run.error}")
    return run
