"""An analysis in the browser: chosen, followed to its figures without a reload, read side by side."""

from collections.abc import Callable

from playwright.sync_api import expect

from tests.browser.conftest import Visitor
from tests.browser.working import working
from tests.factories import make_user
from tests.search.analyses.analysing import SAME, SHIRTS, make_templates
from tests.search.runs.searching import engine, make_search_evaluation

NewVisitor = Callable[..., Visitor]


def test_an_analysis_goes_from_the_form_to_two_lists(new_visitor: NewVisitor) -> None:
    visitor = new_visitor(make_user())
    with engine() as server:
        world = make_search_evaluation(server.url)
        make_templates(SAME, SHIRTS)
        page = visitor.open("/search/analyses/new")
        page.get_by_label("Name", exact=True).fill("Shirts for all")
        page.get_by_label("Search endpoint").select_option(label=str(world.endpoint))
        page.get_by_label("Query set").select_option(label="queries")
        page.get_by_label("Baseline").select_option(label="titles")
        page.get_by_label("other 1").check()
        page.get_by_label("other 2").check()
        assert visitor.accessibility_problems() == []
        page.get_by_role("button", name="Start").click()
        templates = page.get_by_role("group", name="Templates and their figures")
        expect(templates.locator("progress")).to_have_count(3)
        assert visitor.accessibility_problems() == []
        with working():
            expect(templates.get_by_role("row", name="other 1")).to_contain_text("1.000", timeout=60_000)
            expect(page.locator("#templates[hx-get]")).to_have_count(0, timeout=60_000)
    queries = page.get_by_role("group", name="Queries and their figures")
    page.get_by_role("link", name="By query").click()
    expect(queries.get_by_role("row").nth(1)).to_contain_text("blue shirt")
    assert visitor.accessibility_problems() == []
    assert visitor.overflow() == 0
    queries.get_by_role("row", name="red shoes").get_by_role("link").last.click()
    expect(page.get_by_role("heading", name="red shoes")).to_be_visible()
