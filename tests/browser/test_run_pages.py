"""From files to grades in a browser: import, Run AI Judge, progress to the end, cancel, lock."""

import json
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from judging.demo.electronics import DATA
from judging.judging_runs.starting import start_judging_run
from judging.models import (
    AuditEvent,
    Candidate,
    EvaluationRun,
    ItemStatus,
    JudgingItem,
    JudgingRun,
    JudgingRunStatus,
    Role,
    User,
)
from tests.browser.conftest import Visitor
from tests.browser.working import working
from tests.factories import make_evaluation, make_judge, make_provider, make_run, make_user
from tests.stub.fixtures import Stub

NewVisitor = Callable[..., Visitor]
LABELS = ("q002", "q004", "q005", "q007")


@pytest.fixture
def electronics(tmp_path: Path) -> dict[str, Path]:
    """Four queries of the collection as TREC files."""
    run = [line for line in (DATA / "bm25-title.run").read_text().splitlines() if line.startswith(LABELS)]
    wanted = {line.split()[2] for line in run}
    documents = [
        line for line in (DATA / "documents.jsonl").read_text().splitlines() if json.loads(line)["doc_id"] in wanted
    ]
    queries = [line for line in (DATA / "queries.tsv").read_text().splitlines() if line.startswith(LABELS)]
    files = {"bm25.run": run, "queries.tsv": queries, "documents.jsonl": documents}
    for name, lines in files.items():
        (tmp_path / name).write_text("\n".join(lines) + "\n")
    return {name: tmp_path / name for name in files}


def small_run(**fields: Any) -> EvaluationRun:
    return make_run({f"query {q}": [f"d{q}-{c}" for c in range(5)] for q in range(4)}, name="bm25", **fields)


def start_a_judge(page: Page, judge: str = "Careful") -> None:
    page.get_by_role("button", name="Run AI Judge").click()
    page.get_by_label("AI Judge", exact=True).select_option(label=f"{judge} (stub-model)")
    page.get_by_role("button", name="Start").click()


def test_a_run_is_imported_judged_to_the_end_without_a_reload_and_locked(
    new_visitor: NewVisitor, electronics: dict[str, Path], stub: Stub
) -> None:
    make_user(email="ada@example.com", name="Ada")
    make_judge(make_provider(stub.base_url), name="Careful", input_price=1.0, output_price=2.0)
    stub.script(fault="hold", after_calls=5)
    visitor = new_visitor()
    page = visitor.open("/evaluations/new")
    page.get_by_label("E-mail").fill("ada@example.com")
    page.get_by_label("Password").fill("secret-pass-1")
    page.keyboard.press("Enter")
    page.get_by_label("Name", exact=True).fill("Shop search")
    page.get_by_role("button", name="Make the evaluation").click()

    page.get_by_label("Name of the run").fill("bm25")
    page.get_by_label("A run, its queries and documents").check()
    page.locator("#id_run").set_input_files(electronics["bm25.run"])
    page.locator("#id_queries").set_input_files(electronics["queries.tsv"])
    page.locator("#id_documents").set_input_files(electronics["documents.jsonl"])
    page.get_by_label("TREC (0-3)").check()
    page.get_by_text("MAP", exact=True).click()
    page.get_by_role("button", name="Import").click()
    expect(page.get_by_role("heading", name="bm25")).to_be_visible()
    expect(page.locator("#toasts")).to_contain_text("bm25 is imported: 4 queries")
    run = EvaluationRun.objects.get()
    assert (run.scale, run.metrics) == ("trec", ["NDCG@10", "P@10", "Recall@10", "MRR@10", "MAP"])

    page.evaluate("window.isTheSamePage = true")
    page.get_by_role("button", name="Run AI Judge").click()
    expect(page.locator("#estimate")).to_contain_text(f"{run.candidate_count} candidates")
    page.get_by_text("Limits").click()
    page.get_by_label("Depth").fill("2")
    expect(page.locator("#estimate")).to_contain_text("8 candidates")
    page.get_by_label("Depth").fill("")
    expect(page.locator("#estimate")).to_contain_text(f"{run.candidate_count} candidates")
    page.get_by_role("button", name="Start").click()
    listed = page.locator("#judging-runs")
    expect(listed).to_contain_text("Queued")
    expect(listed).to_contain_text("No worker is running")
    expect(listed).to_contain_text("python manage.py serve")
    with working():
        expect(listed).to_contain_text("Running")
        expect(page).to_have_title(re.compile(r"^[1-9]\d? % · bm25"))
        expect(listed.locator("progress")).to_have_attribute("max", str(run.candidate_count))
        stub.script()
        expect(listed).to_contain_text("Completed")
        expect(page.locator("#results")).to_contain_text(f"{run.candidate_count} of {run.candidate_count}")
        expect(page.locator("[data-metric='NDCG@10'] .figure-value")).not_to_have_text("–")
        expect(page.locator("#queries")).to_contain_text("20 of 20")
    expect(page).to_have_title("bm25 · Releval")
    expect(listed).to_contain_text(re.compile(r"[1-9]\d* tokens in"))
    expect(listed).to_contain_text("cost")
    expect(page.locator("#toasts")).to_contain_text("Careful v1 on bm25 is completed")
    assert listed.get_attribute("hx-get") is None
    assert page.evaluate("window.isTheSamePage") is True

    page.get_by_role("button", name="Lock").click()
    page.get_by_role("dialog").get_by_role("button", name="Lock").click()
    expect(page.get_by_text("Locked", exact=True)).to_be_visible()
    expect(page.get_by_role("button", name="Run AI Judge")).to_be_disabled()
    expect(page.locator("#start-reason")).to_contain_text("The evaluation run is locked")
    page.locator("summary", has_text="Export").click()
    with page.expect_download() as download:
        page.get_by_role("link", name="TREC qrels, effective grades").click()
    assert download.value.suggested_filename == "bm25-judgments.qrels"


