"""Batches in the browser: followed to their end, cancelled; evaluators and judges made and tried."""

import time
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import expect

from judging.models import BatchExecution, User
from judging.responses.executions import create_batch
from judging.responses.inputs import BatchInput
from judging.responses.plans import plan_judge
from judging.responses.response_judges import Reference, save_response_judge
from tests.browser.conftest import Visitor
from tests.browser.working import working
from tests.factories import make_user
from tests.responses.conftest import make_evaluator
from tests.stub.fixtures import Stub

NewVisitor = Callable[..., Visitor]
REPLY = "<evaluation><score>0.8</score><justification>Says what was asked.</justification></evaluation>"


def make_batch(user: User, stub: Stub, count: int = 2) -> BatchExecution:
    references = [Reference(make_evaluator(user, stub.base_url, name).pk) for name in ("Fit", "Tone")]
    judge = save_response_judge(actor=user, fields={"name": "Answers"}, references=references)
    inputs = [BatchInput(request=f"Question {n}?", response="long-" * 40) for n in range(count)]
    plan = plan_judge(actor=user, judge_id=judge.pk)
    return create_batch(actor=user, plan=plan, inputs=inputs, tags=["nightly", "tag-" * 30])


def wait_for_end(batch: BatchExecution) -> None:
    deadline = time.monotonic() + 60
    while BatchExecution.objects.get(pk=batch.pk).is_active:
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_batch_is_followed_to_its_end_without_a_reload(new_visitor: NewVisitor, stub: Stub) -> None:
    stub.script(text=REPLY)
    user = make_user()
    batch = make_batch(user, stub)
    visitor = new_visitor(user)
    page = visitor.open("/batches")
    page.get_by_role("link", name="Answers").click()
    live = page.locator("#batch-live")
    expect(live).to_contain_text("0 of 2 completed")
    expect(page.get_by_role("button", name="Cancel", exact=True)).to_be_visible()
    with working():
        expect(live).to_contain_text("2 of 2 completed")
    expect(live).to_contain_text("Says what was asked.")
    expect(live.get_by_label("Score of Tone").first).to_have_attribute("value", "0.8")
    expect(page.get_by_role("button", name="Cancel", exact=True)).to_have_count(0)
    assert live.get_attribute("hx-get") is None
    assert visitor.problems_in_both_looks() == []
    assert BatchExecution.objects.get(pk=batch.pk).status == "completed"


def test_a_file_is_judged_followed_in_the_title_and_compared(
    new_visitor: NewVisitor, stub: Stub, tmp_path: Path
) -> None:
    stub.script(text=REPLY)
    user = make_user()
    first = make_batch(user, stub)
    file = tmp_path / "inputs.csv"
    file.write_text("request,response\nQuestion 0?," + "long-" * 40 + "\n")
    page = new_visitor(user).open("/batches/new")
    page.get_by_label("Judge").select_option(label="Answers")
    page.get_by_label("Inputs").set_input_files(file)
    page.get_by_role("button", name="Create the batch").click()
    expect(page).to_have_title("0 % · Answers · Releval")
    with working():
        expect(page).to_have_title("Answers · Releval")
        wait_for_end(first)
    expect(page.locator("#toasts")).to_contain_text("The batch of Answers v1 is completed: 1 of 1 completed, 0 failed.")
    page.get_by_role("link", name="Compare").click()
    page.get_by_role("button", name="Compare").click()
    expect(page.get_by_text("1 input in both")).to_be_visible()


def test_a_batch_is_cancelled_while_its_page_renews_itself_and_retried(new_visitor: NewVisitor, stub: Stub) -> None:
    user = make_user()
    batch = make_batch(user, stub)
    visitor = new_visitor(user)
    page = visitor.open(f"/batches/{batch.pk}")
    page.get_by_role("button", name="Cancel", exact=True).click()
    with page.expect_response(lambda response: response.url.endswith(str(batch.pk))):
        pass
    page.get_by_role("dialog").get_by_role("button", name="Cancel the batch").click()
    expect(page.locator("#toasts")).to_contain_text("The batch is cancelled")
    assert visitor.problems_in_both_looks() == []
    page.get_by_role("button", name="Retry failed").click()
    expect(page.get_by_role("link", name="retries an earlier batch")).to_be_visible()
    assert BatchExecution.objects.get(retried_from=batch).total_count == 2


def test_an_evaluator_is_made_and_tried(new_visitor: NewVisitor, stub: Stub) -> None:
    stub.script(text=REPLY)
    user = make_user()
    make_evaluator(user, stub.base_url, "Fit")
    page = new_visitor(user).open("/batches/evaluators")
    page.get_by_role("button", name="Duplicate Fit").click()
    expect(page.get_by_role("heading", name="Fit (copy)")).to_be_visible()
    page.get_by_label("Name").fill("Politeness")
    page.get_by_role("button", name="Save").click()
    expect(page.locator("#toasts")).to_contain_text("Politeness is saved, at version 2.")
    page.locator("#try-input").get_by_label("Request").fill("Hi")
    page.locator("#try-input").get_by_label("Response").fill("Hello")
    page.get_by_role("button", name="Test").click()
    expect(page.get_by_role("status", name="Result of the test")).to_contain_text("Says what was asked.")
