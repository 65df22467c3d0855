"""The review grid under real hands: keys, undo, filters, details, confirming, trouble, a phone."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, expect

from judging.models import DocumentVersion, EvaluationRun, Judgment, User
from judging.runs.locks import lock_run
from tests.browser.conftest import PHONE, Visitor
from tests.factories import candidate, make_judge, make_run, make_user
from tests.review.test_grid import ai_grades, grade

NewVisitor = Callable[..., Visitor]


@pytest.fixture
def run(transactional_db: None) -> EvaluationRun:
    run = make_run({"red shoes": ["d1", "d2", "d3"], "blue shirt": ["d2", "d4"]}, name="bm25")
    ai_grades(
        run, {("red shoes", "d1"): 4, ("red shoes", "d2"): 0, ("blue shirt", "d4"): 2}, make_judge(name="Careful")
    )
    return run


@pytest.fixture
def user(transactional_db: None) -> User:
    return make_user(name="Ada")


def open_grid(new_visitor: NewVisitor, user: User, run: EvaluationRun, query: str = "", **options: object) -> Visitor:
    visitor = new_visitor(user, **options)
    visitor.open(f"/evaluations/runs/{run.pk}/review{query}")
    return visitor


def entry(page: Page, run: EvaluationRun, text: str, doc: str) -> Locator:
    return page.locator(f"#entry-{candidate(run, text, doc).pk}")


def given(row: Locator) -> Locator:
    return row.locator(".entry-grades [aria-pressed=true]")


def saved(page: Page) -> None:
    expect(page.locator(".is-saving")).to_have_count(0)


def mine(user: User) -> list[int]:
    return list(Judgment.objects.filter(member=user).order_by("pk").values_list("grade", flat=True))


def test_a_judge_grades_by_key_moves_on_and_undoes_without_a_reload(
    new_visitor: NewVisitor, user: User, run: EvaluationRun
) -> None:
    grade(run, user, "red shoes", "d2", 1)
    page = open_grid(new_visitor, user, run).page
    page.evaluate("window.isSamePage = true")
    d1, d2, d3 = (entry(page, run, "red shoes", doc) for doc in ("d1", "d2", "d3"))
    expect(d1).to_have_attribute("aria-current", "true")
    metrics = page.locator("#grid-metrics").inner_text()
    for key in "13":
        page.keyboard.press(key)
    expect(given(d1)).to_have_text("1")
    expect(given(d2)).to_have_text("3")
    expect(d3).to_be_focused()
    expect(d1.locator(".entry-counts")).to_contain_text("By people")
    expect(page.locator("#grid-metrics")).not_to_have_text(metrics)
    page.keyboard.press("u")
    expect(given(d2)).to_have_text("1")
    expect(d2).to_be_focused()
    page.keyboard.press("u")
    expect(given(d1)).to_have_count(0)
    expect(d1.locator(".entry-counts")).to_contain_text("By AI")
    page.keyboard.press("u")
    expect(page.locator("#toasts")).to_contain_text("nothing to undo")
    assert mine(user) == [1]
    assert page.evaluate("window.isSamePage") is True


def test_quick_hands_lose_no_key_and_an_undo_in_between_waits(
    new_visitor: NewVisitor, user: User, run: EvaluationRun
) -> None:
    page = open_grid(new_visitor, user, run).page
    for key in ("1", "2", "3", "k", "4", "u"):
        page.keyboard.press(key)
    rows = [
        entry(page, run, text, doc) for text, doc in (("red shoes", "d1"), ("red shoes", "d2"), ("red shoes", "d3"))
    ]
    expect(given(rows[0])).to_have_text("1")
    expect(given(rows[1])).to_have_text("2")
    expect(given(rows[2])).to_have_text("3")
    saved(page)
    assert mine(user) == [1, 2, 3]


def test_arrows_and_letters_move_r_opens_the_reasoning_and_escape_closes(
    new_visitor: NewVisitor, user: User, run: EvaluationRun
) -> None:
    page = open_grid(new_visitor, user, run).page
    for key, doc in (("ArrowDown", "d2"), ("j", "d3"), ("k", "d2"), ("ArrowUp", "d1"), ("k", "d1")):
        page.keyboard.press(key)
        expect(entry(page, run, "red shoes", doc)).to_have_attribute("aria-current", "true")
    detail = entry(page, run, "red shoes", "d1").locator(".entry-detail")
    page.keyboard.press("r")
    expect(detail).to_contain_text("because of d1")
    expect(detail).to_contain_text("Acme")
    expect(detail).to_contain_text("Careful v1")
    page.keyboard.press("Escape")
    expect(detail).to_be_hidden()
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keys")).to_be_visible()
    page.keyboard.press("3")
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog", name="Keys")).to_be_hidden()
    assert mine(user) == []


def test_nothing_fires_while_typing_and_search_filters_as_one_types(
    new_visitor: NewVisitor, user: User, run: EvaluationRun
) -> None:
    page = open_grid(new_visitor, user, run).page
    page.keyboard.press("/")
    page.keyboard.type("d2")
    expect(page.locator(".entry")).to_have_count(2)
    expect(page.get_by_placeholder("Search in query")).to_have_value("d2")
    assert page.url.endswith("/review?search=d2&ordering=query")
    # Escape empties the field, too, and the list is renewed.
    page.keyboard.press("Escape")
    expect(page.locator(".entry")).to_have_count(5)
    page.keyboard.press("j")
    page.keyboard.press("2")
    expect(given(entry(page, run, "red shoes", "d2"))).to_have_text("2")
    page.locator("summary", has_text="Filters").click()
    page.get_by_label("Status").select_option("disagreement")
    expect(page.locator(".entry")).to_have_count(1)
    page.get_by_role("link", name="AI says highly relevant").click()
    expect(page.locator(".entry")).to_have_count(1)
    expect(page.get_by_role("link", name="AI says highly relevant")).to_have_attribute("aria-current", "page")
    expect(page.get_by_label("AI grade from")).to_have_value("3")
    page.get_by_role("link", name="Failed").click()
    expect(page.get_by_role("heading", name="Nothing failed")).to_be_visible()
    saved(page)
    assert mine(user) == [2]


def test_a_grade_given_while_a_list_is_on_its_way_stands_in_it(
    new_visitor: NewVisitor, user: User, run: EvaluationRun
) -> None:
    page = open_grid(new_visitor, user, run).page
    d1, held = entry(page, run, "red shoes", "d1"), []
    page.route(re.compile("ordering=(?!query)"), lambda route: held.append((route, route.fetch())), times=1)
    page.locator(".grid-order").select_option(index=1)
    while not held:
        page.wait_for_timeout(20)
    d1.locator("[data-grade='3']").click()
    expect(given(d1)).to_have_text("3")
    [(route, response)] = held
    route.fulfill(response=response)
    expect(page.locator(".list-head")).to_have_count(0)
    expect(given(d1)).to_have_text("3")
    assert mine(user) == [3]


def test_chosen_rows_take_the_ai_grade_and_one_undo_reverts_them(
    new_visitor: NewVisitor, user: User, run: EvaluationRun
) -> None:
    page = open_grid(new_visitor, user, run).page
    page.locator("[data-choose-all]").check()
    expect(page.locator(".bulk-count")).to_have_text("3 rows chosen")
    page.get_by_role("button", name="Confirm AI grade").click()
    expect(page.locator("#toasts")).to_contain_text("3 AI grades confirmed.")
    expect(page.locator(".entry-grades [aria-pressed=true]")).to_have_count(3)
    expect(page.locator("#chosen")).to_be_hidden()
    page.get_by_role("button", name="Undo", exact=True).click()
    expect(page.locator("#toasts")).to_contain_text("3 grades taken back.")
    expect(page.locator(".entry-grades [aria-pressed=true]")).to_have_count(0)
    entry(page, run, "red shoes", "d2").locator(".entry-title").click()
    page.keyboard.press("c")
    expect(given(entry(page, run, "red shoes", "d2"))).to_have_text("0")
    expect(entry(page, run, "red shoes", "d3")).to_be_focused()
    saved(page)
    assert list(Judgment.objects.filter(member=user).values_list("grade", "saw_ai_grade")) == [(0, True)]
    page.get_by_role("button", name="Confirm all 5 that match").click()
    page.get_by_role("button", name="Confirm AI grades").click()
    expect(page.locator("#toasts")).to_contain_text(
        "2 AI grades confirmed. 3 without one, or graded by you, left alone."
    )
    assert sorted(mine(user)) == [0, 2, 4]
    page.wait_for_load_state()
    page.keyboard.press("u")
    expect(page.locator("#toasts")).to_contain_text("2 grades taken back.")
    assert mine(user) == [0]


def test_images_open_larger_and_the_arrows_go_on(new_visitor: NewVisitor, user: User, run: EvaluationRun) -> None:
    image = "data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg' width='9' height='9' id='{}'/>"
    for doc in ("d1", "d4"):
        DocumentVersion.objects.filter(document__external_id=doc).update(image=image.format(doc))
    visitor = open_grid(new_visitor, user, run)
    page, d1, d4 = (
        visitor.page,
        entry(visitor.page, run, "red shoes", "d1"),
        entry(visitor.page, run, "blue shirt", "d4"),
    )
    shown = page.locator("#larger-image")
    page.keyboard.press("i")
    expect(shown.get_by_role("img")).to_have_accessible_name("Title of d1")
    assert visitor.accessibility_problems() == []
    page.keyboard.press("ArrowRight")
    expect(shown.get_by_role("img")).to_have_accessible_name("Title of d4")
    page.keyboard.press("Escape")
    expect(shown).to_be_hidden()
    expect(d4).to_be_focused()
    d1.locator(".entry-doc > img").click()
    expect(shown.get_by_role("img")).to_have_accessible_name("Title of d1")
    page.get_by_role("button", name="Close", exact=True).last.click()
    page.keyboard.press("j")
    page.keyboard.press("i")
    expect(page.locator("#toasts")).to_contain_text("This row has no image.")


def chosen(page: Page) -> list[int]:
    return [int(box.input_value().split(":")[0]) for box in page.locator("input[name=seen]:checked").all()]


def test_a_keyboard_skips_to_the_rows_chooses_a_range_and_confirms_it(new_visitor: NewVisitor, user: User) -> None:
    run = make_run({f"query {q}": ["d1", "d2", "d3", "d4"] for q in range(3)})
    ai_grades(run, {(f"query {q}", doc): 2 for q in range(3) for doc in ("d1", "d2", "d3", "d4")})
    page = open_grid(new_visitor, user, run).page
    rows = [entry(page, run, "query 0", f"d{n}") for n in (1, 2, 3, 4)]
    for key in ("Tab", "Tab", "Enter"):
        page.keyboard.press(key)
    expect(rows[0]).to_be_focused()
    for key in ("J", "Shift+ArrowDown", "J", "K"):
        page.keyboard.press(key)
    pks = [candidate(run, "query 0", f"d{n}").pk for n in (1, 2, 3)]
    expect(rows[2]).to_be_focused()
    assert chosen(page) == pks
    for key in ("Tab", "Tab", "Enter"):
        page.keyboard.press(key)
    expect(page.get_by_role("button", name="Confirm AI grade", exact=True)).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#toasts")).to_contain_text("3 AI grades confirmed.")
    expect(rows[2]).to_be_focused()
    saved(page)
    assert mine(user) == [2, 2, 2]


def test_shift_clicks_choose_from_the_row_before(new_visitor: NewVisitor, user: User) -> None:
    run = make_run({"red shoes": ["d1", "d2", "d3", "d4", "d5"]})
    ai_grades(run, {("red shoes", f"d{n}"): 2 for n in (1, 2, 4, 5)})
    page = open_grid(new_visitor, user, run).page
    rows = {n: entry(page, run, "red shoes", f"d{n}") for n in range(1, 6)}
    pks = {n: candidate(run, "red shoes", f"d{n}").pk for n in range(1, 6)}
    rows[2].locator(".entry-title").click()
    rows[4].locator(".entry-title").click(modifiers=["Shift"])
    assert chosen(page) == [pks[2], pks[4]]
    rows[1].locator("input[name=seen]").check()
    rows[5].locator("input[name=seen]").click(modifiers=["Shift"])
    assert chosen(page) == [pks[1], pks[2], pks[4], pks[5]]
    rows[4].locator("input[name=seen]").click(modifiers=["Shift"])
    assert chosen(page) == [pks[5]]


def test_a_failed_save_shows_a_message_and_keeps_the_earlier_grade(
    new_visitor: NewVisitor, user: User, run: EvaluationRun
) -> None:
    grade(run, user, "red shoes", "d1", 1)
    visitor = open_grid(new_visitor, user, run)
    page, d1 = visitor.page, entry(visitor.page, run, "red shoes", "d1")
    visitor.allow("ERR_INTERNET_DISCONNECTED|409|htmx:(sendError|afterRequest)")
    visitor.context.set_offline(True)
    page.keyboard.press("4")
    expect(page.locator("#toasts")).to_contain_text("The server can't be reached")
    expect(given(d1)).to_have_text("1")
    expect(d1.locator(".is-given")).to_have_count(0)
    visitor.context.set_offline(False)
    lock_run(run=run, actor=user)
    page.keyboard.press("k")
    page.keyboard.press("3")
    expect(page.locator("#toasts")).to_contain_text("is locked")
    expect(given(d1)).to_have_text("1")
    saved(page)
    assert mine(user) == [1]
    page.reload()
    expect(page.get_by_text("This run is locked")).to_be_visible()
    expect(page.locator(".entry-grades")).to_have_count(0)
    page.keyboard.press("3")
    expect(page.locator("#toasts")).to_contain_text("This run is locked")


def test_a_finger_grades_on_a_phone(new_visitor: NewVisitor, user: User, run: EvaluationRun) -> None:
    visitor = open_grid(new_visitor, user, run, viewport=PHONE, has_touch=True)
    d1 = entry(visitor.page, run, "red shoes", "d1")
    d1.get_by_role("button", name="2 Fairly relevant").tap()
    expect(given(d1)).to_have_text("2")
    d1.get_by_label("Details of rank 1").tap()
    expect(d1.locator(".entry-detail")).to_contain_text("because of d1")
    assert visitor.overflow() <= 0
    assert mine(user) == [2]


def test_the_grid_is_accessible_and_fits_the_window(new_visitor: NewVisitor, user: User) -> None:
    run = make_run(
        {"a-query-without-any-space-" * 6: ["d1-" * 60, "d2"], "b": ["d3"]}, scale="detailed", name="bm25" * 20
    )
    texts = list(run.run_queries.values_list("text", flat=True))
    ai_grades(run, {(texts[0], "d2"): 9, (texts[1], "d3"): 0})
    for number in range(6):
        grade(run, make_user(email=f"somebody-with-a-long-address-{number}@example.com"), texts[0], "d2", number)
    visitor = open_grid(new_visitor, user, run)
    page = visitor.page
    page.keyboard.press("j")
    page.keyboard.press("r")
    page.keyboard.press("x")
    page.locator("summary", has_text="Filters").click()
    expect(page.locator(".entry-detail", has_text="All AI judging runs")).to_be_visible()
    assert visitor.problems_in_both_looks() == []
    lock_run(run=run, actor=user)
    visitor.open(f"/evaluations/runs/{run.pk}/review?ordering=-ai_grade")
    assert visitor.problems_in_both_looks() == []
