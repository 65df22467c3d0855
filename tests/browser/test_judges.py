"""AI providers and judges in the browser: connected, written, tried, changed, compared."""

from collections.abc import Callable

from playwright.sync_api import Dialog, expect

from judging.models import AIJudge, AIProvider, Role
from tests.browser.conftest import Visitor
from tests.factories import make_judge, make_run, make_user
from tests.stub.fixtures import Stub

NewVisitor = Callable[..., Visitor]
MODEL = "model/" * 20


def test_a_provider_is_connected_with_the_fields_of_its_type_and_tested(new_visitor: NewVisitor, stub: Stub) -> None:
    visitor = new_visitor(make_user(Role.ADMIN))
    page = visitor.open("/ai-providers")
    page.get_by_role("link", name="Connect a provider").first.click()
    page.get_by_text("Amazon Bedrock", exact=True).click()
    expect(page.get_by_label("Region")).to_be_visible()
    expect(page.get_by_label("API version")).to_be_hidden()
    page.get_by_text("OpenAI-compatible endpoint", exact=True).click()
    expect(page.get_by_label("Region")).to_be_hidden()
    page.get_by_label("Name").fill("Team endpoint")
    page.get_by_label("Address").fill(stub.base_url)
    page.get_by_label("API key").fill("sk-never-shown")
    page.get_by_role("button", name="Save the provider").click()
    expect(page.get_by_role("heading", name="Team endpoint")).to_be_visible()
    expect(page.get_by_text("A key is stored, encrypted.")).to_be_visible()
    assert "sk-never-shown" not in page.content()
    page.get_by_label("Model").fill("stub-model")
    page.get_by_role("button", name="Test").click()
    expect(page.get_by_text("It works.")).to_be_visible()
    expect(page.locator(".chips")).to_contain_text("stub-large")


def test_a_judge_is_made_with_a_provider_inline_previewed_and_tested(new_visitor: NewVisitor, stub: Stub) -> None:
    make_run({"red shoes": ["d1", "d2"], "blue shirt": ["d3"]}, name="bm25")
    visitor = new_visitor(make_user())
    page = visitor.open("/ai-judges/new")
    page.get_by_label("Name").first.fill("Careful")
    page.locator("#id_model").fill(MODEL)
    page.get_by_text("OpenAI-compatible endpoint", exact=True).click()
    page.locator("#id_provider-base_url").fill(stub.base_url)
    page.get_by_role("button", name="Connect", exact=True).click()
    expect(page.get_by_label("AI provider")).to_contain_text("OpenAI-compatible endpoint")
    expect(page.locator(".new-provider")).to_be_hidden()
    expect(page.locator("#id_model")).to_have_value(MODEL)
    expect(page.locator("#id_name")).to_have_value("Careful")

    preview = page.locator("#preview")
    expect(preview).to_contain_text("<query>red shoes</query>")
    page.locator("#try-query").select_option(label="blue shirt")
    expect(preview).to_contain_text("<query>blue shirt</query>")
    page.locator("#try-query").select_option(label="red shoes")
    template = page.locator("#id_prompt_template")
    before = template.input_value()
    template.press("Control+End")
    page.get_by_role("button", name="evaluation_name", exact=True).click()
    expect(template).to_have_value(before + "{{evaluation_name}}")
    template.press_sequentially("{{#if")
    page.get_by_role("button", name="Show the line").click()
    expect(template).to_be_focused()
    line = template.evaluate("(text) => text.value.slice(text.selectionStart, text.selectionEnd)")
    assert line == "{{evaluation_name}}{{#if"
    template.press("Delete")
    expect(template).to_have_value(before)
    expect(preview.get_by_role("alert")).to_have_count(0)
    page.get_by_label("Candidates per prompt").fill("2")
    expect(preview).to_contain_text("2 candidates")

    page.get_by_role("button", name="Test judge").click()
    result = page.get_by_role("status", name="Result of the test")
    expect(result).to_contain_text("2 judged")
    expect(result).to_contain_text("Title of d1")
    page.locator(".call summary").last.click()
    assert visitor.problems_in_both_looks() == []
    page.get_by_text("Several queries at once").click()
    page.get_by_role("button", name="Test on several queries").click()
    summary = page.locator("#several-summary")
    expect(summary).to_contain_text("2 of 2 queries")
    expect(summary).to_contain_text("3 judged")
    expect(page.locator(".several-query h4")).to_have_text(["red shoes", "blue shirt"])
    assert visitor.problems_in_both_looks() == []
    assert not AIJudge.objects.exists()
    page.get_by_role("button", name="Make the judge").first.click()
    expect(page.locator("#toasts")).to_contain_text("Careful is made")
    assert AIJudge.objects.get().ai_provider == AIProvider.objects.get()


def test_an_edit_makes_a_version_and_the_page_shows_what_differs(new_visitor: NewVisitor) -> None:
    user = make_user()
    judge = make_judge(owner=user, name="Careful")
    visitor = new_visitor(user)
    page = visitor.open(f"/ai-judges/{judge.pk}")
    template = page.locator("#id_prompt_template")
    template.fill(template.input_value().replace("You are an expert judge", "You are a strict judge" + "x" * 300))
    page.get_by_text("More settings").click()
    page.get_by_label("Temperature").fill("0.3")
    page.get_by_label("Temperature").press("Enter")
    expect(page.locator("#toasts")).to_contain_text("saved as version 2")
    page.get_by_role("link", name="Versions").click()
    expect(page.get_by_role("heading", name="From v1 to v2")).to_be_visible()
    expect(page.locator(".diff-removed")).to_contain_text("You are an expert judge")
    expect(page.locator(".diff-added")).to_contain_text("You are a strict judge")
    expect(page.locator("ins.value-after")).to_have_text("0.3")
    assert visitor.problems_in_both_looks() == []
    page.get_by_label("From version 2").check()
    page.get_by_label("To version 1").check()
    page.get_by_role("button", name="Compare the two").click()
    expect(page.locator(".diff-added")).to_contain_text("You are an expert judge")


def test_leaving_unsaved_edits_asks_and_run_on_opens_the_run_s_form_by_keyboard(new_visitor: NewVisitor) -> None:
    user = make_user()
    run = make_run(name="bm25")
    judge = make_judge(owner=user, name="Careful")
    page = new_visitor(user, is_alone=True).open(f"/ai-judges/{judge.pk}")
    asked: list[str] = []
    answers = iter(["stay"])

    def on_dialog(dialog: Dialog) -> None:
        asked.append(dialog.type)
        if next(answers, "") == "stay":
            dialog.dismiss()
        else:
            dialog.accept()

    page.on("dialog", on_dialog)
    temperature = page.locator("#id_temperature")
    page.get_by_text("More settings").click()
    temperature.fill("0.3")
    page.get_by_role("link", name="Versions").click()
    expect(temperature).to_have_value("0.3")
    assert asked == ["beforeunload"]
    temperature.press("Enter")
    expect(page.locator("#toasts")).to_contain_text("saved as version 2")

    page.get_by_text("Run on…").focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/evaluations/runs/{run.pk}?**")
    expect(page.locator("#id_ai_judge_id")).to_have_value(str(judge.pk))
    page.keyboard.press("Tab")
    expect(page.locator("#id_ai_judge_id")).to_be_focused()
    assert asked == ["beforeunload"]
