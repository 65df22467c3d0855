"""Probe runs as every interface lists them."""

from collections.abc import Collection
from typing import Any
from uuid import UUID

from django.db.models import BooleanField, ExpressionWrapper, OuterRef, Q, QuerySet, Subquery

from judging.foundation.errors import NotFound
from judging.models import AIJudge, EvaluationRun, EvaluationRunStatus, JudgeVersion, ProbeRun
from judging.probes.planning import MIN_QUERIES, REPEATED
from judging.probes.results import results_of
from judging.records.blindness import blind_to
from judging.records.lists.archiving import IN_USE
from judging.records.roles import Actor
from judging.records.visibility import visible_judges

_OFFERED = 50


def probe_runs(judge: AIJudge, viewer: Actor) -> QuerySet[ProbeRun]:
    """Return the probe runs of a judge's versions, newest first, as `viewer` may see them."""
    return _seen_by(viewer, ProbeRun.objects.filter(judge_version__judge=judge)).order_by("-created_at", "-pk")


def get_probe_run(user: Actor, probe_run_id: UUID) -> ProbeRun:
    """Return a probe run of a judge that `user` sees. Raise NotFound."""
    judges = visible_judges(user, with_archived=True)
    run = _seen_by(user, ProbeRun.objects.filter(pk=probe_run_id, judge_version__judge__in=judges)).first()
    if run is None:
        raise NotFound("no such probe run")
    return run


def _seen_by(viewer: Actor, runs: QuerySet[ProbeRun]) -> QuerySet[ProbeRun]:
    seen = runs.annotate(is_blind=blind_to(viewer, "evaluation_run"))
    return seen.select_related("judge_version", "evaluation_run", "created_by")


def probe_results(run: ProbeRun) -> list[dict[str, Any]] | None:
    """Return what each probe came to, None while the run is under way.

    The results are stored when it ends; a run whose end was cut short gets them now. Examples tell grades and reasons
    of single candidates: who judges these blind (`is_blind`, and where it was not asked) gets none.
    """
    if run.is_active:
        return None
    results: list[dict[str, Any]] = results_of(run) if run.results is None else run.results
    if getattr(run, "is_blind", True):
        return [{**result, "examples": []} for result in results]
    return results


def newest_probe_runs(versions: Collection[JudgeVersion], viewer: Actor) -> list[ProbeRun]:
    """Return the newest probe run of each of these versions that has one, as `viewer` may see it."""
    newest = ProbeRun.objects.filter(judge_version=OuterRef("judge_version")).order_by("-created_at", "-pk")
    runs = ProbeRun.objects.filter(judge_version__in=versions, pk=Subquery(newest.values("pk")[:1]))
    return list(_seen_by(viewer, runs))


def offered_runs() -> list[EvaluationRun]:
    """Return the evaluation runs that a page offers to take documents from: those large enough first, then newest."""
    completed = EvaluationRun.objects.filter(IN_USE, status=EvaluationRunStatus.COMPLETED, candidate_count__gt=0)
    is_large = Q(query_count__gte=MIN_QUERIES, candidate_count__gte=REPEATED)
    ordered = completed.annotate(is_large=ExpressionWrapper(is_large, output_field=BooleanField()))
    return list(ordered.select_related("evaluation").order_by("-is_large", "-created_at", "pk")[:_OFFERED])
