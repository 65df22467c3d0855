"""Make, stop and resume analyses. All that searches is done by the acts of their runs."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from django.db import transaction

from judging.foundation.errors import Conflict, Invalid
from judging.foundation.limits import DEFAULT_DEPTH, MAX_ANALYSED_TEMPLATES, MAX_DEPTH
from judging.foundation.validation import clean
from judging.metrics import DEFAULT_METRICS, parse_metric
from judging.models import (
    Analysis,
    AnalysisRun,
    Evaluation,
    EvaluationRun,
    QueryTemplate,
    SearchRun,
    SearchRunStatus,
)
from judging.records.audit import record_event
from judging.records.idempotency import Once, find_earlier, make_once, once_of
from judging.records.roles import Actor, require_member, user_of
from judging.records.searching.inputs import take_search_inputs
from judging.search.runs.inputs import check_rendering_of_set
from judging.search.runs.making import RunOptions, create_search_run
from judging.search.runs.starting import resume_search_run, start_search_run, stop_search_run


def create_analysis(
    *,
    actor: Actor,
    name: str,
    endpoint_id: UUID,
    query_set_id: UUID,
    baseline: UUID,
    query_template_ids: Sequence[UUID],
    depth: int = DEFAULT_DEPTH,
    idempotency_key: str = "",
) -> Analysis:
    """Ask an endpoint a query set with a baseline template and up to eight others: an evaluation, a queued run for each.

    The baseline is left out of `query_template_ids`. With an idempotency key, the same request again returns the
    analysis it made. Raise Forbidden, Invalid (template_invalid), or Conflict (idempotency_key_reused).
    """
    require_member(actor)
    others = [each for each in dict.fromkeys(query_template_ids) if each != baseline]
    asked_for: dict[str, Any] = {
        "analysis": name,
        "inputs": [str(endpoint_id), str(query_set_id), str(baseline)],
        "others": [str(each) for each in others],
        "depth": depth,
    }
    once = once_of(idempotency_key, asked_for)
    analysis = find_earlier(Analysis, actor=actor, once=once)
    if analysis is None:
        inputs = {"endpoint_id": endpoint_id, "query_set_id": query_set_id}
        analysis = _make(actor, name, inputs, [baseline, *others], depth, once)
    # Each in a transaction of its own: together, those of large sets would let nobody else write for long.
    _start_pending(analysis, actor)
    return analysis


def _make(
    actor: Actor, name: str, inputs: dict[str, UUID], template_ids: Sequence[UUID], depth: int, once: Once
) -> Analysis:
    """Make an analysis with a pending run for each template, the baseline's first."""
    if not 1 <= len(template_ids) - 1 <= MAX_ANALYSED_TEMPLATES:
        message = f"Choose 1 to {MAX_ANALYSED_TEMPLATES} query templates beside the baseline."
        raise Invalid(message, errors={"query_template_ids": [message]})
    if not 1 <= depth <= MAX_DEPTH:
        raise Invalid("the depth is out of range", errors={"depth": [f"a whole number from 1 to {MAX_DEPTH:,}"]})
    evaluation = Evaluation(
        name=name.strip(), default_depth=depth, default_metrics=_metrics(depth), created_by=user_of(actor)
    )

    def make() -> Analysis:
        with transaction.atomic():
            templates = _hold_templates(evaluation, inputs, template_ids)
            clean(evaluation)
            evaluation.save(force_insert=True)
            analysis = Analysis(
                evaluation=evaluation,
                created_by=user_of(actor),
                idempotency_key=once.key,
                request_hash=once.request_hash,
            )
            analysis.save(force_insert=True)
            for position, template in enumerate(templates):
                options = RunOptions(query_template=template)
                run = create_search_run(evaluation=evaluation, actor=actor, name=template.name, options=options)
                AnalysisRun.objects.create(analysis=analysis, run=run, position=position)
            record_event(actor=actor, action="analysis_created", subject=analysis, detail={"templates": len(templates)})
            return analysis

    return make_once(Analysis, make, actor=actor, once=once)


