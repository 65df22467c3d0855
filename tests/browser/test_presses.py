"""How many keys daily work takes, counted: an AI judge started, twelve rows confirmed, twelve candidates graded."""

from collections.abc import Callable

from playwright.sync_api import Page, expect

from judging.models import JudgingRun, Judgment
from tests.browser.conftest import Visitor
from tests.factories import make_judge, make_run, make_user
from tests.review.test_grid import ai_grades

QUERIES = [f"query {number}" for number in range(6)]


class Hands:
    """A keyboard that counts its presses, and knows no mouse."""

    def __init__(self, page: Page) -> None:
        self.page, self.presses = page, 0

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)
            self.presses += 1


def test_daily_work_by_keyboard_takes_few_presses(new_visitor: Callable[..., Visitor]) -> None:
    documents = [f"d{number}" for number in range(4)]
    run = make_run({query: [f"{query}-{doc}" for doc in documents] for query in QUERIES})
    judge = make_judge(name="Careful")
    make_judge(name="Another")
    ai_grades(run, {(query, f"{query}-{doc}"): 2 for query in QUERIES[:3] for doc in documents}, judge)
    user = make_user()
    visitor = new_visitor(user)

    page = visitor.open(f"/evaluations/runs/{run.pk}")
    hands = Hands(page)
    hands.press("Tab", "Tab", "Enter", "Tab", "Enter")
    expect(page.get_by_label("AI Judge", exact=True)).to_be_focused()
    hands.press("c", "Enter")
    expect(page.locator("#judging-runs")).to_contain_text("Careful v1")
    assert JudgingRun.objects.get().judge_version.judge == judge
    assert hands.presses <= 8

    page = visitor.open(f"/evaluations/runs/{run.pk}/review")
    hands = Hands(page)
    hands.press(*["c"] * 12)
    expect(page.locator(".entry-grades [aria-pressed=true]")).to_have_count(12)
    expect(page.locator(".is-saving")).to_have_count(0)
    assert Judgment.objects.filter(member=user, grade=2, saw_ai_grade=True).count() == 12
    assert hands.presses <= 14

    page = visitor.open(f"/evaluations/runs/{run.pk}/evaluate")
    hands = Hands(page)
    for query in QUERIES[3:]:
        for doc in documents:
            expect(page.locator(".judge-document h3")).to_have_text(f"Title of {query}-{doc}")
            hands.press("3", "3")
    expect(page.get_by_role("heading", name="Nothing is left for you here")).to_be_visible()
    assert Judgment.objects.filter(member=user, grade=3, saw_ai_grade=False).count() == 12
    assert hands.presses <= 26
