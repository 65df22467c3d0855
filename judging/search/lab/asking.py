"""Ask several sides the same query at the same time, and compare what each finds with what the first one does."""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal
from uuid import UUID

from judging.engines.answers import SearchAnswer, SearchFailed, SearchFailure
from judging.engines.asking import EngineCaller
from judging.engines.configuration import InvalidEndpoint, TemplateText
from judging.engines.rendering import InvalidTemplate, compile_template
from judging.foundation.crypto import Undecryptable
from judging.foundation.errors import Invalid
from judging.foundation.limits import MAX_LAB_SIDES
from judging.metrics.list_similarity import compare_lists
from judging.models import SearchEndpoint
from judging.records.reading.upload import BadValue
from judging.records.reading.values import check_storable, read_query
from judging.records.roles import Actor, require_member
from judging.search.asking import patient_config, search_within_limits, wait_for_all
from judging.search.lab.known_grades import KnownGrade, known_grades


@dataclass(frozen=True, slots=True)
class Side:
    """What is asked: an endpoint, with a template, for the first `depth` documents."""

    endpoint: SearchEndpoint
    template: TemplateText
    depth: int


@dataclass(frozen=True, slots=True)
class LabCandidate:
    """A document of a side's list. `first_rank` is its rank in the first side's list, None where it is not there.

    `is_only_here`: no other side found it.
    """

    rank: int
    id: str
    title: str
    image: str
    score: float | None
    fields: dict[str, Any]
    grades: list[KnownGrade]
    first_rank: int | None
    is_only_here: bool


@dataclass(frozen=True, slots=True)
class SideAnswer:
    """What a side found, or the code and message of its failure. total None: the engine does not say.

    `milliseconds` are those of its requests together, None where none was sent. `rbo` and `jaccard` (of the whole
    lists) compare it with the first side; None where one of the two failed.
    """

    side: Side
    total: int | None = None
    milliseconds: int | None = None
    failure_code: str = ""
    failure_message: str = ""
    candidates: list[LabCandidate] = field(default_factory=list)
    rbo: float | None = None
    jaccard: float | None = None

    @property
    def status(self) -> Literal["answered", "empty", "failed"]:
        """Tell the outcome; a failure is never an empty list."""
        if self.failure_code:
            return "failed"
        return "answered" if self.candidates else "empty"


Found = SearchAnswer | SearchFailure


def ask_sides(*, actor: Actor, query: Any, sides: Sequence[Side]) -> list[SideAnswer]:
    """Ask 1 to MAX_LAB_SIDES sides a query at the same time; return what each found, in the same order.

    The limits of their endpoints hold. A failure of one, its template's too, is its own. Call it outside a transaction.
    Raise Forbidden, Invalid, or Busy when too many others are being waited for.
    """
    require_member(actor)
    if not 1 <= len(sides) <= MAX_LAB_SIDES:
        message = f"Give from 1 to {MAX_LAB_SIDES} sides."
        raise Invalid(message, errors={"sides": [message]})
    try:
        check_storable(query)
        read_query(query)
    except BadValue as error:
        raise Invalid(str(error), errors={"query": [str(error)]}) from None
    # Sides of one endpoint wait for each other, too: that takes nothing of their patience with others.
    places = {side.endpoint.pk: asyncio.Semaphore(side.endpoint.max_concurrency) for side in sides}
    found = wait_for_all(lambda side: _found(side, query, places[side.endpoint.pk]), sides)
    return _compared(sides, found, _grades(query, sides, found, actor))


async def _found(side: Side, query: Any, places: asyncio.Semaphore) -> Found:
    try:
        template = compile_template(side.template)
        caller = EngineCaller(patient_config(side.endpoint))
    except InvalidTemplate as error:
        return SearchFailed("template_invalid", f"{error.place}: {error.message}").failure([])
    except (InvalidEndpoint, Undecryptable) as error:
        return SearchFailed("misconfigured", error.message).failure([])
    try:
        async with places:
            return await search_within_limits(caller, side.endpoint, template, query, side.depth)
    finally:
        await caller.aclose()


def _grades(
    query: Any, sides: Sequence[Side], found: Sequence[Found], viewer: Actor
) -> Mapping[UUID, Mapping[str, list[KnownGrade]]]:
    """Read what is known of all that was found, by corpus and document key."""
    keys: dict[UUID, set[str]] = defaultdict(set)
    for side, outcome in zip(sides, found, strict=True):
        keys[side.endpoint.corpus_id].update(_ids(outcome))
    return {corpus_id: known_grades(corpus_id, query, of_corpus, viewer) for corpus_id, of_corpus in keys.items()}


def _compared(
    sides: Sequence[Side], found: Sequence[Found], grades: Mapping[UUID, Mapping[str, list[KnownGrade]]]
) -> list[SideAnswer]:
    first = {key: rank for rank, key in enumerate(_ids(found[0]), start=1)}
    holders = Counter(key for outcome in found for key in _ids(outcome))
    answers = []
    for side, outcome in zip(sides, found, strict=True):
        milliseconds = sum(exchange.latency_ms for exchange in outcome.exchanges) if outcome.exchanges else None
        if isinstance(outcome, SearchFailure):
            answers.append(SideAnswer(side, None, milliseconds, outcome.code, outcome.message))
            continue
        known = grades[side.endpoint.corpus_id]
        candidates = [
            LabCandidate(
                rank,
                one.id,
                one.title,
                one.image,
                one.score,
                one.fields,
                grades=known.get(one.id, []),
                first_rank=first.get(one.id),
                is_only_here=len(sides) > 1 and holders[one.id] == 1,
            )
            for rank, one in enumerate(outcome.candidates, start=1)
        ]
        likeness = None
        if isinstance(found[0], SearchAnswer):
            longest = max(len(first), len(candidates), 1)
            likeness = compare_lists(list(first), _ids(outcome), k=longest)
        answers.append(
            SideAnswer(
                side,
                outcome.total,
                milliseconds,
                candidates=candidates,
                rbo=likeness.rbo if likeness else None,
                jaccard=likeness.jaccard if likeness else None,
            )
        )
    return answers


def _ids(outcome: Found) -> list[str]:
    return [one.id for one in outcome.candidates] if isinstance(outcome, SearchAnswer) else []
