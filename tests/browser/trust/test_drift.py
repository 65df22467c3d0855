"""Drift on the page of a judge: a golden set made, its baseline followed, a check, the alarm and its picture."""

from collections.abc import Callable

from django.urls import reverse
from playwright.sync_api import expect

from judging.models import GoldenPair, GoldenSet, User
from tests.browser.conftest import PHONE, Visitor
from tests.browser.working import working
from tests.factories import make_judge, make_provider
from tests.golden.golden_sets import golden_run
from tests.stub.fixtures import Stub
from tests.stub.script import expected_grade

NewVisitor = Callable[..., Visitor]


def test_a_judge_that_strays_is_seen_in_words_and_in_a_picture(
    new_visitor: NewVisitor, stub: Stub, member: User
) -> None:
    judge = make_judge(make_provider(stub.base_url), batch_size=2, max_concurrency=8)
    golden_run(name="A run")
    visitor = new_visitor(member, viewport=PHONE)
    page = visitor.open(reverse("ai_judge_trust", args=[judge.pk]))
    drift = page.locator("#drift")
    expect(drift).to_contain_text("No golden set watches this judge yet")
    drift.get_by_label("Name").fill("Nightly")
    drift.get_by_label("Queries", exact=True).fill("10")
    drift.get_by_label("Documents each").fill("2")
    with working():
        drift.get_by_role("button", name="Make it").click()
        # The part of the page renews itself until the baseline stands.
        expect(drift).to_contain_text("The first one: four judgings", timeout=60_000)
        drift.get_by_role("button", name="Check now").click()
        expect(drift).to_contain_text("No drift seen", timeout=60_000)
        pair = GoldenPair.objects.filter(golden_set=GoldenSet.objects.get()).order_by("position")[0]
        query, document = pair.run_query.query.text, pair.document_version.document.external_id
        stub.script(grades={document: (expected_grade(query, document) + 1) % 5})
        drift.get_by_role("button", name="Check now").click()
        expect(drift).to_contain_text("1 of 20 grades changed", timeout=60_000)
    expect(drift.locator("svg.drift-picture circle")).to_have_count(2)
    expect(drift.locator("circle.drift-is-alarm")).to_have_count(1)
    assert visitor.problems_in_both_looks() == []
