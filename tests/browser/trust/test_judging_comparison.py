"""Two judging runs against each other in a browser: what changed, the rows behind a number, and whose grades count."""

from collections.abc import Callable

from django.urls import reverse
from playwright.sync_api import expect

from judging.models import Candidate, User
from tests.browser.conftest import PHONE, Visitor
from tests.factories import make_judge, make_run
from tests.trust.judged import make_judged_run

NewVisitor = Callable[..., Visitor]


def test_a_number_opens_its_rows_and_the_better_grades_are_made_to_count_and_taken_back(
    new_visitor: NewVisitor, member: User
) -> None:
    run = make_run({f"query {q}": [f"d{q}-{c}" for c in range(5)] for q in range(12)}, name="bm25")
    old = make_judged_run(run, [[0, 1, 2, 3, 4]] * 12, judge=make_judge(name="Careful"), trial=False)
    new = make_judged_run(run, [[0, 1, 2, 3, 4]] * 7 + [[2, 1, 2, 3, 4]] * 5, judge=make_judge(name="Bold"))
    visitor = new_visitor(member, viewport=PHONE)
    page = visitor.open(reverse("make_judging_run_current", args=[old.pk]))
    page.get_by_role("button", name="Let these grades count").click()
    expect(page.get_by_role("heading", name="Its grades count")).to_be_visible()

    visitor.open(reverse("judging_run", args=[new.pk]))
    page.get_by_role("link", name="Compare").click()
    expect(page.get_by_text("5 changed")).to_be_visible()
    expect(page.get_by_label("Old", exact=True)).to_have_value(str(old.pk))
    assert visitor.problems_in_both_looks() == []
    page.locator(".heat-map").get_by_role("link", name="7", exact=True).click()
    expect(page.get_by_text("From 0 to 0")).to_be_visible()
    page.locator(".heat-map").get_by_role("link", name="5", exact=True).click()
    expect(page.get_by_text("From 0 to 2")).to_be_visible()
    expect(page.get_by_text("Bold v1 says 2")).to_have_count(5)

    page.get_by_role("link", name="Let the new one's grades count").click()
    expect(page.get_by_text("5 would change")).to_be_visible()
    assert visitor.problems_in_both_looks() == []
    page.get_by_role("button", name="Let these grades count").click()
    expect(page.get_by_role("heading", name="Its grades count")).to_be_visible()
    assert Candidate.objects.filter(run=run, effective_grade=2).count() == 17
    assert visitor.problems_in_both_looks() == []
    page.get_by_role("button", name="Go back to the grades of Careful").click()
    expect(page.get_by_text("The grades of Careful v1 count now")).to_be_visible()
    assert Candidate.objects.filter(run=run, effective_grade=2).count() == 12

    visitor.open(reverse("run_trust", args=[run.pk]))
    page.get_by_role("link", name="Several judges").click()
    for name in ("Careful v1, bm25", "Bold v1, trial, bm25"):
        page.get_by_role("checkbox", name=name).check()
    page.get_by_role("radio", name="Majority").check()
    page.get_by_role("button", name="Show the consensus").click()
    expect(page.get_by_text("Their majority")).to_be_visible()
    assert visitor.problems_in_both_looks() == []
    assert visitor.problems == []
