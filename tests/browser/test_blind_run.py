"""A blind run under real hands: hidden rows, a grade that opens its row, the grades shown on demand; and a rater's."""

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from judging.models import EvaluationRun, Judgment, User
from tests.browser.conftest import PHONE, Visitor
from tests.factories import make_judge, make_run, make_user
from tests.review.test_grid import ai_grades, grade

NewVisitor = Callable[..., Visitor]


@pytest.fixture
def run(transactional_db: None) -> EvaluationRun:
    run = make_run({"red shoes": ["d1", "d2", "d3", "d4"], "blue shirt": ["d4", "d5"]}, name="bm25", blind=True)
    ai_grades(run, {("red shoes", f"d{number}"): 4 for number in range(1, 5)}, make_judge(name="Careful"))
    grade(run, make_user(email="grace@example.com"), "red shoes", "d1", 3)
    return run


def test_a_grade_opens_its_row_and_a_button_all_of_them(
    new_visitor: NewVisitor, member: User, run: EvaluationRun
) -> None:
    visitor = new_visitor(member)
    page = visitor.open(f"/evaluations/runs/{run.pk}/review")
    first = page.locator(".entry").first
    expect(page.get_by_text("This run is judged blind")).to_be_visible()
    expect(first).to_contain_text("hidden until you grade")
    expect(page.get_by_text("Careful")).to_have_count(0)
    assert visitor.accessibility_problems() == []
    page.keyboard.press("2")
    expect(first).to_contain_text("Careful v1")
    expect(page.locator(".entry", has_text="hidden until you grade")).to_have_count(5)
    page.get_by_role("button", name="Show me the grades").click()
    page.get_by_role("dialog").get_by_role("button", name="Show me the grades").click()
    expect(page.get_by_text("You see the grades of this run")).to_be_visible()
    expect(page.get_by_text("hidden until you grade")).to_have_count(0)
    # Keys are heard once the page's scripts have been read.
    page.wait_for_load_state()
    # The order was this person's own before, and is the ranked list's now.
    page.locator(".entry:not(:has(.is-me)) .entry-title").first.click()
    page.keyboard.press("3")
    expect(page.locator(".entry-people .is-me")).to_have_count(2)
    assert list(Judgment.objects.filter(member=member).order_by("pk").values_list("saw_ai_grade", flat=True)) == [
        False,
        True,
    ]


def test_a_rater_s_pages_stay_blind_on_a_phone(new_visitor: NewVisitor, rater: User, run: EvaluationRun) -> None:
    visitor = new_visitor(rater, viewport=PHONE)
    for path in ("", "/review", "/evaluate"):
        page = visitor.open(f"/evaluations/runs/{run.pk}{path}")
        expect(page.get_by_text("judge blind").first).to_be_visible()
        assert visitor.overflow() <= 0
        assert visitor.accessibility_problems() == []
