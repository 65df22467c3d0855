"""What a run is executed with, pinned so that no later edit of endpoint, query set or template changes it."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID, uuid4

from django.utils import timezone

from judging.engines.configuration import TemplateText
from judging.engines.rendering import InvalidTemplate, SearchTemplate, TemplateInvalid, compile_template
from judging.foundation.columns import insert_rows
from judging.foundation.errors import Conflict, Invalid
from judging.models import (
    EvaluationRun,
    QueryTemplate,
    QueryTemplateVersion,
    RunQuery,
    SearchItem,
    SearchQuerySet,
    SearchRun,
    SetQuery,
    query_identity,
    query_text,
)
from judging.models.search.query_templates import DEFAULT_CONTENT_TYPE
from judging.records.lists.corpus_rows import ensure_queries
from judging.records.searching.templates import compiled_template

# Fields of a search run that say how it asks.
PINNED_FIELDS = (
    "endpoint_name",
    "endpoint_type",
    "endpoint_url",
    "endpoint_method",
    "endpoint_headers",
    "candidates_mapping",
    "paging",
    "query_set_name",
    "query_template_name",
    "query_template_version",
    "body",
    "query_string",
    "content_type",
    "headers",
)
_OVERRIDABLE = ("body", "query_string", "content_type", "headers")
# So many queries are rendered before a run starts: when all of them fail, the template is wrong.
_RENDERED_AT_START = 100
_CHUNK = 1000


def write_searches(run_id: UUID, queries: Iterable[tuple[int, int, str, Any, str, list[str]]]) -> int:
    """Write run queries and their searches; return how many. A query: its key, position, label, body, text, tags."""
    rows = [(uuid4(), run_id, *query) for query in queries]
    insert_rows(RunQuery, ("id", "run_id", "query_id", "position", "label", "body", "text", "tags"), rows)
    insert_rows(SearchItem, ("run_query_id", "search_run_id"), [row[:2] for row in rows])
    return len(rows)


def checked_overrides(overrides: Mapping[str, Any]) -> dict[str, Any]:
    """Return the overrides that are given. Raise Invalid when they can't be a template's settings."""
    given = {name: overrides[name] for name in _OVERRIDABLE if overrides.get(name) is not None}
    errors = {
        name: ["text" if name != "headers" else "an object of texts"]
        for name, value in given.items()
        if not _is_of_type(name, value)
    }
    if errors:
        raise Invalid("an override can't be used", errors=errors)
    if given:
        _compiled(
            TemplateText(
                **{"body": "", "query_string": "", "content_type": DEFAULT_CONTENT_TYPE, "headers": {}, **given}
            )
        )
    return given


def template_text_of(search: SearchRun) -> TemplateText:
    """Return the pinned template."""
    return TemplateText(
        body=search.body, query_string=search.query_string, content_type=search.content_type, headers=search.headers
    )


def pin(search: SearchRun, run: EvaluationRun) -> None:
    """Pin the inputs of a search run that is locked and has none: template, mapping, address, queries.

    Set its fields, saved by the caller, and make its run queries and items. Raise Conflict (in_use is no matter here:
    `inputs_gone`) or Invalid.
    """
    endpoint, template, query_set = search.endpoint, search.query_template, search.query_set
    if endpoint is None or template is None or query_set is None:
        raise Conflict("the endpoint, query set or template of this run was deleted", code="inputs_gone")
    version = QueryTemplateVersion.objects.filter(template=template, number=template.version).get()
    search.endpoint_name, search.endpoint_type = endpoint.name, endpoint.type
    search.endpoint_url, search.endpoint_method = endpoint.url, endpoint.method
    search.endpoint_headers, search.paging = endpoint.headers, endpoint.paging
    search.candidates_mapping, search.query_set_name = endpoint.candidates_mapping, query_set.name
    search.query_template_name, search.query_template_version = version.name, version.number
    for name in _OVERRIDABLE:
        setattr(search, name, search.overrides.get(name, getattr(version, name)))
    search.total_count = _write_queries(search, run)
    search.pinned_at = timezone.now()


def check_rendering(search: SearchRun, depth: int) -> None:
    """Raise Invalid when none of the first queries of a run can be rendered."""
    bodies = RunQuery.objects.filter(run_id=search.pk).order_by("position").values_list("body", flat=True)
    _check_bodies(_compiled(template_text_of(search)), list(bodies[:_RENDERED_AT_START]), depth)


def check_rendering_of_set(template: QueryTemplate, query_set: SearchQuerySet, depth: int) -> None:
    """Raise Invalid when none of the first queries of a set can be rendered, before there is a run."""
    bodies = query_set.queries.order_by("position").values_list("body", flat=True)
    _check_bodies(compiled_template(template), list(bodies[:_RENDERED_AT_START]), depth)


def _check_bodies(compiled: SearchTemplate, bodies: Sequence[Any], depth: int) -> None:
    problems: list[str] = []
    for body in bodies:
        try:
            compiled.render(body, size=depth)
        except TemplateInvalid as error:
            problems.append(str(error))
            continue
        return
    if problems:
        message = f"None of the first {len(problems)} queries can be rendered: {problems[0]}"
        raise Invalid(message, errors={"query_template_id": [message]}, code="template_invalid")


def _compiled(text: TemplateText) -> SearchTemplate:
    try:
        return compile_template(text)
    except InvalidTemplate as error:
        raise Invalid(str(error), errors={error.place: [error.message]}, code="template_invalid") from None


def _write_queries(search: SearchRun, run: EvaluationRun) -> int:
    corpus = run.evaluation.corpus
    rows = SetQuery.objects.filter(query_set_id=search.query_set_id).order_by("position")
    if search.query_limit is not None:
        rows = rows[: search.query_limit]
    seen: set[str] = set()
    count = 0
    chunk: list[SetQuery] = []
    for row in rows.iterator(chunk_size=_CHUNK):
        chunk.append(row)
        if len(chunk) == _CHUNK:
            count += _write_chunk(run, corpus.pk, corpus.match_mode, chunk, seen, count)
            chunk = []
    count += _write_chunk(run, corpus.pk, corpus.match_mode, chunk, seen, count)
    if not count:
        message = "The query set is empty."
        raise Invalid(message, errors={"query_set_id": [message]})
    return count


def _write_chunk(
    run: EvaluationRun, corpus_id: Any, match_mode: str, rows: list[SetQuery], seen: set[str], written: int
) -> int:
    """Write run queries and items. A query that the corpus can't tell from an earlier one of the set is left out."""
    new: dict[str, SetQuery] = {}
    for row in rows:
        identity = query_identity(row.body, match_mode)
        if identity not in seen:
            seen.add(identity)
            new[identity] = row
    query_ids = ensure_queries(corpus_id, {identity: row.body for identity, row in new.items()})
    places = enumerate(new.items(), start=written + 1)
    return write_searches(
        run.pk,
        [
            (query_ids[identity], place, row.label, row.body, query_text(row.body), row.tags)
            for place, (identity, row) in places
        ],
    )


def _is_of_type(name: str, value: Any) -> bool:
    if name != "headers":
        return isinstance(value, str)
    return isinstance(value, dict) and all(isinstance(part, str) for pair in value.items() for part in pair)
