"""The bench: ask an endpoint, stored or not, and tell all that came back. Nothing is stored."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

from judging.engines.answers import Exchange, SearchAnswer, SearchFailure
from judging.engines.asking import EngineCaller
from judging.engines.configuration import EndpointConfig, InvalidEndpoint, TemplateText
from judging.engines.mapping import InvalidMapping
from judging.engines.rendering import InvalidTemplate, SearchTemplate, TemplateInvalid, compile_template
from judging.foundation.errors import Busy, NotFound
from judging.foundation.validation import raise_if_any
from judging.models import QueryTemplate, SearchEndpoint
from judging.records.roles import Actor, require_member
from judging.search.asking import patient_config, search_within_limits, wait_for_all
from judging.search.endpoints.reading import Reading, listed, read_answer

MAX_TRIED_QUERIES = 5


@dataclass(frozen=True, slots=True)
class EndpointTrial:
    """One query asked: the exchange (None: nothing was sent), and how the mapping reads its answer.

    `failure_code` and `message` are those that the search of a run would have; "" when it would have a list.
    """

    query: Any
    exchange: Exchange | None
    failure_code: str = ""
    message: str = ""
    reading: Reading | None = None
    answer: Any = field(default=None, repr=False)

    @property
    def raw(self) -> str:
        """Return the body of the answer as text, indented where it is JSON."""
        if self.exchange is None:
            return ""
        if self.answer is not None:
            return json.dumps(self.answer, ensure_ascii=False, indent=2)
        return self.exchange.response_body.decode("utf-8", "replace")


def try_endpoint(
    *, actor: Actor, endpoint: SearchEndpoint, template: TemplateText, queries: Sequence[Any], depth: int
) -> list[EndpointTrial]:
    """Ask an endpoint, which may not be stored, each of up to MAX_TRIED_QUERIES queries; return a trial for each.

    A stored one's limits hold for them, too. Call it outside a transaction. Raise Forbidden, Invalid (a template that
    can't be used, a query it makes no request of), Undecryptable, or Busy when the limits or too many others are to be
    waited for.
    """
    require_member(actor)
    compiled = _compiled(template)
    asked = list(queries[:MAX_TRIED_QUERIES])
    for query in asked:
        _check_renders(compiled, query, depth)
    config = patient_config(endpoint)
    try:
        caller = EngineCaller(config)
    except InvalidEndpoint as error:
        raise_if_any({error.field: [error.message]})
        raise
    places = asyncio.Semaphore(endpoint.max_concurrency)

    async def try_one(query: Any) -> EndpointTrial:
        async with places:
            found = await search_within_limits(caller, endpoint, compiled, query, depth)
        return _trial(config, query, depth, found)

    trials = wait_for_all(try_one, asked, [caller])
    if trials and all(trial.failure_code == Busy.code for trial in trials):
        raise Busy(trials[0].message)
    return trials


def template_of(
    *,
    template_id: UUID | None = None,
    body: str | None = None,
    query_string: str | None = None,
    content_type: str | None = None,
    headers: dict[str, str] | None = None,
) -> TemplateText:
    """Return a stored template, or an empty one, with what is given in its place. Raise NotFound."""
    stored = QueryTemplate()
    if template_id is not None:
        found = QueryTemplate.objects.filter(pk=template_id).first()
        if found is None:
            raise NotFound("no such query template")
        stored = found
    return TemplateText(
        body=stored.body if body is None else body,
        query_string=stored.query_string if query_string is None else query_string,
        content_type=(stored.content_type if content_type is None else content_type) or "application/json",
        headers=stored.headers if headers is None else headers,
    )


def read_sample(text: str) -> Any:
    """Parse an answer that was kept or pasted. Raise Invalid."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise_if_any({"sample": ["That is no JSON."]})


def read_with(candidates_mapping: str, answer: Any, depth: int) -> Reading:
    """Read an answer with a mapping that may not work; one that can't be used is a problem of the reading."""
    try:
        return read_answer(answer, candidates_mapping, depth)
    except InvalidMapping as error:
        return Reading(None, [], "mapping_failed", [str(error)])


def _trial(config: EndpointConfig, query: Any, depth: int, found: SearchAnswer | SearchFailure) -> EndpointTrial:
    # A failure is its last page's; of a list the first page shows how it is read.
    place = -1 if isinstance(found, SearchFailure) else 0
    exchange = found.exchanges[place] if found.exchanges else None
    answer = _parsed(exchange)
    is_success = exchange is not None and exchange.status is not None and 200 <= exchange.status < 300
    reading = read_with(config.candidates_mapping, answer, depth) if is_success and answer is not None else None
    if isinstance(found, SearchFailure):
        return EndpointTrial(query, exchange, found.code, found.message, reading, answer)
    if reading is not None and found.page_count > 1:
        reading = replace(reading, rows=listed(found.candidates))
    return EndpointTrial(query, exchange, reading=reading, answer=answer)


def _parsed(exchange: Exchange | None) -> Any:
    if exchange is None or exchange.is_truncated:
        return None
    try:
        return json.loads(exchange.response_body)
    except (ValueError, RecursionError):
        return None


def _compiled(template: TemplateText) -> SearchTemplate:
    try:
        return compile_template(template)
    except InvalidTemplate as error:
        raise_if_any({error.place: [error.message]})
        raise


def _check_renders(template: SearchTemplate, query: Any, depth: int) -> None:
    try:
        template.render(query, depth)
    except TemplateInvalid as error:
        raise_if_any({error.place: [error.message]})
