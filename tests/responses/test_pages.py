"""The pages of batches, evaluators and response judges."""

import csv
import io
import json

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django.fixtures import DjangoAssertNumQueries

from judging.models import BatchExecution, Evaluator, Installation, ResponseJudge, User
from judging.responses.executions import create_batch
from judging.responses.inputs import BatchInput
from judging.responses.plans import plan_judge
from judging.responses.response_judges import Reference, current_references, save_response_judge
from tests.draining import drain
from tests.factories import make_provider
from tests.markup import one_line
from tests.responses.conftest import make_evaluator
from tests.stub.fixtures import Stub

HTMX = {"HX-Request": "true"}
CALLS = {"temperature": "0", "timeout": "60", "max_retries": "5", "max_reasks": "1"}


def client_of(user: User) -> Client:
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client


def make_stack(user: User, stub: Stub, *names: str) -> ResponseJudge:
    made = [make_evaluator(user, stub.base_url, name) for name in names or ("Fit",)]
    references = [Reference(each.pk) for each in made]
    return save_response_judge(actor=user, fields={"name": "Answers"}, references=references)


def make_batch(user: User, judge: ResponseJudge, *responses: str, tags: tuple[str, ...] = ()) -> BatchExecution:
    inputs = [BatchInput(request="Is it <b>open</b>?", response=text) for text in responses or ("yes", "no")]
    return create_batch(actor=user, plan=plan_judge(actor=user, judge_id=judge.pk), inputs=inputs, tags=tags)


@pytest.mark.parametrize("name", ["batches", "evaluators", "evaluator_create", "response_judges"])
def test_raters_see_nothing_of_batches(rater: User, name: str) -> None:
    assert client_of(rater).get(reverse(name)).status_code == 403


def test_a_batch_page_polls_until_the_batch_has_ended(transactional_db: None, member: User, stub: Stub) -> None:
    stub.script(text="<evaluation><score>0.25</score><justification>too <i>short</i></justification></evaluation>")
    batch = make_batch(member, make_stack(member, stub, "Fit", "Tone"), tags=("nightly <1>",))
    client, address = client_of(member), reverse("batch", args=[batch.pk])
    page = client.get(address).content.decode()
    assert 'hx-trigger="every 1s"' in page
    assert "Is it &lt;b&gt;open&lt;/b&gt;?" in page
    assert "nightly &lt;1&gt;" in page
    drain()
    fragment = one_line(client.get(address, headers=HTMX).content.decode())
    assert "hx-get" not in fragment
    assert "<html" not in fragment
    assert fragment.count("too &lt;i&gt;short&lt;/i&gt;") == 4
    assert '<meter class="score-bar" min="0" max="1" value="0.25" aria-label="Score of Tone">' in fragment
    assert 'id="batch-acts" hx-swap-oob="true"' in fragment
    assert "2 of 2 completed" in " ".join(fragment.replace("<b>", "").replace("</b>", "").split())
    assert "nightly" in client.get(reverse("batches")).content.decode()
    assert "nightly" not in client.get(reverse("batches"), {"status": "failed"}).content.decode()


def test_a_batch_that_ends_says_so_once_and_links_what_failed(transactional_db: None, member: User, stub: Stub) -> None:
    stub.script(text="<b>no score</b>")
    batch = make_batch(member, make_stack(member, stub), "yes", "no")
    client, address = client_of(member), reverse("batch", args=[batch.pk])
    assert "<title>0 % · Answers · Releval</title>" in one_line(client.get(address).content.decode())
    assert "<title>0 % · Answers · Releval</title>" in one_line(client.get(address, headers=HTMX).content.decode())
    drain()
    answer = client.get(address, headers=HTMX)
    (told,) = json.loads(answer["HX-Trigger"])["releval:toasts"]["toasts"]
    assert "The batch of Answers v1 failed: " in told["html"]
    # Told on the desktop, too, where nobody looks.
    assert told["notice"] == str(batch.pk)
    fragment = one_line(answer.content.decode())
    assert "<title>Answers · Releval</title>" in fragment
    assert 'Items <a href="#item-0">0</a>, <a href="#item-1">1</a>' in fragment
    assert 'id="item-1"' in fragment
    assert fragment.count("&lt;b&gt;no score&lt;/b&gt;") == 3
    assert "The batch of Answers v1 failed" not in client.get(address).content.decode()


def test_a_batch_can_be_cancelled_retried_and_downloaded(member: User, stub: Stub) -> None:
    batch = make_batch(member, make_stack(member, stub), "=SUM(A1)", "no")
    client = client_of(member)
    assert client.post(reverse("retry_batch", args=[batch.pk])).status_code == 409
    client.post(reverse("cancel_batch", args=[batch.pk]))
    batch.refresh_from_db()
    assert (batch.status, batch.error_code) == ("failed", "cancelled")
    answer = client.post(reverse("retry_batch", args=[batch.pk]))
    again = BatchExecution.objects.get(retried_from=batch)
    assert answer["Location"] == reverse("batch", args=[again.pk])
    download = client.get(reverse("batch_export", args=[batch.pk]))
    rows = list(csv.DictReader(io.StringIO(b"".join(download.streaming_content).decode())))  # type: ignore[attr-defined]
    assert [row["response"] for row in rows] == ["'=SUM(A1)", "no"]
    assert "attachment" in download["Content-Disposition"]


def test_an_input_of_megabytes_is_cut_before_it_reaches_the_page(member: User, stub: Stub) -> None:
    batch = make_batch(member, make_stack(member, stub), "long " * 200_000)
    assert len(client_of(member).get(reverse("batch", args=[batch.pk])).content) < 60_000


