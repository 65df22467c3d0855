"""A batch of a check sample graded by keyboard alone, to the look after it."""

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from judging.models import Abstention, EvaluationRun, Judgment, Role
from judging.trust.samples.acts import create_check_sample
from tests.browser.conftest import Visitor
from tests.factories import make_judge, make_run, make_user
from tests.review.test_grid import ai_grades

NewVisitor = Callable[..., Visitor]


@pytest.fixture
def run(transactional_db: None) -> EvaluationRun:
    run = make_run({"red shoes": ["d1", "d2", "d3"]}, name="bm25")
    ai_grades(run, {("red shoes", "d1"): 4, ("red shoes", "d2"): 0}, make_judge(name="Careful"))
    return run


def test_a_batch_is_graded_by_keyboard(new_visitor: NewVisitor, run: EvaluationRun) -> None:
    member = make_user(Role.MEMBER)
    visitor = new_visitor(member)
    page = visitor.page
    visitor.open(f"/evaluations/runs/{run.pk}/check-samples")
    expect(page.locator("#sample-plan")).to_contain_text("3 grades")
    page.get_by_text("How well the AI and people agree").click()
    expect(page.get_by_label("Metric", exact=True)).to_be_hidden()
    expect(page.locator("#sample-plan")).to_contain_text("2 grades")
    page.get_by_text("Certify a metric").click()
    page.get_by_role("button", name="Start the sample").click()
    page.get_by_role("link", name="Grade").click()
    expect(page.locator("#next-unrated")).to_have_text("Grade 40")
    page.wait_for_load_state()
    page.keyboard.press("n")
    expect(page.locator(".judge-document h3")).to_contain_text("Title of")
    page.wait_for_load_state()
    first = page.locator(".judge-document h3").inner_text()
    page.keyboard.press("s")
    expect(page.locator(".judge-document h3")).not_to_have_text(first)
    page.keyboard.type("33")
    expect(page.locator("#previous-slot")).to_contain_text("Saved")
    expect(page.locator("#own-progress")).to_contain_text("2 left in this batch")
    page.keyboard.press("t")
    page.keyboard.type("in Greek")
    page.keyboard.press("Enter")
    expect(page.locator(".judge-document h3")).to_have_text(first)
    expect(page.get_by_text("Careful")).to_have_count(0)
    page.keyboard.type("11")
    expect(page.locator("#judge-query")).to_have_text("Nothing is left here")
    expect(page.locator("#evaluate")).to_contain_text("You have graded 2 documents")
    assert set(Judgment.objects.filter(member=member).values_list("blind_grade", flat=True)) == {3, 1}
    assert Abstention.objects.get().reason == "in Greek"


def test_a_rater_finds_an_open_sample_on_the_evaluate_page(new_visitor: NewVisitor, run: EvaluationRun) -> None:
    create_check_sample(run=run, goal="certify", metric="P@3", actor=make_user(Role.MEMBER))
    visitor = new_visitor(make_user(Role.RATER))
    visitor.open(f"/evaluations/runs/{run.pk}/evaluate")
    visitor.page.get_by_role("link", name="Certify P@3").click()
    visitor.page.get_by_role("button", name="Grade 40").click()
    expect(visitor.page.locator("#own-progress")).to_contain_text("3 left in this batch")