def test_a_judging_run_is_cancelled_in_mid_run_and_the_gaps_are_filled(new_visitor: NewVisitor, stub: Stub) -> None:
    user = make_user()
    make_judge(make_provider(stub.base_url), name="Careful", max_concurrency=1)
    run = small_run()
    # Later replies wait until the run is cancelled.
    stub.script(fault="hold", after_calls=5)
    visitor = new_visitor(user)
    # Leaving the page ends the requests that renew the results, which htmx reports on the console.
    visitor.allow("console: htmx:(sendError|sendAbort|afterRequest)")
    page = visitor.open(f"/evaluations/runs/{run.pk}")
    with working():
        start_a_judge(page)
        listed = page.locator("#judging-runs")
        expect(listed).to_contain_text("5 of 20 judged")
        page.get_by_role("button", name="Cancel Careful v1").click()
        expect(listed).to_contain_text("Cancelled")
        stub.script()
        expect(listed).not_to_have_attribute("hx-get", re.compile("."))
        judged = JudgingRun.objects.get().judged_count
        assert 5 < judged < 20, "the replies that were in flight count"
        expect(listed).to_contain_text(f"{judged} of 20 judged")
        page.get_by_role("button", name=f"Fill the gaps {20 - judged} of Careful v1").click()
        expect(page.locator("#estimate")).to_contain_text(f"{20 - judged} candidates")
        page.get_by_role("link", name="Careful v1").click()
        expect(page.locator("#live")).to_contain_text("Not asked")
        page.get_by_role("button", name="Fill the gaps").click()
        expect(page.locator("#live")).to_contain_text("Completed")
    assert AuditEvent.objects.filter(action="judging_run_cancelled").count() == 1
    assert not Candidate.objects.filter(run=run, effective_grade=None).exists()


def test_a_keyboard_opens_the_start_form_and_comes_back_from_it(new_visitor: NewVisitor, stub: Stub) -> None:
    make_judge(make_provider(stub.base_url), name="Careful")
    page = new_visitor(make_user()).open(f"/evaluations/runs/{small_run().pk}")
    for key in ("Tab", "Tab"):
        page.keyboard.press(key)
    expect(page.get_by_role("link", name="Skip to “Run AI Judge”")).to_be_focused()
    button, first = page.get_by_role("button", name="Run AI Judge"), page.get_by_label("AI Judge", exact=True)
    for key in ("Enter", "Tab"):
        page.keyboard.press(key)
    expect(button).to_be_focused()
    page.keyboard.press("Enter")
    expect(first).to_be_focused()
    page.keyboard.press("Escape")
    expect(button).to_be_focused()
    page.keyboard.press("Enter")
    expect(first).to_be_focused()
    page.get_by_role("button", name="Cancel").press("Enter")
    expect(button).to_be_focused()


def test_a_double_click_starts_one_run(new_visitor: NewVisitor, stub: Stub) -> None:
    make_judge(make_provider(stub.base_url), name="Careful")
    run = small_run()
    page = new_visitor(make_user()).open(f"/evaluations/runs/{run.pk}?judge=1")
    expect(page.locator("#estimate")).to_contain_text("20 candidates")
    page.get_by_role("button", name="Start").dblclick()
    expect(page.locator("#judging-runs")).to_contain_text("Queued")
    assert JudgingRun.objects.count() == 1


