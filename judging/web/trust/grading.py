"""The page on which people grade a check sample: one item at a time of those leased to them, and blind."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_http_methods
from django_htmx.http import trigger_client_event

from judging.foundation.errors import Invalid, NotFound
from judging.foundation.limits import MAX_REASONING, MAX_SKIP_REASON
from judging.ledger import PersonGrade
from judging.models import Candidate, CheckSample
from judging.review.grid import rows_of
from judging.review.reviewing import grade_candidates
from judging.trust.samples.acts import sample_candidate, skip_item
from judging.trust.samples.handing_out import is_anything_left, leased_candidates, next_items, postpone_item
from judging.trust.samples.own_work import own_counts
from judging.trust.samples.planning import BATCH
from judging.trust.samples.states import get_check_sample, runs_of, sample_state
from judging.web.base import PageRequest, go_to, page_or_fragment, signed_in, toast
from judging.web.review.evaluate import Committed, committed_of, shown_of
from judging.web.review.given import given_note
from judging.web.review.grid_rows import grade_keys
from judging.web.trust.samples import row_of, sample_title


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
def grade_sample(request: PageRequest, sample_id: UUID) -> HttpResponse:
    """Show the next item of the batch. A POST about one is answered with the next; after the last comes the look."""
    sample = get_check_sample(sample_id)
    if request.method == "POST":
        return _act(request, sample)
    if request.htmx and request.GET.get("part") == "progress":
        return render(request, "judging/trust/_batch_progress.html", _progress(request, sample))
    if any(run.is_locked or run.status != "completed" for run in runs_of(sample)):
        return render(request, "judging/trust/grade.html", {**_common(sample), "is_closed": True})
    return _page(request, sample, chosen=_named(request.GET.get("candidate", ""), sample))


def _act(request: PageRequest, sample: CheckSample) -> HttpResponse:
    act = request.POST.get("act", "grade")
    if act == "take":
        if not next_items(sample=sample, actor=request.user).items:
            toast(request, messages.INFO, "Nothing of this sample is left for you at the moment.")
        return go_to(request, "grade_sample", sample.pk)
    candidate = _named(request.POST.get("candidate", ""), sample)
    if candidate is None:
        raise NotFound("no such item of this check sample")
    done: Candidate | None = None
    if act == "skip":
        postpone_item(sample=sample, candidate=candidate, actor=request.user)
    elif act == "abstain":
        skip_item(sample=sample, candidate=candidate, reason=request.POST.get("reason", ""), actor=request.user)
    elif act == "grade":
        given = request.POST.get("grade", "")
        if not (given.isascii() and given.isdecimal() and len(given) < 4):
            raise Invalid("choose a grade first")
        # This page never shows the AI's grade, whatever a form claims; what was seen elsewhere the ledger knows.
        grade = PersonGrade(candidate.pk, int(given), given_note(request), saw_ai_grade=False)
        grade_candidates(run=candidate.of_run, grades=[grade], actor=request.user)
        done = candidate
    elif act == "take_back":
        grade_candidates(run=candidate.of_run, grades=[PersonGrade(candidate.pk)], actor=request.user)
    else:
        raise Invalid("there is no such act")
    if not request.htmx:
        return go_to(request, "grade_sample", sample.pk)
    return trigger_client_event(_page(request, sample, done=done), "releval:graded")


def _page(
    request: PageRequest, sample: CheckSample, *, done: Candidate | None = None, chosen: Candidate | None = None
) -> HttpResponse:
    leased = leased_candidates(sample, request.user)
    own = _committed(request, chosen)
    if chosen is not None and own is None and chosen.pk not in leased:
        # Somebody else's by now, or nobody's: only what one has leased is shown.
        chosen = None
    candidate = chosen or (sample_candidate(sample, leased[0]) if leased else None)
    context: dict[str, Any] = {
        **_common(sample),
        "shown": None,
        "own": own,
        "previous": _committed(request, done),
        "is_blind": True,
        "is_just_graded": True,
        "leased_count": len(leased),
    }
    if candidate is not None:
        (row,) = rows_of(candidate.of_run, [candidate.pk], viewer=request.user)
        context["shown"] = shown_of(row, is_blind=True)
    else:
        context |= _look(request, sample)
    if not request.htmx:
        context |= _progress(request, sample)
    return page_or_fragment(request, "judging/trust/grade.html", "judging/review/evaluate/_answer.html", context)


def _common(sample: CheckSample) -> dict[str, Any]:
    return {
        "sample": sample,
        "title": sample_title(sample),
        "run": sample.run,
        "url": reverse("grade_sample", args=[sample.pk]),
        "grades": grade_keys(sample.run.grading_scale),
        "max_reason": MAX_SKIP_REASON,
        "max_note": MAX_REASONING,
        "batch": BATCH,
    }


def _look(request: PageRequest, sample: CheckSample) -> dict[str, Any]:
    """Return what stands between two batches: for members the look, for raters how much they have done."""
    state = sample_state(sample)
    look = state.look
    context: dict[str, Any] = {
        "row": row_of(state),
        "has_more": look is not None and is_anything_left(sample, look, request.user),
        "own_count": own_counts([sample], request.user)[0],
    }
    return context


def _progress(request: PageRequest, sample: CheckSample) -> dict[str, Any]:
    left = len(leased_candidates(sample, request.user))
    return {
        **_common(sample),
        "left_count": left,
        "done_count": max(BATCH - left, 0),
        "own_count": own_counts([sample], request.user)[0],
    }


def _committed(request: PageRequest, candidate: Candidate | None) -> Committed | None:
    """Return one's own grade of an item, without the AI's."""
    if candidate is None:
        return None
    (row,) = rows_of(candidate.of_run, [candidate.pk], viewer=request.user)
    return committed_of(row, candidate.of_run, is_blind=True)


def _named(text: str, sample: CheckSample) -> Candidate | None:
    if not text:
        return None
    if not (text.isascii() and text.isdecimal() and len(text) < 19):
        raise NotFound("no such item of this check sample")
    return sample_candidate(sample, int(text))
