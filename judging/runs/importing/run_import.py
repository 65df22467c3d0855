"""Making evaluation runs: with results, without, and filling those made without."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from judging.foundation.errors import Conflict, DomainError
from judging.ledger import refresh_run
from judging.models import (
    Evaluation,
    EvaluationRun,
    EvaluationRunStatus,
    SearchRun,
)
from judging.records.audit import record_event
from judging.records.lists.archiving import check_in_use
from judging.records.lists.corpus_rows import count_empty
from judging.records.lists.new_runs import new_run
from judging.records.lists.ranked_lists import no_longer_running, write_ranked_lists
from judging.records.roles import Actor, require_member
from judging.runs.importing.results import CheckedResults, RunSource

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ImportOutcome:
    """A completed run and what its importer should know about it."""

    run: EvaluationRun
    warnings: list[str]
    # The format of each file by its field.
    read_as: dict[str, str] = field(default_factory=dict)


def create_run(
    *,
    evaluation: Evaluation,
    actor: Actor,
    name: str,
    scale: str,
    metrics: Sequence[str],
    relevant_from: int = 1,
    judgments_wanted: int = 1,
    engine_model: str = "",
) -> EvaluationRun:
    """Make a run without results: it is `pending` until `fill_run`. Raises Invalid, Forbidden, Conflict (archived)."""
    require_member(actor)
    check_in_use(evaluation)
    run = new_run(evaluation, actor, name, scale, metrics, relevant_from, judgments_wanted, engine_model)
    run.save(force_insert=True)
    return run


def import_run(
    *,
    evaluation: Evaluation,
    actor: Actor,
    name: str,
    scale: str,
    metrics: Sequence[str],
    relevant_from: int = 1,
    judgments_wanted: int = 1,
    engine_model: str = "",
    source: RunSource,
) -> ImportOutcome:
    """Make a completed run of a source's results, pre-judged with what the corpus knows.

    Everything is checked before anything is written: raises ImportRejected, Invalid, Forbidden or Conflict (archived) and
    leaves nothing behind. A fault while writing leaves a run that is `failed` and can be deleted.
    """
    require_member(actor)
    check_in_use(evaluation)
    run = new_run(evaluation, actor, name, scale, metrics, relevant_from, judgments_wanted, engine_model)
    results = source.check(evaluation.corpus.match_mode)
    run.status, run.written_at = EvaluationRunStatus.RUNNING, timezone.now()
    run.query_count, run.candidate_count = results.query_count, results.candidate_count
    run.save(force_insert=True)
    _write(run, actor, results)
    return _outcome(run, results)


def fill_run(*, run: EvaluationRun, actor: Actor, source: RunSource) -> ImportOutcome:
    """Give a pending run its results and complete it.

    Raises as `import_run` does (the run stays pending then), and Conflict (run_is_executed, run_not_pending), also when someone else
    was quicker.
    """
    require_member(actor)
    if SearchRun.objects.filter(pk=run.pk).exists():
        raise Conflict("the run is executed: it takes no results", code="run_is_executed")
    if run.status != EvaluationRunStatus.PENDING:
        raise _not_pending(run)
    check_in_use(run)
    results = source.check(run.evaluation.corpus.match_mode)
    taken = EvaluationRun.objects.filter(pk=run.pk, status=EvaluationRunStatus.PENDING).update(
        status=EvaluationRunStatus.RUNNING,
        written_at=timezone.now(),
        query_count=results.query_count,
        candidate_count=results.candidate_count,
    )
    if not taken:
        raise _not_pending(EvaluationRun.objects.filter(pk=run.pk).first())
    run.refresh_from_db()
    _write(run, actor, results)
    return _outcome(run, results)


def _outcome(run: EvaluationRun, results: CheckedResults) -> ImportOutcome:
    warnings = [*results.warnings]
    if empty := count_empty(run.evaluation.corpus_id, results.without_content):
        documents = "1 document of the run has" if empty == 1 else f"{empty:,} documents of the run have"
        warnings.append(f"{documents} no content, neither in the files nor in the corpus")
    return ImportOutcome(run, warnings, results.read_as)


def _write(run: EvaluationRun, actor: Actor, results: CheckedResults) -> None:
    """Write the results of a run that is `running` and complete it; whatever goes wrong, it ends `failed`."""
    try:
        write_ranked_lists(run, results.read())
        # Before the run is completed: what can be seen of a completed run is all there.
        refresh_run(run.pk)
        _complete(run, actor, results)
    except BaseException as error:
        # Also when a worker is told to stop: a run that nobody writes any more must not look as if.
        reason = error.message if isinstance(error, DomainError) else f"the import broke off ({type(error).__name__})"
        _fail(run.pk, reason)
        raise
    run.refresh_from_db()


def _complete(run: EvaluationRun, actor: Actor, results: CheckedResults) -> None:
    with transaction.atomic():
        completed = EvaluationRun.objects.filter(pk=run.pk, status=EvaluationRunStatus.RUNNING).update(
            status=EvaluationRunStatus.COMPLETED, completed_at=timezone.now()
        )
        if not completed:
            raise no_longer_running()
        detail = {"queries": results.query_count, "candidates": results.candidate_count}
        record_event(actor=actor, action="run_imported", subject=run, detail=detail)


def _fail(run_id: UUID, reason: str) -> None:
    try:
        EvaluationRun.objects.filter(pk=run_id, status=EvaluationRunStatus.RUNNING).update(
            status=EvaluationRunStatus.FAILED, error=reason
        )
    except Exception:
        # What went wrong first is what counts, and is raised on.
        logger.exception("evaluation run %s could not be marked as failed", run_id)


def _not_pending(run: EvaluationRun | None) -> Conflict:
    status = run.status if run else "gone"
    return Conflict(f"the evaluation run is {status}; only a pending one takes results", code="run_not_pending")