def test_the_list_and_a_batch_cost_no_query_per_row(
    member: User, stub: Stub, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    judge = make_stack(member, stub, "Fit", "Tone")
    for count in (1, 12):
        batch = make_batch(member, judge, *["yes"] * count)
        client = client_of(member)
        client.get(reverse("batches"))
        with django_assert_max_num_queries(11):
            client.get(reverse("batches"))
        with django_assert_max_num_queries(17):
            client.get(reverse("batch", args=[batch.pk]))


def test_an_evaluator_is_made_changed_tested_and_deleted(transactional_db: None, member: User, stub: Stub) -> None:
    client, provider = client_of(member), make_provider(stub.base_url)
    fields = {
        **CALLS,
        "name": "Politeness",
        "prompt_template": "Polite?\r\n{{request}}\r\n{{response}}",
        "requires": ["request", "response"],
        "ai_provider_id": str(provider.pk),
        "model": "stub-model",
    }
    assert client.post(reverse("evaluator_create"), fields).status_code == 302
    evaluator = Evaluator.objects.get(preset="")
    address = reverse("evaluator", args=[evaluator.pk])
    client.post(address, fields)
    assert Evaluator.objects.get(preset="").version == 1
    client.post(address, {**fields, "temperature": ""})
    assert Evaluator.objects.get(preset="").version == 2
    page = client.post(address, {**fields, "prompt_template": "{{#if request}}"})
    assert page.status_code == 400
    assert "Line 1" in page.content.decode()
    stub.script(text="<evaluation><score>1</score><justification>&lt;kind&gt;</justification></evaluation>")
    test = reverse("test_evaluator", args=[evaluator.pk])
    fragment = client.post(test, {"request": "Hi", "response": "Hello"}, headers=HTMX).content.decode()
    assert "&lt;kind&gt;" in fragment
    assert 'value="1.0"' in fragment
    refused = client.post(test, {"request": "Hi"}, headers=HTMX).content.decode()
    assert "response" in refused
    assert "Result of the test" not in refused
    assert client.get(reverse("batches")).content.decode().count("<tr>") <= 1
    client.post(reverse("delete_evaluator", args=[evaluator.pk]))
    assert not Evaluator.objects.filter(preset="", archived_at=None).exists()


def test_a_conversation_is_tried_as_it_was_written(transactional_db: None, member: User, stub: Stub) -> None:
    stub.script(text="<evaluation><score>1</score><justification>fine</justification></evaluation>")
    evaluator = make_evaluator(member, stub.base_url, requires=["turns"])
    test = reverse("test_evaluator", args=[evaluator.pk])
    told = "user: Where is my order?\r\nassistant: Which one?\r\nIt has a number.\r\nTool: found 7"
    assert "Result of the test" in client_of(member).post(test, {"turns": told}, headers=HTMX).content.decode()
    assert BatchExecution.objects.get().items.get().input["turns"] == [
        {"role": "user", "content": "Where is my order?"},
        {"role": "assistant", "content": "Which one?\nIt has a number."},
        {"role": "tool", "content": "found 7"},
    ]
    refused = client_of(member).post(test, {"turns": "Where is my order?"}, headers=HTMX).content.decode()
    assert "Begin each turn with user:, assistant: or tool:." in refused
    both = client_of(member).post(test, {"turns": told, "request": "Hi"}, headers=HTMX).content.decode()
    assert "not both" in both


def test_a_preset_stays_and_is_duplicated(member: User) -> None:
    preset = Evaluator.objects.exclude(preset="").first()
    if preset is None:
        preset = Evaluator.objects.create(name="Relevance", preset="relevance", prompt_template="{{request}}")
    client = client_of(member)
    assert "A preset: it stays as it is." in client.get(reverse("evaluator", args=[preset.pk])).content.decode()
    client.post(reverse("duplicate_evaluator", args=[preset.pk]))
    assert Evaluator.objects.get(preset="").name == f"{preset.name} (copy)"


def test_a_response_judge_keeps_the_order_and_the_pins_of_its_evaluators(member: User, stub: Stub) -> None:
    first, second, third = (make_evaluator(member, stub.base_url, name) for name in ("C3", "B2", "A1"))
    pinned = Reference(second.pk, second.versions.get().pk)
    judge = save_response_judge(actor=member, fields={"name": "Answers"}, references=[Reference(first.pk), pinned])
    chosen = [str(each.pk) for each in (third, second, first)]
    fields = {"name": "Answers", "intent": "", "max_concurrency": "8", "evaluator_references": chosen}
    assert client_of(member).post(reverse("response_judge", args=[judge.pk]), fields).status_code == 302
    judge.refresh_from_db()
    assert current_references(judge) == [Reference(first.pk), pinned, Reference(third.pk)]
    none = client_of(member).post(reverse("response_judge_create"), {**fields, "evaluator_references": []})
    assert "A judge needs at least one evaluator." in none.content.decode()
    page = client_of(member).get(reverse("response_judges")).content.decode()
    assert "C3, B2, A1" in page


def test_the_default_model_is_shown_to_members_and_set_by_admins(member: User, admin: User) -> None:
    provider = make_provider(name="Team endpoint")
    fields = {"ai_provider_id": str(provider.pk), "model": "small-model"}
    assert client_of(member).post(reverse("default_model"), fields).status_code == 403
    refused = client_of(admin).post(reverse("default_model"), {**fields, "model": ""})
    assert "A provider needs a model." in refused.content.decode()
    for model in ("larger-model", "small-model"):
        assert client_of(admin).post(reverse("default_model"), {**fields, "model": model}).status_code == 302
        assert Installation.objects.get().default_model == model
    page = one_line(client_of(member).get(reverse("evaluators")).content.decode())
    assert "<strong>small-model</strong> of Team endpoint" in page
