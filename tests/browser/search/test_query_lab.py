"""The query lab in the browser: by keyboard from the query to a saved template; wide, and on a phone in the dark."""

from collections.abc import Callable

from django.urls import reverse
from playwright.sync_api import expect

from judging.demo_search.server import Server
from judging.models import QueryTemplate, User
from tests.browser.conftest import Visitor
from tests.factories import make_evaluation, make_run
from tests.search.lab.asking import BROAD, NARROW, make_engine_endpoint
from tests.search.runs.conftest import search_engine
from tests.search.setting_up import make_template
from tests.trust.graded import give_grades

__all__ = ["search_engine"]
NewVisitor = Callable[..., Visitor]


def test_two_sides_are_asked_and_one_is_saved_by_keyboard(
    new_visitor: NewVisitor, member: User, search_engine: Server
) -> None:
    endpoint = make_engine_endpoint(search_engine)
    make_template(NARROW)
    make_template(BROAD, name="Everything")
    run = make_run({"red shirt": ["red-shirt-0", "red-shirt-1"]}, evaluation=make_evaluation(endpoint.corpus))
    give_grades(run, ai=[[None, 3]], raters={"Ann": [[2, None]]})
    visitor = new_visitor(member)
    page = visitor.open(f"{reverse('query_lab')}?a-endpoint={endpoint.pk}&a-depth=6")
    keys = page.keyboard
    page.get_by_label("Query", exact=True).focus()
    keys.type("red shirt")
    page.locator("#id_a-template").focus()
    page.locator("#id_a-template").select_option(label="Title only")
    expect(page.locator("#id_a-body")).to_have_value(NARROW)
    page.get_by_role("button", name="Add a side").focus()
    keys.press("Enter")
    expect(page.locator("#id_b-endpoint")).to_be_focused()
    # What was swapped in may take the focus once more as long as it settles.
    expect(page.locator(".htmx-settling")).to_have_count(0)
    page.locator("#id_b-template").focus()
    page.locator("#id_b-template").select_option(label="Everything")
    expect(page.locator("#id_b-body")).to_have_value(BROAD)
    expect(page.locator("#id_b-template")).to_be_focused()
    keys.press("Control+Enter")
    lists = page.locator(".lab-list")
    expect(lists).to_have_count(2)
    expect(lists.first.locator(".lab-entry")).to_have_count(6)
    expect(lists.first).to_contain_text("Ann")
    expect(lists.last).to_contain_text("Only here")
    assert visitor.problems_in_both_looks() == []
    # Whoever opens the address finds what was asked.
    page.reload()
    expect(page.get_by_label("Query", exact=True)).to_have_value("red shirt")
    expect(page.locator("#id_b-body")).to_have_value(BROAD)
    summary = page.locator(".lab-side").last.locator("summary")
    summary.focus()
    keys.press("Enter")
    page.locator("#id_b-name").fill("All of them")
    page.locator(".lab-side").last.get_by_role("button", name="Save as a new template").focus()
    assert visitor.problems_in_both_looks() == []
    keys.press("Enter")
    expect(page.locator("#toasts")).to_contain_text("All of them is saved as version 1.")
    assert QueryTemplate.objects.get(name="All of them").body == BROAD
    expect(page.locator("#id_b-template option:checked")).to_have_text("All of them")
    expect(page.locator("#id_b-body"), "what is being edited stays open").to_be_visible()
