"""The versions of a query template, and what differs between any two of them."""

from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from judging.search.query_templates.reads import get_query_template
from judging.web.base import PageRequest, member_required, page_of
from judging.web.version_changes import Change, label_of, text_changes, two_versions, version_rows

_TEXTS = ("body", "query_string")


@require_safe
@member_required
def query_template_versions(request: PageRequest, query_template_id: UUID) -> HttpResponse:
    template = get_query_template(query_template_id)
    page = page_of(request, template.versions.select_related("created_by"))
    before, after = two_versions(request, template)
    context: dict[str, Any] = {"thing": template, "page": page, "rows": version_rows(template, page.rows)}
    if before is not None and after is not None and before != after:
        context |= {
            "before": before,
            "after": after,
            "changes": [
                Change(label_of(name), getattr(before, name), getattr(after, name))
                for name in after.setting_names()
                if name not in _TEXTS and getattr(before, name) != getattr(after, name)
            ],
            "text_changes": text_changes(before, after, _TEXTS),
        }
    return render(request, "judging/search/query_templates/versions.html", context)
