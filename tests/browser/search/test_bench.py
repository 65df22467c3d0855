"""An endpoint in the browser: asked, mapped by a click, saved; by keyboard, and on a phone in the dark."""

import json
from collections.abc import Callable

from playwright.sync_api import expect

from judging.models import SearchEndpoint
from tests.browser.conftest import PHONE, Visitor
from tests.engines.scripted_engine import ScriptedEngine, engine, engine_server
from tests.factories import make_user
from tests.stub.script import Answer

__all__ = ["engine", "engine_server"]
NewVisitor = Callable[..., Visitor]


def test_a_click_maps_an_unknown_engine_and_it_is_saved(new_visitor: NewVisitor, engine: ScriptedEngine) -> None:
    rows = [{"sku": number, "name": f"Shoe {number}"} for number in (1, 2)]
    engine.answers(Answer(body=json.dumps({"meta": {"count": 71}, "items": rows}).encode()))
    visitor = new_visitor(make_user(), viewport=PHONE)
    page = visitor.open("/search/endpoints/new")
    page.get_by_label("Type", exact=True).select_option("solr")
    expect(page.locator("#id_paging_offset")).to_have_value("start")
    page.get_by_label("Name", exact=True).fill("Shop")
    page.get_by_label("Address", exact=True).fill(engine.url)
    page.get_by_label("Queries").fill('27" monitor')
    page.keyboard.press("Control+Enter")
    expect(page.locator("#bench-results")).to_contain_text("The mapping does not fit")
    page.locator(".proposal").first.click()
    expect(page.locator(".bench-result")).to_contain_text("2 candidates of 71")
    expect(page.locator(".id-kind").first).to_have_text("number")
    assert visitor.problems_in_both_looks() == []
    page.get_by_role("button", name="Save").first.click()
    expect(page.get_by_role("heading", name="Shop", exact=True)).to_be_visible()
    assert "items[*]" in SearchEndpoint.objects.get().candidates_mapping
    assert len(engine.received) == 1
