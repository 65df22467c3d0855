"""Query templates: made, changed, which makes a version, archived, restored, deleted."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from django.db import transaction

from judging.foundation.errors import Conflict, Invalid
from judging.foundation.limits import MAX_ELEMENTS
from judging.foundation.validation import clean
from judging.models import QueryTemplate, SearchQuerySet, TemplateSettings
from judging.records.audit import record_event
from judging.records.lists.archiving import set_archived
from judging.records.roles import Actor, require_member, user_of
from judging.records.searching.templates import compiled_template, missing_properties
from judging.records.versions import QUERY_TEMPLATES
from judging.search.in_use import check_not_in_use

TEMPLATE_FIELDS = frozenset({*TemplateSettings.setting_names(), "description"})


def save_query_template(
    *,
    actor: Actor,
    fields: Mapping[str, Any],
    template: QueryTemplate | None = None,
    expected_version: int | None = None,
) -> QueryTemplate:
    """Make a template, or change the given `fields` (TEMPLATE_FIELDS) of one.

    A change of anything but the description makes the next version. What it reads is checked against the query sets of
    the evaluations that use it. With `expected_version`, a template that someone else changed meanwhile is left alone.
    Raise Forbidden, NotFound, Invalid or Conflict (template_changed).
    """
    require_member(actor)
    unknown = fields.keys() - TEMPLATE_FIELDS
    assert not unknown, unknown
    with transaction.atomic():
        if template is None:
            created = QueryTemplate(**fields, created_by=user_of(actor))
            _check(created)
            QUERY_TEMPLATES.create(created, actor=actor)
            record_event(actor=actor, action="query_template_created", subject=created)
            return created
        stored = QUERY_TEMPLATES.lock(template)
        if expected_version is not None and stored.version != expected_version:
            message = f"the query template was changed meanwhile: it is at version {stored.version}"
            raise Conflict(message, code="template_changed")
        before = stored.settings_dict()
        for field, value in fields.items():
            setattr(stored, field, value)
        _check(stored)
        change = QUERY_TEMPLATES.change(stored, before=before, actor=actor, others=("description",))
        record_event(actor=actor, action="query_template_changed", subject=stored, detail={"fields": change.settings})
    return stored


def draft_query_template(*, actor: Actor, fields: Mapping[str, Any]) -> QueryTemplate:
    """Return a template that is not stored, held to the rules of one that is: to be tried. Raise Invalid, Forbidden."""
    require_member(actor)
    draft = QueryTemplate(**{"name": "Draft", **fields})
    _check(draft)
    return draft


def archive_query_template(*, actor: Actor, template: QueryTemplate) -> QueryTemplate:
    """Take a template out of the lists; evaluations go on with it. Raise Forbidden or NotFound."""
    return set_archived(template, actor=actor, is_archived=True)


def restore_query_template(*, actor: Actor, template: QueryTemplate) -> QueryTemplate:
    """Put an archived template back into the lists. Raise Forbidden or NotFound."""
    return set_archived(template, actor=actor, is_archived=False)


def delete_query_templates(*, actor: Actor, ids: Sequence[UUID]) -> int:
    """Delete templates with their versions, all or none, and return how many.

    Raise Forbidden, Invalid where one is unknown, or Conflict (in_use) while something needs one of them.
    """
    require_member(actor)
    wanted = set(ids)
    if not wanted or len(wanted) > MAX_ELEMENTS:
        message = f"Give from 1 to {MAX_ELEMENTS:,} ids."
        raise Invalid(message, errors={"ids": [message]})
    with transaction.atomic():
        # In one order, so that two deletions wait for each other instead of each holding what the other needs.
        found = list(QueryTemplate.objects.select_for_update().filter(pk__in=wanted).order_by("pk"))
        if len(found) < len(wanted):
            message = "There is no such query template."
            raise Invalid(message, errors={"ids": [message]})
        for template in found:
            check_not_in_use(template)
            record_event(actor=actor, action="query_template_deleted", subject=template)
        QueryTemplate.objects.filter(pk__in=wanted).delete()
    return len(found)


def _check(template: QueryTemplate) -> None:
    template.name = template.name.strip()
    template.query_string = template.query_string.strip().removeprefix("?")
    template.content_type = template.content_type.strip()
    problems: dict[str, list[str]] = {}
    try:
        compiled = compiled_template(template)
    except Invalid as error:
        problems = error.errors
    else:
        used_with = SearchQuerySet.objects.filter(evaluations__query_template=template).distinct()
        missing = [text for query_set in used_with if (text := missing_properties(compiled, query_set))]
        if missing:
            problems["non_field_errors"] = missing
    clean(template, errors=problems)
