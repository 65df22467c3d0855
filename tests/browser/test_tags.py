"""Tags in a browser: given to chosen queries, seen at once, filtered by, on a phone, too."""

from collections.abc import Callable

from playwright.sync_api import expect

from judging.models import Role, RunQuery
from tests.browser.conftest import PHONE, WIDE, Visitor
from tests.factories import make_run, make_user

NewVisitor = Callable[..., Visitor]


def test_chosen_queries_are_tagged_without_a_reload_and_filtered_by_tag(new_visitor: NewVisitor) -> None:
    run = make_run({f"red shoes {number}": ["d1"] for number in range(12)}, name="bm25", metrics=["P@10"])
    RunQuery.objects.filter(run=run).update(
        is_scored=True, metric_values={"P@10": 0.25}, coverage_values={"P@10": [1, 1]}, has_stale_metrics=False
    )
    member = make_user(Role.MEMBER)
    visitor = new_visitor(member, color_scheme="dark")
    page = visitor.open(f"/evaluations/runs/{run.pk}")
    first = page.get_by_label("Choose red shoes 3", exact=True)
    expect(first).to_be_hidden()
    page.get_by_text("Tag queries", exact=True).click()
    page.get_by_label("Choose all queries of this page").check()
    page.get_by_label("Tags of the chosen queries").fill("Head, en")
    page.get_by_role("button", name="Add", exact=True).click()
    expect(page.locator("#queries a.tag", has_text="head")).to_have_count(12)
    expect(page.locator("#by-tag tbody tr")).to_have_count(2)
    first.check()
    page.get_by_label("Tags of the chosen queries").fill("en")
    page.get_by_role("button", name="Take away").click()
    expect(page.locator("#queries a.tag", has_text="en")).to_have_count(11)
    page.locator("#by-tag a.tag", has_text="en").click()
    expect(page.locator("#queries tbody tr")).to_have_count(11)
    page.get_by_label("Tag", exact=True).select_option("head")
    page.get_by_role("button", name="Search").click()
    expect(page.locator("#queries tbody tr")).to_have_count(12)

    page.get_by_text("Tag queries", exact=True).click()
    for viewport in (WIDE, PHONE):
        page.set_viewport_size(viewport)
        assert visitor.accessibility_problems() == []
        assert visitor.overflow() <= 0
