"""Probe runs as every interface lists them."""

from typing import Any
from uuid import UUID

from django.db.models import QuerySet

from judging.foundation.errors import NotFound
from judging.models import AIJudge, ProbeRun
from judging.probes.results import results_of
from judging.records.roles import Actor
from judging.records.visibility import visible_judges


def probe_runs(judge: AIJudge) -> QuerySet[ProbeRun]:
    """Return the probe runs of a judge's versions, newest first."""
    runs = ProbeRun.objects.filter(judge_version__judge=judge)
    return runs.select_related("judge_version", "evaluation_run", "created_by").order_by("-created_at", "-pk")


def get_probe_run(user: Actor, probe_run_id: UUID) -> ProbeRun:
    """Return a probe run of a judge that `user` sees. Raise NotFound."""
    judges = visible_judges(user, with_archived=True)
    runs = ProbeRun.objects.filter(pk=probe_run_id, judge_version__judge__in=judges)
    run = runs.select_related("judge_version", "evaluation_run", "created_by").first()
    if run is None:
        raise NotFound("no such probe run")
    return run


def probe_results(run: ProbeRun) -> list[dict[str, Any]] | None:
    """Return what each probe came to, None while the run is under way.

    The results are stored when it ends; a run whose end was cut short gets them now.
    """
    if run.is_active:
        return None
    results: list[dict[str, Any]] = results_of(run) if run.results is None else run.results
    return results