def stop_analysis(*, analysis: Analysis, actor: Actor) -> Analysis:
    """Stop all runs of an analysis that are queued or running. Raise Forbidden or Invalid (not_active)."""
    require_member(actor)
    stopped = 0
    for run in _runs_with(analysis, SearchRun.active_statuses):
        try:
            stop_search_run(run=run, actor=actor)
        except Invalid:
            continue  # it ended meanwhile
        stopped += 1
    if not stopped:
        raise Invalid("no run of the analysis is queued or running", code="not_active")
    return analysis


def resume_analysis(*, analysis: Analysis, actor: Actor) -> Analysis:
    """Ask again what failed or was never asked, in all runs of an analysis that are not under way.

    Raise Forbidden, or Conflict as resume_search_run does: then no run is asked again.
    """
    require_member(actor)
    ended = (SearchRunStatus.COMPLETED, SearchRunStatus.FAILED, SearchRunStatus.CANCELLED)
    resumed = _start_pending(analysis, actor)
    with transaction.atomic():
        for run in _runs_with(analysis, ended):
            search = run.search
            if search.failed_count or search.skipped_count or search.pending_count:
                resume_search_run(run=run, actor=actor)
                resumed += 1
    if not resumed:
        raise Conflict("every search was answered, or is under way", code="nothing_to_resume")
    return analysis


def _runs_with(analysis: Analysis, statuses: Sequence[str]) -> list[EvaluationRun]:
    runs = EvaluationRun.objects.filter(analysis_run__analysis=analysis, search__status__in=statuses)
    return list(runs.select_related("search", "analysis_run").order_by("analysis_run__position"))


def _metrics(depth: int) -> list[str]:
    """Return the metrics of the runs, should they be judged: none looks deeper than the lists go."""
    fitting = [name for name in DEFAULT_METRICS if (parse_metric(name).cutoff or 0) <= depth]
    return fitting or [f"NDCG@{depth}"]


def _hold_templates(evaluation: Evaluation, inputs: dict[str, UUID], wanted: Sequence[UUID]) -> list[QueryTemplate]:
    """Set the inputs of an evaluation, whose template is the first; return the templates, held to the commit."""
    found: dict[UUID, QueryTemplate] = {}
    # In one order, so that two requests wait for each other instead of each holding what the other needs.
    for template_id in sorted(wanted):
        with _naming_template(is_baseline=template_id == wanted[0]):
            take_search_inputs(evaluation, {**inputs, "query_template_id": template_id})
            assert evaluation.query_template is not None
            assert evaluation.query_set is not None
            check_rendering_of_set(evaluation.query_template, evaluation.query_set, evaluation.default_depth)
        found[template_id] = evaluation.query_template
    evaluation.query_template = found[wanted[0]]
    assert evaluation.endpoint is not None
    evaluation.corpus = evaluation.endpoint.corpus
    return [found[template_id] for template_id in wanted]


def _start_pending(analysis: Analysis, actor: Actor) -> int:
    """Start the runs of an analysis that have not been started; return how many."""
    started = 0
    for run in _runs_with(analysis, [SearchRunStatus.PENDING]):
        try:
            with _naming_template(is_baseline=not run.analysis_run.position):
                start_search_run(run=run, actor=actor)
        except Conflict as error:
            if error.code != "already_started":
                raise
            continue  # by the same request, sent twice at once
        started += 1
    return started


@contextmanager
def _naming_template(*, is_baseline: bool) -> Iterator[None]:
    """Put a problem with a template where the request names it."""
    try:
        yield
    except Invalid as error:
        field = "baseline" if is_baseline else "query_template_ids"
        errors = {field if name == "query_template_id" else name: texts for name, texts in error.errors.items()}
        raise Invalid(error.message, errors=errors, code=error.code) from None
