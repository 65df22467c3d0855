"""Query sets: list, make by pasting, from a file or from a log, look through, change, archive, delete."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_POST, require_safe

from judging.models import SearchQuerySet, SetQuery, User, canonical_json
from judging.search.query_sets.reads import get_query_set, inclusion_probability, query_sets, set_queries, text_of
from judging.search.query_sets.sets import (
    archive_query_set,
    change_query_set,
    create_awkward_queries,
    create_query_set,
    delete_query_set,
    restore_query_set,
    sample_query_set,
    upload_query_set,
)
from judging.web.base import PageRequest, errors_on, member_required, page_of, tell_and_go
from judging.web.search.lab.addresses import address_of_query
from judging.web.search.query_sets.forms import METHODS, ChangeForm, PasteForm, QuerySetForm, SampleForm, UploadForm

_SHOWN_CHARS = 2_000


@dataclass(frozen=True, slots=True)
class QueryRow:
    """A query as the list shows it; `properties` is JSON of what an object holds besides."""

    query: SetQuery
    text: str
    properties: str
    inclusion_probability: float | None
    lab_url: str


def _paste(user: User, values: dict[str, Any]) -> SearchQuerySet:
    return create_query_set(actor=user, **values)


def _upload(user: User, values: dict[str, Any]) -> SearchQuerySet:
    return upload_query_set(actor=user, **values, file_name=values["file"].name or "")


def _sample(user: User, values: dict[str, Any]) -> SearchQuerySet:
    return sample_query_set(actor=user, **values)


# By the word in ?from=.
_WAYS: dict[str, tuple[type[QuerySetForm], Callable[[User, dict[str, Any]], SearchQuerySet]]] = {
    "paste": (PasteForm, _paste),
    "file": (UploadForm, _upload),
    "log": (SampleForm, _sample),
}


@require_safe
@member_required
def query_set_list(request: PageRequest) -> HttpResponse:
    is_archived = request.GET.get("archived") == "yes"
    page = page_of(request, query_sets(is_archived=is_archived))
    return render(request, "judging/search/query_sets/list.html", {"page": page, "is_archived": is_archived})


@member_required
def query_set_create(request: PageRequest) -> HttpResponse:
    way = request.GET.get("from", "")
    way = way if way in _WAYS else "paste"
    form_class, make = _WAYS[way]
    if request.method != "POST":
        return render(request, "judging/search/query_sets/create.html", {"form": form_class(), "way": way})
    form = form_class(request.POST, request.FILES)
    if form.is_valid():
        with errors_on(form):
            made = make(request.user, form.cleaned_data)
            return tell_and_go(request, f"{made.name} is made: {made.query_count:,} queries.", "query_set", made.pk)
    return render(request, "judging/search/query_sets/create.html", {"form": form, "way": way}, status=400)


@require_POST
@member_required
def awkward_queries(request: PageRequest) -> HttpResponse:
    made = create_awkward_queries(actor=request.user)
    return tell_and_go(
        request, f"{made.name} is made: {made.query_count} that break search boxes.", "query_set", made.pk
    )


@require_safe
@member_required
def query_set(request: PageRequest, query_set_id: UUID) -> HttpResponse:
    found = get_query_set(query_set_id)
    search = request.GET.get("search", "")
    page = page_of(request, set_queries(found, search), size=100)
    context = {
        "query_set": found,
        "search": search,
        "page": page,
        "rows": [_row(found, query) for query in page.rows],
        "method": dict(METHODS).get((found.sample_report or {}).get("method", ""), ""),
    }
    return render(request, "judging/search/query_sets/detail.html", context)


@member_required
def query_set_edit(request: PageRequest, query_set_id: UUID) -> HttpResponse:
    found = get_query_set(query_set_id)
    form = ChangeForm(found, request.POST if request.method == "POST" else None)
    if form.is_valid():
        with errors_on(form):
            values = form.cleaned_data
            queries = values.pop("queries")
            changed = change_query_set(
                actor=request.user, query_set=found, fields=values, queries=queries if queries.strip() else None
            )
            return tell_and_go(
                request, f"{changed.name} is saved: {changed.query_count:,} queries.", "query_set", found.pk
            )
    status = 400 if form.is_bound else 200
    return render(request, "judging/search/query_sets/edit.html", {"query_set": found, "form": form}, status=status)


@require_POST
@member_required
def query_set_archive(request: PageRequest, query_set_id: UUID) -> HttpResponse:
    found = archive_query_set(actor=request.user, query_set=get_query_set(query_set_id))
    return tell_and_go(request, f"{found.name} is archived. What uses it goes on.", "query_sets")


@require_POST
@member_required
def query_set_restore(request: PageRequest, query_set_id: UUID) -> HttpResponse:
    found = restore_query_set(actor=request.user, query_set=get_query_set(query_set_id))
    return tell_and_go(request, f"{found.name} is back in the list.", "query_set", found.pk)


@require_POST
@member_required
def query_set_delete(request: PageRequest, query_set_id: UUID) -> HttpResponse:
    found = get_query_set(query_set_id)
    delete_query_set(actor=request.user, query_set=found)
    return tell_and_go(request, f"{found.name} is deleted.", "query_sets")


def _row(query_set: SearchQuerySet, query: SetQuery) -> QueryRow:
    others = {name: value for name, value in query.body.items() if name != "query"} if query_set.property_types else {}
    properties = canonical_json(others)[:_SHOWN_CHARS] if others else ""
    probability = inclusion_probability(query_set.sample_report, query)
    return QueryRow(query, text_of(query), properties, probability, address_of_query(query.body))
