"""A run's tab "People": who judges it, how far and how well, and which queries are assigned to whom."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_http_methods

from judging.foundation.errors import Invalid
from judging.models import EvaluationRun, RunQuery, User
from judging.review.team.assigning import assign_queries, share_out
from judging.review.team.people import PersonAtWork, assignees, people_at_work, unassigned
from judging.runs.run_lists import get_evaluation_run, run_queries
from judging.statistics.agreement.people import PersonFigures
from judging.trust.agreement import each_beside_the_others
from judging.web.base import PageRequest, go_to, member_required, page_of, searched_for, toast

_QUERIES = 50
# Agreement in larger runs is computed after the page, in a request of its own.
_COMPARED_AT_ONCE = 20_000


@dataclass(frozen=True, slots=True)
class PersonRow:
    """A person with their grades beside the others'; `agreement` is None where they share no candidate."""

    at_work: PersonAtWork
    agreement: PersonFigures | None


@dataclass(frozen=True, slots=True)
class QueryRow:
    query: RunQuery
    people: list[User]


@require_http_methods(["GET", "HEAD", "POST"])
@member_required
def run_people(request: PageRequest, run_id: UUID) -> HttpResponse:
    """Show who judges a run; a POST assigns queries."""
    run = get_evaluation_run(run_id)
    if request.method == "POST":
        return _assign(request, run)
    is_part = request.htmx and request.GET.get("part") == "people"
    is_compared = bool(is_part) or run.candidate_count <= _COMPARED_AT_ONCE
    beside = each_beside_the_others(run) if is_compared else {}
    context = {
        "run": run,
        "people": [PersonRow(each, beside.get(each.user.email)) for each in people_at_work(run)],
        "is_compared": is_compared,
    }
    if is_part:
        return render(request, "judging/review/team/_people.html", context)
    return render(request, "judging/review/team/people.html", context | _queries(request, run))


def _queries(request: PageRequest, run: EvaluationRun) -> dict[str, Any]:
    search = searched_for(request)
    page = page_of(request, run_queries(run, search=search)[0], size=_QUERIES)
    people = assignees([query.pk for query in page.rows])
    return {
        "search": search,
        "queries": page,
        "query_rows": [QueryRow(query, people.get(query.pk, [])) for query in page.rows],
        "unassigned": unassigned(run),
        "here": request.get_full_path(),
    }


def _assign(request: PageRequest, run: EvaluationRun) -> HttpResponse:
    people, act = _ids(request, "people"), request.POST.get("act", "")
    if act == "queries":
        queries = _ids(request, "queries")
        if not queries:
            raise Invalid("choose the queries first")
        assign_queries(run=run, run_query_ids=queries, people=people, actor=request.user)
        told = f"assigned to {_people(people)}" if people else "taken back"
        toast(request, messages.SUCCESS, f"{len(queries)} quer{'y' if len(queries) == 1 else 'ies'} {told}.")
    elif act in ("share", "share_rest"):
        if not people:
            raise Invalid("choose the people first")
        share_out(run=run, people=people, actor=request.user, only_unassigned=act == "share_rest")
        toast(request, messages.SUCCESS, f"Shared out to {_people(people)}.")
    elif act == "clear":
        share_out(run=run, people=[], actor=request.user)
        toast(request, messages.SUCCESS, "All assignments are taken back: everybody is offered everything.")
    else:
        raise Invalid("there is no such act")
    # Back to the page of queries that one was on.
    return go_to(request, request.get_full_path())


def _people(people: list[UUID]) -> str:
    return f"{len(people)} {'person' if len(people) == 1 else 'people'}"


def _ids(request: PageRequest, name: str) -> list[UUID]:
    try:
        return [UUID(text) for text in request.POST.getlist(name)]
    except ValueError:
        raise Invalid("something chosen here is not known") from None
