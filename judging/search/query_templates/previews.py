"""What a template makes of queries, without a request being sent."""

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from judging.engines.rendering import RenderedRequest, SearchTemplate, TemplateInvalid
from judging.foundation.limits import CHECKED_QUERIES, DEFAULT_DEPTH, PREVIEWED_QUERIES
from judging.models import SearchQuerySet, SetQuery, TemplateSettings, query_text
from judging.records.lists.corpus_rows import QueryBody
from judging.records.searching.templates import compiled_template, missing_properties

_MOST_PROBLEMS = 20
# Each rendering is bounded, but a hundred that reach their bounds are too many for somebody who waits.
_MOST_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Rendered:
    """A query and the request that the template makes of it."""

    query: QueryBody
    request: RenderedRequest

    @property
    def text(self) -> str:
        return query_text(self.query)


@dataclass(frozen=True, slots=True)
class TemplateProblem:
    """What is wrong with the request for a query, from 1; 0 and no query: with the template and the set as a whole."""

    position: int
    query: str
    place: str
    message: str


@dataclass(frozen=True, slots=True)
class Preview:
    """The first requests, and the first problems of all `checked_count` queries that were rendered."""

    format: Literal["text", "json"]
    variables: list[str]
    rendered: list[Rendered]
    problems: list[TemplateProblem] = field(default_factory=list)
    problem_count: int = 0
    checked_count: int = 0


def preview_over_set(template: TemplateSettings, query_set: SearchQuerySet, *, depth: int = DEFAULT_DEPTH) -> Preview:
    """Render the first queries of a set, as many as a run renders before it starts. Raise Invalid."""
    compiled = compiled_template(template)
    missing = missing_properties(compiled, query_set)
    whole = [TemplateProblem(0, "", "variables", missing)] if missing else []
    queries = SetQuery.objects.filter(query_set=query_set).order_by("position").values_list("body", flat=True)
    return _preview(template, compiled, queries[:CHECKED_QUERIES], depth, whole)


def preview_of_queries(
    template: TemplateSettings, queries: Sequence[QueryBody], *, depth: int = DEFAULT_DEPTH
) -> Preview:
    """Render given queries. Raise Invalid."""
    return _preview(template, compiled_template(template), queries[:CHECKED_QUERIES], depth, [])


def _preview(
    template: TemplateSettings,
    compiled: SearchTemplate,
    queries: Iterable[QueryBody],
    depth: int,
    problems: list[TemplateProblem],
) -> Preview:
    rendered: list[Rendered] = []
    count, checked = len(problems), 0
    ends_at = time.monotonic() + _MOST_SECONDS
    for position, query in enumerate(queries, start=1):
        if position > PREVIEWED_QUERIES and time.monotonic() > ends_at:
            break
        checked = position
        try:
            request = compiled.render(query, depth)
        except TemplateInvalid as error:
            count += 1
            if len(problems) < _MOST_PROBLEMS:
                problems.append(TemplateProblem(position, query_text(query), error.place, error.message))
        else:
            if position <= PREVIEWED_QUERIES:
                rendered.append(Rendered(query, request))
    media_type = template.content_type.partition(";")[0].strip().lower()
    is_json = media_type.endswith(("/json", "+json"))
    return Preview("json" if is_json else "text", sorted(compiled.variables), rendered, problems, count, checked)
