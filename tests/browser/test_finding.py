"""The search over everything, with the keyboard alone."""

import re
from collections.abc import Callable

from playwright.sync_api import expect

from tests.browser.conftest import Visitor
from tests.factories import make_evaluation, make_judge, make_run, make_user

NewVisitor = Callable[..., Visitor]


def test_a_keyboard_opens_the_search_chooses_and_comes_back(new_visitor: NewVisitor) -> None:
    evaluation = make_evaluation(name="Shoes")
    runs = [make_run(name=f"bm25 {number} <b>", evaluation=evaluation) for number in range(3)]
    make_judge(name="Careful")
    visitor = new_visitor(make_user())
    page = visitor.open("/account")
    dialog, text, chosen = page.get_by_role("dialog"), page.get_by_label("Find by name"), page.locator(".is-chosen")
    # Escape gives the focus back; where one types, "/" is a letter.
    field = page.get_by_label("Name", exact=True)
    field.focus()
    page.keyboard.press("/")
    expect(field).to_have_value("/")
    page.keyboard.press("Control+k")
    expect(text).to_be_focused()
    assert visitor.accessibility_problems() == []
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(field).to_be_focused()
    # Arrows go round, Enter opens.
    page.get_by_role("heading", level=1).click()
    page.keyboard.press("/")
    page.keyboard.type("bm25")
    expect(chosen).to_contain_text("bm25 2 <b>")
    assert visitor.accessibility_problems() == []
    page.keyboard.press("ArrowDown")
    expect(chosen).to_contain_text("bm25 1 <b>")
    for _ in range(2):
        page.keyboard.press("ArrowUp")
    expect(chosen).to_contain_text("bm25 0 <b>")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(f"/evaluations/runs/{runs[0].pk}$"))
    # Keys are heard once the page's scripts have been read.
    page.wait_for_load_state()
    # Enter before the answer is there opens the answer's first.
    page.keyboard.press("Control+k")
    expect(text).to_be_focused()
    page.keyboard.type("careful")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("/ai-judges/"))
    # On the grid "/" is the grid's own search.
    page = visitor.open(f"/evaluations/runs/{runs[0].pk}/review")
    page.keyboard.press("/")
    expect(page.locator("#grid-search")).to_be_focused()
    expect(dialog).to_be_hidden()
    page.set_viewport_size({"width": 390, "height": 844})
    page.get_by_label("Find").click()
    page.keyboard.type("nothing like it")
    expect(dialog).to_contain_text("Nothing here has “nothing like it” in its name.")
