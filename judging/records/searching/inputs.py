"""What the runs of an evaluation are executed with: an endpoint, a query set and a query template, all three or none."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.db import models

from judging.foundation.errors import Invalid
from judging.foundation.validation import raise_if_any
from judging.models import Evaluation, QueryTemplate, SearchEndpoint, SearchQuerySet
from judging.records.searching.templates import compiled_template, missing_properties

INPUTS = ("endpoint_id", "query_set_id", "query_template_id")
_MODELS: tuple[tuple[str, type[models.Model], str], ...] = (
    ("endpoint", SearchEndpoint, "search endpoint"),
    ("query_set", SearchQuerySet, "query set"),
    ("query_template", QueryTemplate, "query template"),
)


def take_search_inputs(evaluation: Evaluation, inputs: Mapping[str, UUID | None]) -> list[str]:
    """Set the given inputs (INPUTS) of an evaluation and return the names of its fields, inside a transaction.

    What they name is held until the commit: it is deleted only while no evaluation uses it. What is archived can stay
    but not be chosen anew. Raise Invalid.
    """
    wanted = {name: inputs.get(name, getattr(evaluation, name)) for name in INPUTS}
    missing = [name for name, value in wanted.items() if value is None]
    if missing and len(missing) < len(INPUTS):
        message = f"{', '.join(INPUTS)} come together or not at all."
        raise Invalid(message, errors={name: [message] for name in missing})
    if missing:
        for field, _, _ in _MODELS:
            setattr(evaluation, field, None)
        return [field for field, _, _ in _MODELS]
    problems: dict[str, list[str]] = {}
    for field, model, word in _MODELS:
        name = f"{field}_id"
        found: Any = model._default_manager.select_for_update(no_key=True).filter(pk=wanted[name]).first()
        if found is None:
            problems[name] = [f"There is no such {word}."]
        elif found.archived_at is not None and getattr(evaluation, name) != found.pk:
            problems[name] = [f"The {word} {found.name} is archived: restore it first."]
        else:
            setattr(evaluation, field, found)
    raise_if_any(problems)
    assert evaluation.query_template is not None
    assert evaluation.query_set is not None
    if missing_text := missing_properties(compiled_template(evaluation.query_template), evaluation.query_set):
        raise Invalid(missing_text, errors={"query_template_id": [missing_text]})
    return [field for field, _, _ in _MODELS]
