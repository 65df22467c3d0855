"""Searches that somebody waits for, on the bench and in the query lab: within the endpoint's limits, before all runs."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from asgiref.sync import async_to_sync, sync_to_async

from judging.engines.answers import SearchAnswer, SearchFailed, SearchFailure
from judging.engines.asking import EngineCaller
from judging.engines.configuration import EndpointConfig
from judging.engines.rendering import SearchTemplate
from judging.foundation.errors import Busy
from judging.foundation.waiting import waiting_for_a_service
from judging.models import SearchEndpoint
from judging.records.searching.endpoint_configs import config_of
from judging.records.searching.endpoint_limits import EndpointLimits, reserve_start, resource_key
from judging.work.places import Place

AskedT = TypeVar("AskedT")
T = TypeVar("T")

# A person waits, and a thread of the web process with them.
_PATIENCE_SECONDS = 30.0
_LONGEST_SEARCH = 60.0
_LONGEST_WAIT_FOR_LIMITS = 10.0
_LOOK_EVERY = 0.1
# Beyond what a search may take, so that its place never ends before it.
_SPARE_SECONDS = 15.0


def patient_config(endpoint: SearchEndpoint) -> EndpointConfig:
    """Return how to ask an endpoint, with no more patience for a request than a person has. Raise Undecryptable."""
    config = config_of(endpoint)
    return replace(config, timeout_seconds=min(config.timeout_seconds, _PATIENCE_SECONDS))


def wait_for_all(
    search: Callable[[AskedT], Awaitable[T]], asked: Sequence[AskedT], callers: Sequence[EngineCaller] = ()
) -> list[T]:
    """Search for all that is asked at the same time, close the callers, and return what each search gives.

    Not inside a transaction: each takes its place among the requests of its endpoint in one of its own. Raise Busy when
    too many threads wait for other services already.
    """

    async def all_of_them() -> list[T | BaseException]:
        try:
            # To the end even when one raises: each has a place to give back.
            return await asyncio.gather(*map(search, asked), return_exceptions=True)
        finally:
            for caller in callers:
                await caller.aclose()

    with waiting_for_a_service():
        # Unlike asyncio.run, it lets the queries of the database run in this thread.
        found = async_to_sync(all_of_them)()
    for each in found:
        if isinstance(each, BaseException):
            raise each
    return [each for each in found if not isinstance(each, BaseException)]


async def search_within_limits(
    caller: EngineCaller, endpoint: SearchEndpoint, template: SearchTemplate, query: Any, depth: int
) -> SearchAnswer | SearchFailure:
    """Ask an endpoint for the first `depth` candidates of a query, once; each page counts as a request.

    One that is not stored has no limits that others would share. The failure is `busy` when its limits are not to be
    waited for.
    """
    if endpoint._state.adding:
        return await _search(caller, template, query, depth)
    seconds = _LONGEST_WAIT_FOR_LIMITS + _LONGEST_SEARCH + _SPARE_SECONDS
    place = Place(EndpointLimits(), resource_key(endpoint.pk), seconds=seconds)

    async def spend(page: int) -> None:
        await asyncio.sleep(await sync_to_async(reserve_start)(endpoint.pk, patience=_LONGEST_WAIT_FOR_LIMITS))

    try:
        if not await _is_taken(place):
            raise Busy(
                f"The endpoint takes {endpoint.max_concurrency} requests at a time, and others had them all for"
                f" {_LONGEST_WAIT_FOR_LIMITS:.0f} s. Try again in a minute."
            )
        return await _search(caller, template, query, depth, spend=spend)
    except Busy as error:
        return SearchFailed(error.code, error.message).failure([])
    finally:
        await sync_to_async(place.give_back)()


async def _is_taken(place: Place) -> bool:
    """Wait for a place, and tell whether it came."""
    until = time.monotonic() + _LONGEST_WAIT_FOR_LIMITS
    while not await sync_to_async(place.take)():
        if time.monotonic() > until:
            return False
        await asyncio.sleep(_LOOK_EVERY)
    return True


async def _search(
    caller: EngineCaller, template: SearchTemplate, query: Any, depth: int, **options: Any
) -> SearchAnswer | SearchFailure:
    try:
        async with asyncio.timeout(_LONGEST_SEARCH):
            return await caller.search(template, query, depth, **options)
    except TimeoutError:
        return SearchFailed("timeout", f"The whole list took more than {_LONGEST_SEARCH:.0f} s.").failure([])
