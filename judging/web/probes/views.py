"""Probes on the page of a judge: started, followed, cancelled, and what each came to."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from judging.foundation.errors import Conflict, Invalid, NotFound
from judging.foundation.limits import MAX_INTEGER
from judging.models import AIJudge, EvaluationRun, JudgeVersion, Probe, ProbeRun, User
from judging.probes.acts import cancel_probes, start_probes
from judging.probes.reads import get_probe_run, newest_probe_runs, offered_runs, probe_results
from judging.records.visibility import get_judge
from judging.runs.run_lists import get_evaluation_run
from judging.web.base import PageRequest, errors_as_toast, go_to, member_required
from judging.web.probes.words import reading_words
from judging.work import workers
from judging.work.rescue import rescue_if_stalled

_LOOKS = {"passed": "success", "failed": "danger", "shown": "info", "not_run": "neutral"}
_OUTCOMES = {"passed": "Passed", "failed": "Failed", "shown": "No mark", "not_run": "Not run"}


@dataclass(frozen=True, slots=True)
class ProbeRow:
    """A probe as the page shows it. `readings` are in words, each with whether its mark is met (None: it has none)."""

    probe: str
    outcome: str
    look: str
    reason: str
    readings: list[tuple[str, bool | None]]
    examples: list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class ProbeBlock:
    """A probe run as the page shows it; rows once it has ended."""

    run: ProbeRun
    rows: list[ProbeRow]
    summary: str
    is_worker_missing: bool

    @property
    def scale(self) -> str:
        return self.run.evaluation_run.scale


def probe_block(run: ProbeRun) -> ProbeBlock:
    """Return what the page shows of a probe run; look after it when nobody works on it."""
    rescue_if_stalled(run)
    results = probe_results(run) or []
    counts = Counter(result["outcome"] for result in results)
    summary = ", ".join(f"{counts[name]} {words.lower()}" for name, words in _OUTCOMES.items() if counts[name])
    return ProbeBlock(
        run, [_row(result) for result in results], summary, run.is_active and not workers.has_live_worker()
    )


def _row(result: dict[str, Any]) -> ProbeRow:
    return ProbeRow(
        probe=result["probe"],
        outcome=_OUTCOMES[result["outcome"]],
        look=_LOOKS[result["outcome"]],
        reason=result["reason"],
        readings=[(reading_words(reading), reading["is_met"]) for reading in result["readings"] if _is_told(reading)],
        examples=result["examples"],
    )


def _is_told(reading: dict[str, Any]) -> bool:
    """Leave out what has neither a value nor a mark, such as the agreement of grades that are all the same."""
    return reading["value"] is not None or bool(reading["mark"])


def probes_context(judge: AIJudge, versions: Sequence[JudgeVersion], viewer: User) -> dict[str, Any]:
    """Return what the page of a judge shows of its probes: the newest run of each version, and the form."""
    blocks = [probe_block(run) for run in newest_probe_runs(versions, viewer)]
    blocks.sort(key=lambda block: -block.run.judge_version.number)
    return {
        "probe_blocks": blocks,
        "probe_versions": versions,
        "probe_form_runs": [] if judge.archived_at else offered_runs(),
        "probe_names": Probe.choices,
    }


class ProbeForm(forms.Form):
    """Where queries and documents come from, which version is asked, and which probes (none chosen: all)."""

    evaluation_run_id = forms.UUIDField()
    version = forms.IntegerField(required=False, min_value=1, max_value=MAX_INTEGER)
    probes = forms.MultipleChoiceField(required=False, choices=Probe.choices)


@require_POST
@member_required
def start_judge_probes(request: PageRequest, judge_id: UUID) -> HttpResponse:
    """Start probes, and go back to the page that follows them; what is refused is said there."""
    judge = get_judge(request.user, judge_id)
    form = ProbeForm(request.POST)
    if not form.is_valid():
        errors = {name: [str(text) for text in texts] for name, texts in form.errors.items()}
        raise Invalid("these probes can't be started", errors=errors)
    with errors_as_toast(request, Conflict, Invalid, NotFound):
        run: EvaluationRun = get_evaluation_run(form.cleaned_data["evaluation_run_id"])
        start_probes(
            judge=judge,
            evaluation_run=run,
            actor=request.user,
            version=form.cleaned_data["version"],
            probes=form.cleaned_data["probes"],
        )
    return _to_page(request, judge)


@require_GET
@member_required
def judge_probes(request: PageRequest, judge_id: UUID, probe_run_id: UUID) -> HttpResponse:
    """Answer the part of the page about one probe run, which polls while it is under way."""
    judge = get_judge(request.user, judge_id)
    if not request.htmx:
        return _to_page(request, judge)
    run = _run_of(request, judge, probe_run_id)
    return render(request, "judging/probes/_run.html", {"judge": judge, "block": probe_block(run)})


@require_POST
@member_required
def cancel_judge_probes(request: PageRequest, judge_id: UUID, probe_run_id: UUID) -> HttpResponse:
    """Cancel, and go back to the page; if they have ended by then, say so."""
    judge = get_judge(request.user, judge_id)
    with errors_as_toast(request, Conflict, level=messages.INFO):
        cancel_probes(probe_run=_run_of(request, judge, probe_run_id), actor=request.user)
    return _to_page(request, judge)


def _run_of(request: PageRequest, judge: AIJudge, probe_run_id: UUID) -> ProbeRun:
    run = get_probe_run(request.user, probe_run_id)
    if run.judge_version.judge_id != judge.pk:
        raise NotFound("no such probe run")
    return run


def _to_page(request: PageRequest, judge: AIJudge) -> HttpResponse:
    return go_to(request, f"{reverse('ai_judge_trust', args=[judge.pk])}#probes")
