"""Evaluations, and the deletion of their runs."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from django.db import transaction

from judging.foundation.errors import Conflict, Invalid
from judging.foundation.validation import clean
from judging.models import (
    ACTIVE_STATUSES,
    Abstention,
    AnalysisRun,
    Call,
    Candidate,
    Corpus,
    Evaluation,
    EvaluationRun,
    EvaluationRunStatus,
    GoldenCheck,
    GoldenItem,
    GoldenPair,
    GoldenSet,
    GradingHold,
    JudgingItem,
    JudgingRun,
    LockedJudgment,
    ProbeItem,
    ProbeRun,
    RunQuery,
    SearchExchange,
    SearchItem,
    SearchRun,
)
from judging.records.audit import record_event
from judging.records.certificates import void_certificates
from judging.records.roles import Actor, require_member, user_of
from judging.records.searching.inputs import take_search_inputs
from judging.runs.evaluation_defaults import take_defaults


def create_evaluation(
    *,
    actor: Actor,
    name: str,
    corpus_id: UUID | None = None,
    description: str = "",
    search_inputs: Mapping[str, UUID | None] | None = None,
    default_depth: int | None = None,
    default_scale: str | None = None,
    default_metrics: Sequence[str] | None = None,
) -> Evaluation:
    """Make an evaluation over a corpus. Raise Forbidden or Invalid.

    With `search_inputs` (endpoint_id, query_set_id, query_template_id: all or none) runs can be executed; the corpus is
    then the endpoint's. The defaults are for runs that name none.
    """
    require_member(actor)
    evaluation = Evaluation(name=name.strip(), description=description, created_by=user_of(actor))
    problems = take_defaults(evaluation, depth=default_depth, scale=default_scale, metrics=default_metrics)
    with transaction.atomic():
        take_search_inputs(evaluation, search_inputs or {})
        # Held until the commit: a corpus is deleted only while no evaluation is about it.
        evaluation.corpus = _corpus(_corpus_id(evaluation, corpus_id))
        clean(evaluation, errors=problems)
        evaluation.save(force_insert=True)
    return evaluation


def update_evaluation(
    *,
    actor: Actor,
    evaluation: Evaluation,
    name: str | None = None,
    description: str | None = None,
    corpus_id: UUID | None = None,
    search_inputs: Mapping[str, UUID | None] | None = None,
    default_depth: int | None = None,
    default_scale: str | None = None,
    default_metrics: Sequence[str] | None = None,
) -> Evaluation:
    """Change what may change of an evaluation; None leaves as it is. Raise Forbidden or Invalid.

    The corpus can be another one as long as there is no run. Of `search_inputs` those change that are given, with None
    for all three an evaluation has none any more.
    """
    require_member(actor)
    evaluation.name = evaluation.name if name is None else name.strip()
    evaluation.description = evaluation.description if description is None else description
    problems = take_defaults(evaluation, depth=default_depth, scale=default_scale, metrics=default_metrics)
    clean(evaluation, errors=problems)
    with transaction.atomic():
        fields = ["name", "description", "default_depth", "default_scale", "default_metrics"]
        if search_inputs:
            fields += take_search_inputs(evaluation, search_inputs)
        wanted = _corpus_id(evaluation, corpus_id or (None if evaluation.endpoint_id else evaluation.corpus_id))
        if wanted != evaluation.corpus_id:
            if evaluation.runs.exists():
                message = "The corpus of an evaluation with runs can't be changed."
                raise Invalid(message, errors={"corpus_id" if corpus_id else "endpoint_id": [message]})
            evaluation.corpus = _corpus(wanted)
            fields.append("corpus")
        evaluation.save(update_fields=fields)
    return evaluation


def delete_evaluation(*, actor: Actor, evaluation: Evaluation) -> None:
    """Delete an evaluation and its runs; the corpus's judgments stay.

    Raise Forbidden, or Conflict when one of its runs can't be deleted (see delete_run): then nothing is.
    """
    require_member(actor)
    with transaction.atomic():
        for run in EvaluationRun.objects.select_for_update().filter(evaluation=evaluation):
            _delete_run(actor, run)
        record_event(actor=actor, action="evaluation_deleted", subject=evaluation)
        evaluation.delete()


def delete_run(*, actor: Actor, run: EvaluationRun) -> None:
    """Delete an evaluation run with its AI judging runs; the corpus's judgments stay.

    Raise Forbidden, or Conflict: run_locked, run_being_judged, run_being_imported, run_active, in_use (of an analysis).
    """
    require_member(actor)
    with transaction.atomic():
        current = EvaluationRun.objects.select_for_update().filter(pk=run.pk).first()
        if current is not None:
            if AnalysisRun.objects.filter(run=current).exists():
                raise Conflict(f"{run.name} is part of an analysis: delete that", code="in_use")
            _delete_run(actor, current)


def _delete_run(actor: Actor, run: EvaluationRun) -> None:
    if run.is_locked:
        raise Conflict(f"the evaluation run {run.name} is locked; unlock it first", code="run_locked")
    if run.status in (EvaluationRunStatus.RUNNING, EvaluationRunStatus.QUEUED):
        if SearchRun.objects.filter(pk=run.pk).exists():
            raise Conflict(f"the evaluation run {run.name} is {run.status}; stop it first", code="run_active")
        raise Conflict(f"the evaluation run {run.name} is still being imported", code="run_being_imported")
    judging_runs = JudgingRun.objects.filter(evaluation_run=run)
    if judging_runs.filter(status__in=ACTIVE_STATUSES).exists():
        raise Conflict(
            f"the evaluation run {run.name} is being judged; cancel its AI judging runs first", code="run_being_judged"
        )
    probe_runs = ProbeRun.objects.filter(evaluation_run=run)
    if probe_runs.filter(status__in=ACTIVE_STATUSES).exists():
        raise Conflict(
            f"probes take documents of the evaluation run {run.name}; cancel them first", code="run_being_judged"
        )
    golden_checks = GoldenCheck.objects.filter(golden_set__evaluation_run=run)
    if golden_checks.filter(status__in=ACTIVE_STATUSES).exists():
        raise Conflict(
            f"a golden set of the evaluation run {run.name} is being checked; cancel that first",
            code="run_being_judged",
        )
    record_event(actor=actor, action="run_deleted", subject=run)
    void_certificates(run.pk, "run_deleted")
    # A run can hold 100,000 candidates, which Django would load to delete them one by one: statements instead,
    # each table before the ones it refers to.
    unlisted = Candidate.objects.filter(run=None, run_query__run=run)
    for candidates in (Candidate.objects.filter(run=run), unlisted):
        candidates.filter(last_item__isnull=False).update(last_item=None)
    for rows in (
        SearchExchange.objects.filter(item__search_run_id=run.pk),
        SearchItem.objects.filter(search_run_id=run.pk),
        JudgingItem.objects.filter(judging_run__evaluation_run=run),
        ProbeItem.objects.filter(probe_run__evaluation_run=run),
        GoldenItem.objects.filter(golden_check__golden_set__evaluation_run=run),
        Call.objects.filter(judging_run__evaluation_run=run),
        Call.objects.filter(probe_run__evaluation_run=run),
        Call.objects.filter(golden_check__golden_set__evaluation_run=run),
        GoldenPair.objects.filter(golden_set__evaluation_run=run),
        GradingHold.objects.filter(candidate__run_query__run=run),
        Abstention.objects.filter(candidate__run_query__run=run),
        LockedJudgment.objects.filter(run=run),
        Candidate.objects.filter(run=run),
        unlisted,
        RunQuery.objects.filter(run=run),
    ):
        rows._raw_delete(using="default")
    judging_runs.delete()
    probe_runs.delete()
    GoldenSet.objects.filter(evaluation_run=run).delete()
    run.delete()


def _corpus_id(evaluation: Evaluation, given: UUID | None) -> UUID:
    """Return the corpus of an evaluation: its endpoint's where it has one, else the one that is given."""
    if evaluation.endpoint is None:
        if given is None:
            raise Invalid("corpus_id: This field is required.", errors={"corpus_id": ["This field is required."]})
        return given
    own: UUID = evaluation.endpoint.corpus_id
    if given is not None and given != own:
        message = "The corpus follows the search endpoint: leave it out, or give the endpoint's."
        raise Invalid(message, errors={"corpus_id": [message]})
    return own


def _corpus(corpus_id: UUID) -> Corpus:
    corpus = Corpus.objects.select_for_update(no_key=True).filter(pk=corpus_id).first()
    if corpus is None:
        raise Invalid("there is no such corpus", errors={"corpus_id": ["There is no such corpus."]})
    return corpus