def test_wrong_lines_show_beside_their_file_and_the_form_keeps_its_input(
    new_visitor: NewVisitor, tmp_path: Path
) -> None:
    evaluation = make_evaluation(name="Shop")
    results = tmp_path / "results.jsonl"
    good = json.dumps({"query": "red", "candidates": [{"id": "1", "title": "One"}]})
    results.write_text(f'{good}\n{{"query": "<b>blue</b>"}}\nno json\n')
    page = new_visitor(make_user()).open(f"/evaluations/{evaluation.pk}/import")
    page.get_by_label("Name of the run").fill("bm25 <i>")
    page.get_by_label("More metrics").fill("P@3")
    page.get_by_label("Binary (0-1)").check()
    page.locator("#id_results").set_input_files(results)
    expect(page.locator(".files-jsonl .drop-name")).to_contain_text("results.jsonl")
    page.get_by_role("button", name="Import").click()
    errors = page.locator("#id_results_error")
    expect(errors).to_contain_text("Line 2: candidates is missing")
    expect(errors).to_contain_text("Line 3:")
    expect(page.get_by_role("alert")).to_contain_text("2 problems")
    expect(page.get_by_label("Name of the run")).to_have_value("bm25 <i>")
    expect(page.get_by_label("More metrics")).to_have_value("P@3")
    expect(page.get_by_label("Binary (0-1)")).to_be_checked()
    expect(page.locator(".files-jsonl .drop-name")).to_contain_text("results.jsonl")
    # Chosen again, since it changed; everything else is still there.
    results.write_text(good + "\n")
    page.locator("#id_results").set_input_files(results)
    page.get_by_role("button", name="Import").click()
    expect(page.get_by_role("heading", name="bm25 <i>")).to_be_visible()
    run = EvaluationRun.objects.get()
    assert (run.scale, run.metrics[-1]) == ("binary", "P@3")


def test_files_that_are_too_large_are_not_even_sent(new_visitor: NewVisitor, settings: Any, tmp_path: Path) -> None:
    settings.MAX_UPLOAD_BYTES = 5000
    (tmp_path / "large.jsonl").write_text("x" * 9000)
    page = new_visitor(make_user()).open(f"/evaluations/{make_evaluation().pk}/import")
    page.get_by_label("Name of the run").fill("bm25")
    page.locator("#id_results").set_input_files(tmp_path / "large.jsonl")
    page.get_by_role("button", name="Import").click()
    expect(page.locator("#toasts")).to_contain_text("The files are 9 kB; at most 5 kB are taken.")
    expect(page.get_by_role("button", name="Import")).to_be_enabled()


def test_files_dropped_together_find_their_places(new_visitor: NewVisitor) -> None:
    evaluation = make_evaluation()
    page = new_visitor(make_user()).open(f"/evaluations/{evaluation.pk}/import")
    page.evaluate(
        """() => {
          const transfer = new DataTransfer();
          for (const name of ["a.run", "queries.tsv", "docs.jsonl"]) transfer.items.add(new File(["x"], name));
          const form = document.querySelector("#import-form");
          form.dispatchEvent(new DragEvent("drop", { dataTransfer: transfer, bubbles: true, cancelable: true }));
        }"""
    )
    expect(page.get_by_label("A run, its queries and documents")).to_be_checked()
    names = page.locator(".files-trec .drop-name")
    for place, name in enumerate(("a.run", "queries.tsv", "docs.jsonl")):
        expect(names.nth(place)).to_contain_text(name)


def test_progress_says_when_the_connection_or_the_run_is_gone(new_visitor: NewVisitor, stub: Stub) -> None:
    user = make_user()
    run = small_run()
    start_judging_run(evaluation_run=run, judge=make_judge(make_provider(stub.base_url)), actor=user)
    visitor = new_visitor(user)
    visitor.allow("ERR_INTERNET_DISCONNECTED|htmx:(sendError|afterRequest)")
    page = visitor.open(f"/evaluations/runs/{run.pk}")
    lost = page.get_by_text("The connection is lost")
    expect(lost).to_be_hidden()
    visitor.context.set_offline(True)
    expect(lost).to_be_visible()
    visitor.context.set_offline(False)
    expect(lost).to_be_hidden()
    EvaluationRun.objects.filter(pk=run.pk).delete()
    expect(page.get_by_text("This run is gone.")).to_be_visible()
    assert page.locator("#judging-runs").get_attribute("hx-get") is None


