"""The page of an AI judging run: progress, what it said of each candidate, what failed and what helps."""

from typing import Any
from uuid import UUID, uuid4

from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_GET
from django_htmx.http import trigger_client_event

from judging.exports import ITEM_FORMATS, checked_format, export_judging_run
from judging.foundation.errors import Conflict, NotFound
from judging.judging_runs.failures import failure_examples
from judging.judging_runs.run_reads import get_judging_run, judging_items
from judging.judging_runs.slowness import with_slowness
from judging.judging_runs.starting import check_can_start
from judging.models import ItemStatus, JudgingRun
from judging.records.blindness import check_sighted, sight_of
from judging.records.visibility import visible_judges
from judging.runs.run_lists import get_evaluation_run
from judging.web.base import PageRequest, member_required, page_of, sentence
from judging.web.files import download
from judging.web.judges.setting_forms import told_settings
from judging.web.remedies import ITEM_REMEDIES, item_remedy, remedy_link
from judging.web.run_rows import JudgingRow
from judging.work.rescue import rescue_if_stalled


@require_GET
@member_required
def judging_run(request: PageRequest, judging_run_id: UUID) -> HttpResponse:
    """Show an AI judging run. `?part=live` is polled while it is under way; `?part=items` comes when it ended."""
    part = request.GET.get("part", "") if request.htmx else ""
    try:
        run = get_judging_run(judging_run_id)
    except NotFound:
        if not part:
            raise
        return render(request, "judging/runs/_gone.html", {"part": "live"})
    if part == "live":
        return _live_part(request, run)
    if part == "items" or request.htmx.target == "items":
        return render(request, "judging/judging_runs/_items.html", _items(request, run))
    settings = told_settings({**run.judge_version.settings_dict(), "max_concurrency": run.max_concurrency})
    context = {**_live(request, run), **_items(request, run), "settings": settings}
    return render(request, "judging/judging_runs/detail.html", context)


@require_GET
@member_required
def judging_run_export(request: PageRequest, judging_run_id: UUID) -> HttpResponseBase:
    run = get_judging_run(judging_run_id)
    check_sighted(run.evaluation_run, request.user)
    file_format = checked_format(ITEM_FORMATS, request.GET.get("file_format", "csv"))
    title = f"{run.evaluation_run.name} {run.judge_version.label}"
    return download(export_judging_run(run, file_format.name), title, "ai-judging-run", file_format)


def _live_part(request: PageRequest, run: JudgingRun) -> HttpResponse:
    response = render(request, "judging/judging_runs/_live.html", {**_live(request, run), "has_title": True})
    if run.is_settled:
        trigger_client_event(response, "releval:run-ended", after="settle")
    return response


def _live(request: PageRequest, run: JudgingRun) -> dict[str, Any]:
    rescue_if_stalled(run)
    with_slowness([run])
    version = run.judge_version
    context: dict[str, Any] = {
        "judging_run": run,
        "row": JudgingRow(run),
        "version": version,
    }
    if not run.is_active:
        # Failed items are judged again with the judge's current version, by any user who may use it.
        judge = visible_judges(request.user).filter(pk=version.judge_id).first()
        context |= {"judge": judge, "again_key": str(uuid4()), "reason": _reason(run)}
        context["left_count"] = run.failed_count + run.skipped_count
        context["as_trial"] = "&trial=1" if run.trial else ""
    return context


def _reason(run: JudgingRun) -> str:
    try:
        check_can_start(run.evaluation_run)
    except Conflict as error:
        return sentence(error.message)
    return ""


def _items(request: PageRequest, run: JudgingRun) -> dict[str, Any]:
    if sight_of(run.evaluation_run, request.user).is_blind:
        return {"judging_run": run, "evaluation_run": run.evaluation_run, "is_blind": True}
    status = request.GET.get("status", "")
    status = status if status in ItemStatus.values else ""
    code = request.GET.get("code", "")
    code = code if code in ITEM_REMEDIES else ""
    items = judging_items(run, status=ItemStatus.FAILED if code else status, failure_code=code)
    counts = {
        "": run.total_count,
        ItemStatus.JUDGED: run.judged_count,
        ItemStatus.FAILED: run.failed_count,
        ItemStatus.SKIPPED: run.skipped_count,
        ItemStatus.PENDING: run.pending_count,
    }
    labels: dict[str, str] = {"": "All", **dict(ItemStatus.choices)}
    return {
        "judging_run": run,
        "evaluation_run": get_evaluation_run(run.evaluation_run_id),
        "items": page_of(request, items.select_related("candidate__document_version"), size=25),
        "status": ItemStatus.FAILED if code else status,
        "code": code,
        "code_title": item_remedy(code).title if code else "",
        "filters": [(name, labels[name], count) for name, count in counts.items() if count or not name],
        "failures": [_failure(run, example) for example in failure_examples(run)],
    }


def _failure(run: JudgingRun, example: Any) -> dict[str, Any]:
    remedy = item_remedy(example.code)
    url, link = remedy_link(remedy, run.judge_version)
    return {"example": example, "remedy": remedy, "url": url, "link": link}
