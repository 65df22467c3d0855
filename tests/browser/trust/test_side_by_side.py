"""Two runs in a browser: from the comparison to a query side by side, graded and left by key."""

from collections.abc import Callable

from django.urls import reverse
from playwright.sync_api import expect

from judging import ledger
from judging.models import Judgment, User
from tests.browser.conftest import Visitor
from tests.factories import make_evaluation, make_judge, make_run
from tests.trust.graded import give_grades

NewVisitor = Callable[..., Visitor]


def test_a_query_is_opened_graded_undone_and_stepped_on_by_key(new_visitor: NewVisitor, member: User) -> None:
    evaluation, names = make_evaluation(), {"name": "Old"}
    a = make_run({"shoes": ["d1", "d2", "d3"], "hats": ["d4", "d5"]}, evaluation=evaluation, metrics=["P@2"], **names)
    b = make_run(
        {"shoes": ["d2", "d9", "d1"], "hats": ["d4", "d6"]}, evaluation=evaluation, metrics=["P@2"], name="New"
    )
    give_grades(a, ai=[[2, 0, None], [1, None]])
    ledger.refresh_run(b.pk)
    make_judge(name="Careful")
    visitor = new_visitor(member)
    page = visitor.open(reverse("compare", args=[a.pk, b.pk]))
    expect(page.get_by_role("button", name="Judge the 3 documents that decide it")).to_be_visible()
    assert visitor.problems_in_both_looks() == []
    page.get_by_role("link", name="shoes").click()

    expect(page.get_by_role("heading", name="shoes")).to_be_visible()
    assert visitor.problems_in_both_looks() == []
    shared = page.locator("[data-list=b] .entry").first
    # Keys are heard once the page's scripts have been read.
    page.wait_for_load_state()
    # The first of the newer list is chosen: d2, which the older one has at rank 2.
    page.keyboard.press("2")
    for side in ("a", "b"):
        pressed = page.locator(f"[data-list={side}] .entry", has_text="Title of d2").locator("[aria-pressed=true]")
        expect(pressed).to_have_text("2")
    expect(page.locator("#side-figures")).to_contain_text("1.0000 → 0.5000")
    page.keyboard.press("u")
    expect(page.locator("#side-figures")).to_contain_text("0.5000 → 0.0000")
    assert not Judgment.objects.filter(member=member).exists()
    expect(shared).to_have_attribute("aria-current", "true")
    # To the same document in the other list.
    page.keyboard.press("ArrowLeft")
    expect(page.locator("[data-list=a] .entry[aria-current]")).to_contain_text("Title of d2")
    page.keyboard.press("r")
    expect(page.locator("[data-list=a] .entry[aria-current] .entry-detail")).to_contain_text("AI reasoning")
    page.keyboard.press("n")
    expect(page.get_by_role("heading", name="hats")).to_be_visible()
    page.wait_for_load_state()
    page.keyboard.press("p")
    expect(page.get_by_role("heading", name="shoes")).to_be_visible()
    assert visitor.problems == []
