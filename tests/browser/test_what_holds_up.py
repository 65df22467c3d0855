"""On a phone in the dark: why a run is slow, where one looks; an evaluation whose best value is judged too little."""

from collections.abc import Callable
from datetime import timedelta

from django.utils import timezone
from playwright.sync_api import expect

from judging.judging_runs.starting import start_judging_run
from judging.models import Evaluation, EvaluationRun, JudgingRun, Role, WorkerHeartbeat
from judging.work import lifecycle
from tests.browser.conftest import PHONE, Visitor
from tests.factories import make_evaluation, make_judge, make_run, make_user


def test_what_holds_a_run_up_is_told_and_no_thin_value_is_best(new_visitor: Callable[..., Visitor]) -> None:
    admin = make_user(Role.ADMIN)
    evaluation = make_evaluation()
    for value, coverage in ((0.5, 1.0), (0.625, 0.79)):
        run = make_run({"red shoes": ["d1"]}, evaluation=evaluation, metrics=["NDCG@10"])
        EvaluationRun.objects.filter(pk=run.pk).update(
            metric_values={"NDCG@10": value}, coverage_values={"NDCG@10": coverage}
        )
    # Still alive however long the pages take.
    WorkerHeartbeat.objects.create(worker="w", seen_at=timezone.now() + timedelta(minutes=5))
    judging_run = start_judging_run(evaluation_run=run, judge=make_judge(), actor=admin)
    lifecycle.start(judging_run.kind, judging_run.pk)
    JudgingRun.objects.filter(pk=judging_run.pk).update(throttle="rate_limited")
    visitor = new_visitor(admin, viewport=PHONE, color_scheme="dark", has_touch=True)

    for path in ("/", f"/evaluations/runs/{run.pk}", f"/ai-judging-runs/{judging_run.pk}"):
        page = visitor.open(path)
        expect(page.locator("[data-cause=rate_limited]").first).to_be_visible()
        assert visitor.accessibility_problems() == []
        assert visitor.overflow() <= 0
    page = visitor.open(f"/evaluations/runs/{run.pk}")
    with page.expect_download() as download:
        page.locator("#queries").get_by_role("link", name="CSV", exact=True).tap()
    assert "red shoes" in download.value.path().read_text()

    page = visitor.open(f"/evaluations/{evaluation.pk}")
    expect(page.get_by_text("(best)")).to_have_count(0)
    expect(page.get_by_text("highest, but under 80 % judged")).to_have_count(1)
    page.get_by_label("More acts").first.tap()
    page.get_by_role("button", name="Archive the evaluation").tap()
    expect(page.get_by_text("Archived", exact=True)).to_be_visible()
    assert Evaluation.objects.get().is_archived