def test_first_steps_lead_to_data_and_to_a_judge_without_a_key(new_visitor: NewVisitor) -> None:
    page = new_visitor(make_user(Role.ADMIN)).open("/")
    page.get_by_role("button", name="Use the local judge").click()
    expect(page.locator("#toasts")).to_contain_text("Local similarity judge is ready")
    expect(page.get_by_text("Done", exact=True)).to_be_visible()
    # The whole collection is imported before the answer.
    page.get_by_role("button", name="Load the electronics collection").click(timeout=60_000)
    expect(page.get_by_role("heading", name="Electronics search")).to_be_visible(timeout=60_000)
    expect(page.locator("canvas[data-chart]")).to_be_visible()
    page.get_by_role("link", name="bm25-title").click()
    expect(page.locator("[data-metric='NDCG@10'] .figure-value")).to_have_text("0.5299")
    # Worst first; a click on the heading turns it, without leaving the page.
    page.evaluate("window.isTheSamePage = true")
    page.locator("#queries").get_by_role("link", name="NDCG@10").click()
    expect(page.locator("#queries [aria-sort=descending]")).to_contain_text("NDCG@10")
    expect(page.locator("#queries tbody tr").first).to_contain_text("1.0000")
    assert page.evaluate("window.isTheSamePage") is True


def with_failures(run: EvaluationRun, user: User, **judge_fields: Any) -> JudgingRun:
    judging_run = start_judging_run(evaluation_run=run, judge=make_judge(name="x" * 60, **judge_fields), actor=user)
    items = list(judging_run.items.order_by("pk").values_list("pk", flat=True))
    JudgingItem.objects.filter(pk__in=items[:9]).update(status=ItemStatus.JUDGED, grade=3, reasoning="why " * 80)
    JudgingItem.objects.filter(pk__in=items[9:15]).update(
        status=ItemStatus.FAILED, failure_code="unparseable", failure_message="no <candidate> block"
    )
    JudgingItem.objects.filter(pk__in=items[15:]).update(status=ItemStatus.SKIPPED)
    JudgingRun.objects.filter(pk=judging_run.pk).update(
        status=JudgingRunStatus.FAILED,
        error="the provider refuses the API key",
        error_code="authentication",
        judged_count=9,
        failed_count=6,
        skipped_count=len(items) - 15,
    )
    return judging_run


def test_pages_of_runs_are_accessible_and_fit_the_window(new_visitor: NewVisitor) -> None:
    user = make_user(Role.ADMIN)
    evaluation = make_evaluation(name="A-long-name-without-a-space-" * 4, description="Be strict. " * 30)
    values: dict[str, Any] = {
        "metric_values": {"NDCG@10": 0.61, "P@10": 0.5},
        "coverage_values": {"NDCG@10": 0.7, "P@10": 0.7},
    }
    small_run(evaluation=evaluation, judged_count=7, **values)
    run = make_run(
        {f"{'query' * 20} {q}": [f"d{q}-{c}" * 8 for c in range(5)] for q in range(4)}, evaluation=evaluation, **values
    )
    Candidate.objects.filter(run=run, rank__lte=2).update(effective_grade=3, people_mean=3.0, people_count=1)
    EvaluationRun.objects.filter(pk=run.pk).update(judged_count=8)
    ended = with_failures(run, user)
    start_judging_run(evaluation_run=run, judge=make_judge(), actor=user)
    visitor = new_visitor(user)
    for path in (
        f"/evaluations/{evaluation.pk}?edit=1",
        f"/evaluations/runs/{run.pk}?judge=1",
        f"/ai-judging-runs/{ended.pk}",
    ):
        visitor.open(path)
        deadline = time.monotonic() + 60
        while "Estimating" in visitor.page.content() and time.monotonic() < deadline:
            visitor.page.wait_for_timeout(50)
        assert visitor.problems_in_both_looks() == [], path


def test_comparing_runs_fits_320_px_and_acts_stay_as_time_goes_by(new_visitor: NewVisitor) -> None:
    run = small_run(metrics=["NDCG@10", "Recall@100"])
    values = {"metric_values": {"NDCG@10": 0.5, "Recall@100": 0.5}, "coverage_values": {"NDCG@10": 0.75}}
    for each in (run, small_run(evaluation=run.evaluation, metrics=run.metrics)):
        EvaluationRun.objects.filter(pk=each.pk).update(**values)
    ada = make_user(email="ada@example.com")
    narrow = new_visitor(ada, viewport={"width": 320, "height": 800})
    page = narrow.open(f"/evaluations/{run.evaluation_id}")
    expect(page.locator("#comparison th", has_text="Recall@100")).to_be_visible()
    assert narrow.overflow() == 0
    page = new_visitor(ada).open(f"/evaluations/runs/{run.pk}")
    acts = page.locator(".page-acts")
    before = acts.bounding_box()
    page.locator(".run-facts time").evaluate("time => time.textContent = '12 minutes ago, and more '.repeat(9)")
    assert acts.bounding_box() == before
