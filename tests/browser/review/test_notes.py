"""Notes on grades by keyboard, in the review grid and on the Evaluate page."""

from collections.abc import Callable

from playwright.sync_api import expect

from judging.models import Judgment
from tests.browser.conftest import Visitor
from tests.factories import candidate, make_run, make_user


def test_a_keyboard_writes_notes_in_the_grid_and_on_evaluate(new_visitor: Callable[..., Visitor]) -> None:
    run, user = make_run({"red shoes": ["d1", "d2"]}), make_user()
    visitor = new_visitor(user)
    page = visitor.open(f"/evaluations/runs/{run.pk}/review")
    row = page.locator(f"#entry-{candidate(run, 'red shoes', 'd1').pk}")
    field = row.get_by_label("Your note")
    page.keyboard.press("e")
    expect(field).to_be_focused()
    page.keyboard.type("e3?")
    page.keyboard.press("Escape")
    expect(row).to_be_focused()
    expect(field).to_be_hidden()
    page.keyboard.press("e")
    expect(field).to_be_focused()
    expect(field).to_have_value("")
    page.keyboard.type("as asked")
    page.keyboard.press("Control+Enter")
    expect(page.locator("#toasts")).to_contain_text("Now grade the row")
    page.keyboard.press("3")
    expect(row.get_by_role("img", name="with a note")).to_be_visible()
    expect(field).to_be_hidden()
    page.keyboard.press("k")
    page.keyboard.press("e")
    expect(row.get_by_role("button", name="Save note")).to_be_visible()
    expect(field).to_have_value("as asked")
    page.keyboard.press("Control+End")
    page.keyboard.type(", twice")
    assert visitor.accessibility_problems() == []
    page.keyboard.press("Control+Enter")
    expect(row).to_be_focused()
    expect(field).to_be_hidden()
    assert list(Judgment.objects.values_list("grade", "reasoning")) == [(3, "as asked, twice")]

    page = visitor.open(f"/evaluations/runs/{run.pk}/evaluate")
    page.keyboard.press("2")
    page.keyboard.press("e")
    expect(page.get_by_label("Note")).to_be_focused()
    page.keyboard.type("by 2 words")
    page.keyboard.press("Control+Enter")
    expect(page.locator("#previous-slot")).to_contain_text("by 2 words")
    assert list(Judgment.objects.order_by("pk").values_list("grade", "reasoning"))[1:] == [(2, "by 2 words")]
