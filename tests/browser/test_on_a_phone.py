"""A member on a phone in the dark: what the month cost, a run's settings, the archive, a view of their own, the audit."""

from collections.abc import Callable

from playwright.sync_api import expect

from judging.models import EvaluationRun, GridView, Role, RunQuery
from tests.browser.conftest import PHONE, Visitor
from tests.factories import make_run, make_user


def test_a_member_keeps_house_on_a_phone(new_visitor: Callable[..., Visitor]) -> None:
    run = make_run({"red shoes": ["d1", "d2"], "odd query": []}, name="bm25")
    RunQuery.objects.filter(run=run, text="odd query").update(candidate_count=0)
    visitor = new_visitor(make_user(Role.ADMIN), viewport=PHONE, color_scheme="dark", has_touch=True)

    def fine() -> None:
        assert visitor.accessibility_problems() == []
        assert visitor.overflow() <= 0

    page = visitor.open("/")
    page.get_by_text("Tokens and cost this month").tap()
    expect(page.locator(".usage-details")).to_contain_text("No AI work began")
    fine()
    page.get_by_role("link", name="bm25", exact=True).tap()
    page.get_by_role("link", name="No results").tap()
    expect(page.locator("#queries tbody tr")).to_have_count(1)
    fine()
    page.get_by_label("More acts").tap()
    page.get_by_role("link", name="Settings of the run").tap()
    page.locator("#id_name").fill("bm25, tuned")
    page.get_by_role("button", name="Save").tap()
    expect(page.get_by_role("heading", name="bm25, tuned")).to_be_visible()
    page.get_by_label("More acts").tap()
    page.get_by_role("button", name="Archive the run").tap()
    expect(page.get_by_text("Archived", exact=True)).to_be_visible()
    assert EvaluationRun.objects.get().is_archived
    page.get_by_label("More acts").tap()
    page.get_by_role("button", name="Restore the run").tap()
    expect(page.get_by_text("Archived", exact=True)).to_have_count(0)

    page = visitor.open(f"/evaluations/runs/{run.pk}/review?people=none")
    page.get_by_text("Keep this view").tap()
    fine()
    page.get_by_label("Name", exact=True).fill("To do")
    page.get_by_role("button", name="Keep", exact=True).tap()
    expect(page.get_by_role("link", name="To do")).to_have_attribute("aria-current", "page")
    page.get_by_role("button", name="Delete this view").tap()
    page.get_by_role("dialog").get_by_role("button", name="Delete").tap()
    expect(page.get_by_role("link", name="To do")).to_have_count(0)
    assert not GridView.objects.exists()

    page = visitor.open("/audit")
    page.get_by_label("Did").select_option(label="Run archived")
    page.get_by_role("button", name="Search").tap()
    expect(page.locator("tbody tr")).to_have_count(1)
    fine()
