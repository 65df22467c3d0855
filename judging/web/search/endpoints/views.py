"""Search endpoints: list, make, change, archive, restore, delete, and the bench. The editor's acts are buttons of one
form, so that what is typed is asked before it is stored; htmx swaps the part that an act is about."""

from typing import Any
from uuid import UUID

from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST, require_safe

from judging.corpora.corpora import create_corpus
from judging.foundation.errors import Conflict, Invalid
from judging.models import SearchEndpoint
from judging.search.endpoints.acts import (
    archive_endpoint,
    create_endpoint,
    delete_endpoint,
    restore_endpoint,
    update_endpoint,
)
from judging.search.endpoints.drafts import apply_changes, check_endpoint
from judging.search.endpoints.reads import endpoint_list, get_endpoint
from judging.web.base import PageRequest, errors_on, member_required, page_of, page_or_fragment, sentence, tell_and_go
from judging.web.search.endpoints.authentication_form import SECRETS
from judging.web.search.endpoints.bench import BenchForm, ask, bench_initial, proposals, read_again
from judging.web.search.endpoints.forms import EndpointForm, preset_values

_PAGE = "judging/search/endpoints/editor.html"
_EDITOR = "judging/search/endpoints/_editor.html"
_RESULTS = "judging/search/endpoints/_results.html"


@require_safe
@member_required
def search_endpoints(request: PageRequest) -> HttpResponse:
    is_archived = request.GET.get("archived") == "yes"
    page = page_of(request, endpoint_list(request.user, archived=is_archived))
    return render(request, "judging/search/endpoints/list.html", {"page": page, "is_archived": is_archived})


@sensitive_post_parameters(*SECRETS)
@member_required
def search_endpoint_create(request: PageRequest) -> HttpResponse:
    return _editor(request, None)


@sensitive_post_parameters(*SECRETS)
@member_required
def search_endpoint(request: PageRequest, endpoint_id: UUID) -> HttpResponse:
    return _editor(request, get_endpoint(request.user, endpoint_id))


@require_POST
@member_required
def archive_search_endpoint(request: PageRequest, endpoint_id: UUID) -> HttpResponse:
    endpoint = archive_endpoint(actor=request.user, endpoint=get_endpoint(request.user, endpoint_id))
    return tell_and_go(request, f"{endpoint.name} is archived. What uses it goes on.", "search_endpoints")


@require_POST
@member_required
def restore_search_endpoint(request: PageRequest, endpoint_id: UUID) -> HttpResponse:
    endpoint = restore_endpoint(actor=request.user, endpoint=get_endpoint(request.user, endpoint_id))
    return tell_and_go(request, f"{endpoint.name} is back in the list.", "search_endpoint", endpoint.pk)


@require_POST
@member_required
def delete_search_endpoint(request: PageRequest, endpoint_id: UUID) -> HttpResponse:
    endpoint = get_endpoint(request.user, endpoint_id)
    name = endpoint.name
    try:
        delete_endpoint(actor=request.user, endpoint=endpoint)
    except Conflict as error:
        return _page(request, endpoint, EndpointForm(endpoint=endpoint), refused=sentence(error.message), status=409)
    return tell_and_go(request, f"{name} is deleted.", "search_endpoints")


def _editor(request: PageRequest, endpoint: SearchEndpoint | None) -> HttpResponse:
    if request.method != "POST":
        return _page(request, endpoint, EndpointForm(endpoint=endpoint))
    acts = {"preset": _preset, "ask": _ask, "read": _read}
    return acts.get(request.POST.get("act", ""), _save)(request, endpoint)


def _save(request: PageRequest, endpoint: SearchEndpoint | None) -> HttpResponse:
    form = EndpointForm(request.POST, endpoint=endpoint)
    if form.is_valid():
        with errors_on(form):
            if endpoint is None:
                saved = _create(request, form.values())
            else:
                saved = update_endpoint(actor=request.user, endpoint=endpoint, **form.values())
            return tell_and_go(request, f"{saved.name} is saved.", "search_endpoint", saved.pk)
    return _page(request, endpoint, form, bench=_bench_as_typed(request), status=400)


