"""An executed run in a browser: started from its evaluation, followed, stopped, read, resumed, and its holes judged."""

import re
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import expect

from judging.demo_search.server import Server
from judging.models import EvaluationRun, SearchEndpoint
from tests.browser.conftest import Visitor
from tests.browser.working import working
from tests.factories import make_judge, make_provider, make_user
from tests.search.runs.searching import engine, make_search_evaluation
from tests.stub.fixtures import Stub

NewVisitor = Callable[..., Visitor]
QUERIES = ("red shoes", "blue shirt", 'a "quoted" hat', "green hat")


@pytest.fixture
def search_engine() -> Iterator[Server]:
    with engine() as server:
        yield server


def test_a_search_run_is_stopped_resumed_and_its_holes_are_judged(
    new_visitor: NewVisitor, search_engine: Server, stub: Stub
) -> None:
    user = make_user()
    make_judge(make_provider(stub.base_url), name="Careful")
    # The second search would start half a minute after the first.
    evaluation = make_search_evaluation(search_engine.url, queries=QUERIES, requests_per_minute=2)
    visitor = new_visitor(user)
    # Leaving a page ends the requests that renew its parts, which htmx reports on the console.
    visitor.allow("console: htmx:(sendError|sendAbort|afterRequest)")

    page = visitor.open(f"/evaluations/{evaluation.pk}")
    page.get_by_role("link", name="Run search").first.click()
    page.get_by_label("Name", exact=True).fill("titles")
    page.get_by_label("Depth").fill("5")
    page.get_by_label("Metrics").fill("P@2, NDCG@5")
    assert visitor.accessibility_problems() == []
    page.get_by_role("button", name="Start").click()
    searching = page.locator("#searching")
    expect(searching).to_contain_text("No worker is running")
    with working():
        expect(searching).to_contain_text("1 of 4 searches")
        expect(searching).to_contain_text("the endpoint's own limits")
        expect(page.locator(".head-badges")).to_contain_text("Running")
        expect(searching).not_to_contain_text("No worker is running")
        assert visitor.accessibility_problems() == []
        page.get_by_role("button", name="Stop").click()
        expect(page.locator(".head-badges")).to_contain_text("Cancelled")
        expect(searching).to_contain_text("3 skipped")
        expect(page.get_by_role("link", name="Evaluate")).to_be_visible()
        expect(page.get_by_role("button", name="Run AI Judge")).to_be_disabled()
        assert visitor.accessibility_problems() == []

        SearchEndpoint.objects.update(requests_per_minute=None)
        page.get_by_role("button", name="Ask the rest again").click()
        # The page renews itself.
        expect(page.locator(".head-badges")).to_contain_text("Completed")
        expect(searching).to_contain_text("4 of 4 searches")

        page.get_by_role("navigation", name="Parts of the run").get_by_role("link", name="Searches").click()
        expect(page.get_by_role("table")).to_contain_text("green hat")
        assert visitor.accessibility_problems() == []
        page.get_by_role("link", name='a "quoted" hat').click()
        expect(page.get_by_role("heading", name="Ask it yourself")).to_be_visible()
        expect(page.locator("pre").first).to_contain_text(re.compile(r"^curl "))
        expect(page.get_by_role("main")).to_contain_text('a \\"quoted\\" hat')
        assert visitor.accessibility_problems() == []

        run = EvaluationRun.objects.get()
        visitor.open(f"/evaluations/runs/{run.pk}")
        holes = page.locator(".holes")
        expect(holes).to_contain_text("8 of the 8 documents in the top 2 are unjudged")
        page.evaluate("window.isTheSamePage = true")
        page.get_by_role("button", name="Judge the holes").click()
        expect(page.get_by_label("Scope")).to_have_value("unjudged")
        expect(page.locator("#start-form").get_by_label("Depth")).to_have_value("2")
        expect(page.locator("#estimate")).to_contain_text("8 candidates")
        assert visitor.accessibility_problems() == []
        page.locator("#start-form").get_by_role("button", name="Start").click()
        expect(page.locator("#judging-runs")).to_contain_text("Completed")
        expect(holes).to_contain_text("Everything in the top 2 is judged")
        assert page.evaluate("window.isTheSamePage") is True
