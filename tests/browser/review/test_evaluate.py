"""The Evaluate page under real hands: by keyboard alone, blind first, two people at once, a phone."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from judging.models import Abstention, Evaluation, EvaluationRun, Judgment, User
from judging.runs.locks import lock_run
from tests.browser.conftest import Visitor
from tests.factories import make_judge, make_run, make_user
from tests.review.test_grid import ai_grades

NewVisitor = Callable[..., Visitor]


@pytest.fixture
def run(transactional_db: None) -> EvaluationRun:
    run = make_run({"red shoes": ["d1", "d2", "d3"], "blue shirt": ["d4", "d5"]}, name="bm25")
    ai_grades(run, {("red shoes", "d1"): 4, ("red shoes", "d2"): 0}, make_judge(name="Careful"))
    Evaluation.objects.update(description="Grade what the shopper would think.")
    return run


@pytest.fixture
def user(transactional_db: None) -> User:
    return make_user(name="Grace")


def open_evaluate(new_visitor: NewVisitor, user: User, run: EvaluationRun, **options: object) -> Visitor:
    visitor = new_visitor(user, **options)
    visitor.open(f"/evaluations/runs/{run.pk}/evaluate")
    return visitor


def shows(page: Page, doc: str) -> None:
    expect(page.locator(".judge-document h3")).to_have_text(f"Title of {doc}")


def mine(user: User) -> list[tuple[int, bool | None]]:
    return list(Judgment.objects.filter(member=user).order_by("pk").values_list("grade", "saw_ai_grade"))


def test_the_first_press_marks_the_second_submits_and_enter_does_too(
    new_visitor: NewVisitor, user: User, run: EvaluationRun
) -> None:
    page = open_evaluate(new_visitor, user, run).page
    page.evaluate("window.isSamePage = true")
    expect(page.locator("#guidelines")).to_contain_text("Grade what the shopper would think.")
    expect(page.get_by_text("Careful")).to_have_count(0)
    page.keyboard.press("2")
    expect(page.locator(".is-marked")).to_contain_text("Fairly relevant")
    page.keyboard.press("3")
    expect(page.locator(".is-marked")).to_contain_text("Highly relevant")
    assert mine(user) == []
    page.keyboard.press("3")
    shows(page, "d2")
    expect(page.locator("#judge-query")).to_be_focused()
    expect(page.locator(".is-marked")).to_have_count(0)
    expect(page.locator("#previous-slot")).to_contain_text("Careful v1 says otherwise")
    page.keyboard.press("1")
    page.keyboard.press("Escape")
    page.keyboard.press("Enter")
    page.keyboard.press("0")
    page.keyboard.press("Enter")
    shows(page, "d3")
    expect(page.locator("#previous-slot")).to_contain_text("agrees with you")
    expect(page.locator("#own-progress")).to_contain_text("2 graded by you")
    expect(page.locator("#own-progress")).to_contain_text("3 open to you")
    assert mine(user) == [(3, False), (0, False)]
    assert page.evaluate("window.isSamePage") is True


def test_a_grade_is_changed_with_the_ai_grade_in_sight_and_taken_back(
    new_visitor: NewVisitor, user: User, run: EvaluationRun
) -> None:
    page = open_evaluate(new_visitor, user, run).page
    page.keyboard.type("33")
    shows(page, "d2")
    page.keyboard.press("p")
    expect(page.locator(".own-grade")).to_contain_text("You graded this 3 Highly relevant.")
    expect(page.locator(".own-grade")).to_contain_text("because of d1")
    page.keyboard.type("44")
    shows(page, "d2")
    assert mine(user) == [(4, True)]
    page.keyboard.press("p")
    page.get_by_role("button", name="Take it back").click()
    shows(page, "d2")
    assert mine(user) == []
    page.keyboard.type("11")
    shows(page, "d3")
    page.keyboard.press("p")
    shows(page, "d2")
    page.keyboard.press("n")
    shows(page, "d1")


def test_skipping_and_i_cant_tell_by_keyboard(new_visitor: NewVisitor, user: User, run: EvaluationRun) -> None:
    page = open_evaluate(new_visitor, user, run).page
    page.keyboard.press("s")
    shows(page, "d2")
    page.keyboard.press("t")
    page.keyboard.type("It is in Finnish: 3 pages, so no")
    page.keyboard.press("Enter")
    shows(page, "d3")
    expect(page.locator("#own-progress")).to_contain_text("1 you can't tell")
    assert Abstention.objects.get().reason == "It is in Finnish: 3 pages, so no"
    assert mine(user) == []
    for doc in ("d4", "d5", "d1"):
        page.keyboard.type("22")
        shows(page, doc)
    page.keyboard.type("22")
    expect(page.get_by_role("heading", name="Nothing is left for you here")).to_be_visible()


def test_two_people_at_once_never_see_the_same_candidate(
    new_visitor: NewVisitor, user: User, run: EvaluationRun
) -> None:
    ada = make_user(name="Ada")
    first, second = (open_evaluate(new_visitor, each, run).page for each in (user, ada))
    shows(first, "d1")
    shows(second, "d2")
    first.keyboard.type("11")
    shows(first, "d3")
    second.keyboard.type("22")
    shows(second, "d4")
    assert Judgment.objects.filter(author_kind="member").count() == 2


def test_a_lost_connection_and_a_lock_are_messages_and_the_mark_stays(
    new_visitor: NewVisitor, user: User, run: EvaluationRun
) -> None:
    visitor = open_evaluate(new_visitor, user, run)
    page = visitor.page
    visitor.allow("ERR_INTERNET_DISCONNECTED|409|htmx:(sendError|afterRequest)")
    visitor.context.set_offline(True)
    page.keyboard.type("33")
    expect(page.locator("#toasts")).to_contain_text("The server can't be reached")
    expect(page.locator(".is-marked")).to_contain_text("Highly relevant")
    visitor.context.set_offline(False)
    lock_run(run=run, actor=make_user())
    page.keyboard.press("3")
    expect(page.locator("#toasts")).to_contain_text("is locked")
    shows(page, "d1")
    assert mine(user) == []
    page.reload()
    expect(page.get_by_role("heading", name="This run is locked")).to_be_visible()


def test_evaluate_is_accessible_and_fits_the_window(new_visitor: NewVisitor, user: User) -> None:
    run = make_run({"a-query-without-any-space-" * 6: ["d1-" * 60, "d2"]}, scale="detailed")
    ai_grades(run, {(run.run_queries.get().text, "d2"): 9, (run.run_queries.get().text, "d1-" * 60): 9})
    visitor = open_evaluate(new_visitor, user, run)
    page = visitor.page
    page.keyboard.press("t")
    assert visitor.problems_in_both_looks() == []
    page.keyboard.press("Escape")
    page.keyboard.type("77")
    shows(page, "d2")
    assert visitor.problems_in_both_looks() == []
    page.keyboard.press("p")
    expect(page.locator(".own-grade")).to_be_visible()
    assert visitor.problems_in_both_looks() == []
