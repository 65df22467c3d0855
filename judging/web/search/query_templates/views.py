"""Query templates: list, make, change, archive, delete; the editor shows what the template makes of queries."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_POST, require_safe

from judging.foundation.errors import Invalid
from judging.models import QueryTemplate, SearchQuerySet
from judging.search.query_sets.reads import query_sets
from judging.search.query_templates.previews import Preview, preview_of_queries, preview_over_set
from judging.search.query_templates.reads import get_query_template, query_templates
from judging.search.query_templates.templates import (
    archive_query_template,
    delete_query_templates,
    draft_query_template,
    restore_query_template,
    save_query_template,
)
from judging.web.base import PageRequest, errors_on, member_required, page_of, page_or_fragment, sentence, tell_and_go
from judging.web.search.query_templates.forms import QueryTemplateForm

_PAGE = "judging/search/query_templates/editor.html"
_PREVIEW = "judging/search/query_templates/_preview.html"
_EXAMPLES = ("red shoes", 'the 27" monitor', "crème brûlée & more")
_MOST_SETS = 200


@dataclass(slots=True)
class Trial:
    """What the template in the form makes of the queries of a set, or of examples where none is chosen."""

    sets: list[SearchQuerySet]
    chosen: SearchQuerySet | None
    preview: Preview | None = None
    errors: list[str] = field(default_factory=list)


@require_safe
@member_required
def query_template_list(request: PageRequest) -> HttpResponse:
    is_archived = request.GET.get("archived") == "yes"
    page = page_of(request, query_templates(is_archived=is_archived))
    return render(request, "judging/search/query_templates/list.html", {"page": page, "is_archived": is_archived})


@member_required
def query_template_create(request: PageRequest) -> HttpResponse:
    return _editor(request, None)


@member_required
def query_template(request: PageRequest, query_template_id: UUID) -> HttpResponse:
    return _editor(request, get_query_template(query_template_id))


@require_POST
@member_required
def query_template_archive(request: PageRequest, query_template_id: UUID) -> HttpResponse:
    template = archive_query_template(actor=request.user, template=get_query_template(query_template_id))
    return tell_and_go(request, f"{template.name} is archived. What uses it goes on.", "query_templates")


@require_POST
@member_required
def query_template_restore(request: PageRequest, query_template_id: UUID) -> HttpResponse:
    template = restore_query_template(actor=request.user, template=get_query_template(query_template_id))
    return tell_and_go(request, f"{template.name} is back in the list.", "query_template", template.pk)


@require_POST
@member_required
def query_template_delete(request: PageRequest, query_template_id: UUID) -> HttpResponse:
    template = get_query_template(query_template_id)
    delete_query_templates(actor=request.user, ids=[template.pk])
    return tell_and_go(request, f"{template.name} is deleted.", "query_templates")


def _editor(request: PageRequest, template: QueryTemplate | None) -> HttpResponse:
    if request.method != "POST":
        form = QueryTemplateForm(template)
        return _page(request, template, form, _trial(request, form.initial))
    form = QueryTemplateForm(template, request.POST)
    if request.POST.get("act") == "preview":
        form.is_valid()
        return _page(request, template, form, _trial_of_form(request, form), fragment=_PREVIEW)
    if form.is_valid():
        with errors_on(form):
            before = template.version if template else 0
            saved = save_query_template(
                actor=request.user,
                fields=form.values(),
                template=template,
                expected_version=form.cleaned_data["version"] if template else None,
            )
            if saved.version == before:
                done = f"{saved.name} is saved. Nothing changed that makes a version."
            else:
                done = f"{saved.name} is saved as version {saved.version}. Runs that have started stay with theirs."
            return tell_and_go(request, done, "query_template", saved.pk)
    return _page(request, template, form, _trial_of_form(request, form), status=400)


def _page(
    request: PageRequest,
    template: QueryTemplate | None,
    form: QueryTemplateForm,
    trial: Trial,
    *,
    fragment: str = _PAGE,
    status: int = 200,
) -> HttpResponse:
    context = {"template": template, "form": form, "trial": trial}
    return page_or_fragment(request, _PAGE, fragment, context, status=status)


def _trial_of_form(request: PageRequest, form: QueryTemplateForm) -> Trial:
    # A template that has no name yet can be tried.
    problems = [sentence(str(text)) for name, texts in form.errors.items() if name != "name" for text in texts]
    return _trial(request, form.cleaned_data, problems)


def _trial(request: PageRequest, values: Mapping[str, Any], problems: list[str] | None = None) -> Trial:
    sets = list(query_sets()[:_MOST_SETS])
    wanted = request.POST.get("try_set") or request.GET.get("set") or ""
    chosen = next((each for each in sets if str(each.pk) == wanted), None)
    if not wanted and sets:
        chosen = sets[0]
    trial = Trial(sets, chosen, errors=problems or [])
    if trial.errors:
        return trial
    settings = {name: values[name] for name in QueryTemplate.setting_names() if name in values and name != "name"}
    try:
        draft = draft_query_template(actor=request.user, fields=settings)
        trial.preview = preview_over_set(draft, chosen) if chosen else preview_of_queries(draft, _EXAMPLES)
    except Invalid as error:
        trial.errors = [sentence(text) for texts in error.errors.values() for text in texts]
    return trial