def _create(request: PageRequest, values: dict[str, Any]) -> SearchEndpoint:
    fields = values["fields"]
    # A corpus without the endpoint that it was made for would only puzzle.
    with transaction.atomic():
        if fields["corpus_id"] is None:
            fields["corpus_id"] = create_corpus(actor=request.user, name=fields["name"]).pk
        return create_endpoint(actor=request.user, **values)


def _preset(request: PageRequest, endpoint: SearchEndpoint | None) -> HttpResponse:
    """Draw the form of a new endpoint with what its type is usually read and paged with."""
    values = request.POST.copy()
    preset = preset_values(EndpointForm(values).type_name)
    for name, value in preset.items():
        values[name] = str(value)
    # Unbound, so that nothing is called wrong before it was typed.
    form = EndpointForm(endpoint=endpoint)
    form.initial.update({name: values.get(name, "") for name in form.fields if name in values and name not in SECRETS})
    form.fields["url"].widget.attrs["placeholder"] = EndpointForm(values).fields["url"].widget.attrs["placeholder"]
    bench = BenchForm(initial={**bench_initial(preset), "queries": values.get("queries", "")})
    return _page(request, endpoint, form, bench=bench, fragment=_EDITOR)


def _ask(request: PageRequest, endpoint: SearchEndpoint | None) -> HttpResponse:
    form, bench = EndpointForm(request.POST, endpoint=endpoint, is_draft=True), _bench_as_typed(request)
    found: dict[str, Any] = {"results": [], "problems": []}
    if form.is_valid() and bench.is_valid():
        try:
            typed = form.values()
            draft = endpoint or SearchEndpoint(name="Draft")
            typed["fields"]["name"] = typed["fields"].get("name") or draft.name
            apply_changes(draft, typed["fields"], typed["authentication"])
            check_endpoint(draft)
            found["results"] = ask(request.user, draft, bench)
            found["proposals"] = proposals(found["results"])
        except Invalid as error:
            found["problems"] = _told(error.errors or {"": [error.message]}, form, bench)
    else:
        found["problems"] = _told({**form.errors, **bench.errors}, form, bench)
    return _page(request, endpoint, form, bench=bench, fragment=_RESULTS, **found)


def _read(request: PageRequest, endpoint: SearchEndpoint | None) -> HttpResponse:
    """Read the answers that the page holds anew, without asking the engine."""
    mapping = request.POST.get("candidates_mapping", "")
    results = read_again(request.POST, mapping)
    form = EndpointForm(request.POST, endpoint=endpoint)
    return _page(
        request,
        endpoint,
        form,
        bench=_bench_as_typed(request),
        fragment=_RESULTS,
        results=results,
        proposals=proposals(results),
        is_reread=True,
    )


def _bench_as_typed(request: PageRequest) -> BenchForm:
    return BenchForm(request.POST)


def _told(errors: Any, *forms: Any) -> list[str]:
    """Write errors of fields as sentences that begin with the field's label."""
    labels = {name: field.label for form in forms for name, field in form.fields.items()}
    return [
        f"{labels[name]}: {sentence(str(text))}" if labels.get(name) else sentence(str(text))
        for name, texts in errors.items()
        for text in texts
    ]


def _page(
    request: PageRequest,
    endpoint: SearchEndpoint | None,
    form: EndpointForm,
    *,
    bench: BenchForm | None = None,
    fragment: str = _PAGE,
    status: int = 200,
    **result: Any,
) -> HttpResponse:
    if bench is None:
        bench = BenchForm(initial=bench_initial(preset_values(form.type_name)))
    context = {"endpoint": endpoint, "form": form, "bench": bench, **result}
    return page_or_fragment(request, _PAGE, fragment, context, status=status)
