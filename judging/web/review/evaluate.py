"""The Evaluate page: one candidate at a time beside its query, blind first."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_http_methods
from django_htmx.http import trigger_client_event

from judging.foundation.errors import Invalid, NotFound
from judging.foundation.limits import MAX_REASONING, MAX_SKIP_REASON
from judging.ledger import PersonGrade
from judging.models import Candidate, EvaluationRun
from judging.records.blindness import evaluates_blind
from judging.records.grading import check_open
from judging.review.grid import GridRow, rows_of
from judging.review.handing_out import abstain, hold, next_candidate
from judging.review.own_grades import candidate_of, graded_before, progress_of
from judging.review.reviewing import grade_candidates
from judging.runs.run_lists import get_evaluation_run
from judging.web.base import PageRequest, go_to, page_or_fragment, signed_in
from judging.web.review.documents import FieldText, field_texts, image_address, query_details
from judging.web.review.given import given_note
from judging.web.review.grid_rows import grade_keys


@dataclass(frozen=True, slots=True)
class Shown:
    """A candidate as a human judge sees it. Holds nobody's grade, so that a template can't reveal one."""

    candidate_pk: int
    document_key: str
    rank: int | None
    query_text: str
    query_label: str
    query_details: list[FieldText]
    title: str
    image: str
    fields: list[FieldText]


@dataclass(frozen=True, slots=True)
class Committed:
    """A candidate that the human judge has graded, with the AI's grade of it, but for who evaluates blind."""

    candidate_pk: int
    query_text: str
    title: str
    document_key: str
    grade: int
    label: str
    note: str
    ai_grade: int | None
    ai_judge_label: str
    reasoning: str

    @property
    def saw(self) -> str:
        return "0" if self.ai_grade is None else "1"


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
def evaluate(request: PageRequest, run_id: UUID) -> HttpResponse:
    """Show the next candidate. A POST about one is answered with the next, in one round trip."""
    run = get_evaluation_run(run_id)
    if request.method == "POST":
        return _act(request, run)
    if request.htmx and request.GET.get("part") == "progress":
        return render(request, "judging/review/evaluate/_progress.html", _progress(request, run))
    if not run.takes_grades:
        return render(request, "judging/review/evaluate/evaluate.html", {"run": run, "is_closed": True})
    after = _named(request.GET.get("after", ""), run)
    chosen = _named(request.GET.get("candidate", ""), run)
    return _page(request, run, after=after, chosen=chosen)


def _act(request: PageRequest, run: EvaluationRun) -> HttpResponse:
    candidate = _named(request.POST.get("candidate", ""), run)
    if candidate is None:
        raise NotFound("no such candidate in this evaluation run")
    act = request.POST.get("act", "grade")
    if act == "skip":
        check_open(run)
    elif act == "abstain":
        abstain(candidate=candidate, actor=request.user, reason=request.POST.get("reason", ""))
    elif act == "grade":
        given = request.POST.get("grade", "")
        if not (given.isascii() and given.isdecimal() and len(given) < 4):
            raise Invalid("choose a grade first")
        grade = PersonGrade(candidate.pk, int(given), given_note(request), request.POST.get("saw") == "1")
        grade_candidates(run=run, grades=[grade], actor=request.user)
    elif act == "take_back":
        grade_candidates(run=run, grades=[PersonGrade(candidate.pk)], actor=request.user)
    else:
        raise Invalid("there is no such act")
    if not request.htmx:
        return go_to(request, f"{reverse('evaluate', args=[run.pk])}?after={candidate.pk}")
    response = _page(request, run, after=candidate)
    return trigger_client_event(response, "releval:graded")


def _page(
    request: PageRequest, run: EvaluationRun, *, after: Candidate | None = None, chosen: Candidate | None = None
) -> HttpResponse:
    is_blind = evaluates_blind(run, request.user)
    committed: Committed | None = None
    if chosen is not None:
        (row,) = rows_of(run, [chosen.pk], viewer=request.user)
        committed = committed_of(row, run, is_blind=is_blind)
        if committed is None and not hold(candidate=chosen, actor=request.user):
            chosen = None
    candidate = chosen or next_candidate(run=run, actor=request.user, after=after)
    # What was just graded, else what was graded before: one step back, and from there another.
    last = after if chosen is None and after is not None else graded_before(run, request.user, chosen)
    ids = list(dict.fromkeys(each.pk for each in (candidate, last) if each is not None))
    rows = {row.candidate_pk: row for row in rows_of(run, ids, viewer=request.user)}
    context = {
        "run": run,
        "url": reverse("evaluate", args=[run.pk]),
        "grades": grade_keys(run.grading_scale),
        "shown": shown_of(rows[candidate.pk], is_blind=is_blind) if candidate is not None else None,
        # The user's own earlier grade, and with it the AI's: changing it is not blind any more.
        "own": committed,
        "previous": committed_of(rows[last.pk], run, is_blind=is_blind) if last is not None else None,
        "is_blind": is_blind,
        "is_just_graded": last is not None and last == after,
        "max_reason": MAX_SKIP_REASON,
        "max_note": MAX_REASONING,
    }
    if not request.htmx:
        context |= _progress(request, run)
    return page_or_fragment(
        request, "judging/review/evaluate/evaluate.html", "judging/review/evaluate/_answer.html", context
    )


def _progress(request: PageRequest, run: EvaluationRun) -> dict[str, Any]:
    return {"run": run, "progress": progress_of(run, request.user), "url": reverse("evaluate", args=[run.pk])}


def shown_of(row: GridRow, *, is_blind: bool) -> Shown:
    """Return a row without anybody's grade, and without its rank for who evaluates blind."""
    return Shown(
        candidate_pk=row.candidate_pk,
        document_key=row.document_key,
        rank=None if is_blind else row.rank,
        query_text=row.query_text,
        query_label=row.query_label,
        query_details=query_details(row.query),
        title=row.title,
        image=image_address(row.image),
        fields=field_texts(row.fields),
    )


def committed_of(row: GridRow, run: EvaluationRun, *, is_blind: bool) -> Committed | None:
    """Return a row with its viewer's grade, and unless they evaluate blind the AI's; None without their own."""
    if row.my_grade is None:
        return None
    return Committed(
        candidate_pk=row.candidate_pk,
        query_text=row.query_text,
        title=row.title,
        document_key=row.document_key,
        grade=row.my_grade,
        label=run.grading_scale.label(row.my_grade),
        note=row.my_reasoning,
        ai_grade=None if is_blind else row.ai_grade,
        ai_judge_label="" if is_blind else row.ai_judge_label,
        reasoning="" if is_blind else row.reasoning,
    )


def _named(text: str, run: EvaluationRun) -> Candidate | None:
    if not text:
        return None
    if not (text.isascii() and text.isdecimal() and len(text) < 19):
        raise NotFound("no such candidate in this evaluation run")
    return candidate_of(run, int(text))
