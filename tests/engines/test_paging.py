"""Depth is a promise: a list is asked for page by page down to it, or fails as a whole."""

import asyncio
import json
from typing import Any
from urllib.parse import parse_qs

import pytest

from judging.engines import asking
from judging.engines.configuration import TemplateText
from judging.engines.rendering import compile_template
from tests.engines.asking_calls import answer_of, ask, config, failure_of
from tests.engines.scripted_engine import Received, ScriptedEngine, hits
from tests.stub.script import Answer

GET = TemplateText("", "q={{query}}", "application/json", {})
OFFSET = {"type": "offset", "size": "size", "offset": "from", "page_size": 3}


def documents(count: int, at_most: int = 1_000, *, total: bool = True) -> Any:
    """Answer like an engine with so many documents that gives at most so many at once."""

    def plan(request: Received) -> Answer:
        asked = (
            request.json
            if request.body
            else {k: int(v[0]) for k, v in parse_qs(request.query_string).items() if k != "q"}
        )
        wanted: int = asked["size"] if "size" in asked else asked["n"]
        size = min(wanted, at_most)
        begin = asked.get("from", 0)
        if "page" in asked:
            begin = (asked["page"] - 1) * wanted
        keys = [f"d{number}" for number in range(count)][begin : begin + size]
        return (
            hits(*keys, total=count)
            if total
            else Answer(body=json.dumps({"results": [{"id": k} for k in keys]}).encode())
        )

    return plan


@pytest.mark.parametrize("count", [0, 2, 3, 7, 8, 20])
@pytest.mark.parametrize("total", [True, False])
def test_pages_by_offset_bring_the_depth_or_all_there_is(engine: ScriptedEngine, count: int, total: bool) -> None:
    engine.acts(documents(count, total=total))

    answer = answer_of(config(engine.url, paging=OFFSET), depth=8)

    assert [one.id for one in answer.candidates] == [f"d{number}" for number in range(min(count, 8))]
    assert answer.page_count == len(engine.received) == len(answer.exchanges)


def test_an_engine_that_gives_less_at_once_is_asked_on(engine: ScriptedEngine) -> None:
    engine.acts(documents(20, at_most=2))

    answer = answer_of(config(engine.url, paging=OFFSET), depth=5)

    assert [request.json["from"] for request in engine.received if "from" in request.json] == [2, 4]
    assert len(answer.candidates) == 5


def test_a_total_that_counts_the_page_does_not_end_the_list(engine: ScriptedEngine) -> None:
    engine.answers(hits("a", "b", "c"), hits("d", "e", "f"), hits())

    assert len(answer_of(config(engine.url, paging=OFFSET), depth=9).candidates) == 6


def test_page_numbers_keep_their_size_and_begin_where_told(engine: ScriptedEngine) -> None:
    engine.acts(documents(20))

    answer = answer_of(
        config(engine.url, method="GET", paging={"type": "page", "size": "size", "page": "page", "page_size": 3}),
        template=GET,
        depth=7,
    )

    assert [request.query_string for request in engine.received] == [
        "q=shoes&size=3",
        "q=shoes&size=3&page=2",
        "q=shoes&size=3&page=3",
    ]
    assert [one.id for one in answer.candidates] == [f"d{number}" for number in range(7)]


def test_a_cursor_is_taken_from_each_answer_until_it_repeats(engine: ScriptedEngine) -> None:
    engine.answers(
        hits("a", "b", total=9, next=[1, "b"]), hits("c", total=9, next={"m": 2}), hits("d", total=9, next={"m": 2})
    )
    paging = {"type": "cursor", "cursor": "after.mark", "next": "next", "page_size": 2}

    answer = answer_of(config(engine.url, paging=paging), depth=9)

    assert [request.json.get("after") for request in engine.received] == [None, {"mark": [1, "b"]}, {"mark": {"m": 2}}]
    assert [one.id for one in answer.candidates] == ["a", "b", "c", "d"]


def test_a_template_that_prints_where_a_page_begins_is_left_alone(engine: ScriptedEngine) -> None:
    engine.acts(documents(20))
    template = TemplateText('{"size": {{size}}, "from": {{offset}}, "q": "{{query}}"}', "", "application/json", {})

    answer_of(config(engine.url, paging=OFFSET), template=template, depth=4)

    assert [request.body.decode() for request in engine.received] == [
        '{"size": 3, "from": 0, "q": "shoes"}',
        '{"size": 1, "from": 3, "q": "shoes"}',
    ]


def test_a_size_written_into_the_template_does_not_cut_the_depth(engine: ScriptedEngine) -> None:
    engine.acts(documents(20))
    template = TemplateText("", "size=5&q={{query}}", "application/json", {})

    answer = answer_of(
        config(engine.url, method="GET", paging={"type": "none", "size": "size"}), template=template, depth=9
    )

    assert engine.received[0].query_string == "q=shoes&size=9"
    assert len(answer.candidates) == 9


def test_a_later_page_that_fails_fails_the_search(engine: ScriptedEngine) -> None:
    engine.answers(hits("a", "b", "c", total=9), Answer(503))

    failure = failure_of(config(engine.url, paging=OFFSET), depth=9)

    assert (failure.code, [exchange.status for exchange in failure.exchanges]) == ("http_status", [200, 503])


def test_an_id_that_comes_again_on_a_later_page_fails(engine: ScriptedEngine) -> None:
    engine.answers(hits("a", "b", "c", total=9), hits("d", "a", total=9))

    failure = failure_of(config(engine.url, paging=OFFSET), depth=9)

    assert (failure.code, failure.message) == ("duplicate_ids", "The id 'a' stands on page 2 once more.")


def test_a_list_of_more_than_a_hundred_pages_fails(engine: ScriptedEngine) -> None:
    engine.acts(documents(200, at_most=1))

    failure = failure_of(config(engine.url, paging=OFFSET), depth=101)

    assert (failure.code, len(failure.exchanges)) == ("too_large", 100)


def test_all_pages_together_have_one_time(engine: ScriptedEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking, "LONGEST_SEARCH", 0.2)
    engine.answers(Answer(special="hang"))

    assert failure_of(config(engine.url)).message == "The search took more than 0.2 s."


def test_each_page_is_spent_before_it_is_asked(engine: ScriptedEngine) -> None:
    engine.acts(documents(20))
    spent: list[tuple[int, int]] = []

    async def spend(page: int) -> None:
        spent.append((page, len(engine.received)))

    ask(config(engine.url, paging=OFFSET), depth=7, spend=spend)

    assert spent == [(1, 0), (2, 1), (3, 2)]


def test_a_rendered_request_is_sent_as_it_is(engine: ScriptedEngine) -> None:
    rendered = compile_template(GET).render("a b", 20)

    async def search() -> object:
        caller = asking.EngineCaller(config(f"{engine.url}/s?x=1", method="GET"))
        answer = await caller.search(rendered, None, 20)
        await caller.aclose()
        return answer

    assert isinstance(asyncio.run(search()), asking.SearchAnswer)
    assert engine.received[0].target == "/s?x=1&q=a%20b"
    assert "content-length" not in engine.received[0].headers
