"""The pages of AI judges: made, tried, changed into versions, compared."""

import html
import re
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django.fixtures import DjangoAssertNumQueries

from judging.asking.prompting import DEFAULT_PROMPT_TEMPLATE
from judging.judges.judges import save_judge
from judging.judging_runs.starting import JudgingOptions, start_judging_run
from judging.models import (
    AIJudge,
    AIProvider,
    Candidate,
    EvaluationRun,
    JudgeSettings,
    JudgeVersion,
    Role,
    User,
)
from judging.models.evaluators import EvaluatorSettings
from judging.models.versioned import Pinned
from tests.factories import make_judge, make_provider, make_run, make_user
from tests.markup import one_line
from tests.stub.fixtures import Stub

HTMX = {"HX-Request": "true"}
SETTINGS = {
    "batch_size": "2",
    "max_document_chars": "8000",
    "max_concurrency": "8",
    "timeout": "60",
    "temperature": "0",
    "max_retries": "5",
    "max_reasks": "1",
}


def client_of(user: User) -> Client:
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client


def typed(provider: AIProvider | None = None, **more: str) -> dict[str, str]:
    chosen = str(provider.pk) if provider else "new"
    texts = {"name": "Careful", "model": "stub-model", "prompt_template": DEFAULT_PROMPT_TEMPLATE}
    return {**SETTINGS, **texts, "ai_provider_id": chosen, **more}


def from_browser(fields: dict[str, str]) -> dict[str, str]:
    return {name: value.replace("\n", "\r\n") for name, value in fields.items()}


def post(client: Client, judge: AIJudge | None, fields: dict[str, str], **options: Any) -> Any:
    address = reverse("ai_judge", args=[judge.pk]) if judge else reverse("ai_judge_create")
    return client.post(address, from_browser(fields), **options)


@pytest.mark.parametrize("name", ["ai_judges", "ai_judge_create", "ai_judge", "ai_judge_versions"])
def test_raters_see_nothing_of_judges(rater: User, name: str) -> None:
    args = [] if name in ("ai_judges", "ai_judge_create") else [make_judge().pk]
    assert client_of(rater).get(reverse(name, args=args)).status_code == 403


def test_a_judge_is_made_and_saved_again_as_it_came_makes_no_version(member: User) -> None:
    client, provider = client_of(member), make_provider(owner=member)
    assert post(client, None, typed(provider)).status_code == 302
    judge = AIJudge.objects.get()
    assert judge.prompt_template == DEFAULT_PROMPT_TEMPLATE
    assert (judge.owner, judge.batch_size, judge.temperature, judge.max_output_tokens) == (member, 2, 0.0, None)
    page = post(client, judge, typed(provider, version="1"), follow=True).content.decode()
    assert "Nothing changed that makes a version" in page
    assert JudgeVersion.objects.count() == 1
    page = post(client, judge, typed(provider, version="1", temperature=""), follow=True).content.decode()
    assert "saved as version 2" in page
    assert AIJudge.objects.get().temperature is None


@pytest.mark.parametrize(
    ("route", "settings"), [("ai_judge_create", JudgeSettings), ("evaluator_create", EvaluatorSettings)]
)
def test_an_editor_has_a_field_for_every_setting(admin: User, route: str, settings: type[Pinned]) -> None:
    page = client_of(admin).get(reverse(route)).content.decode()
    assert [name for name in settings.setting_names() if f'name="{name}"' not in page] == []


def test_the_page_of_a_judging_run_tells_the_settings_that_a_judge_has(member: User) -> None:
    judge = make_judge(owner=member, temperature=None, max_document_chars=12_000, input_price=0.05)
    run = start_judging_run(
        actor=member, evaluation_run=make_run(), judge=judge, options=JudgingOptions(max_concurrency=3)
    )
    page = client_of(member).get(reverse("judging_run", args=[run.pk])).content.decode()
    told = dict(re.findall(r"<dt>([^<]+)</dt>\s*<dd>([^<]+)</dd>", page))
    expected = {
        "Characters per document": "12,000",
        "Send images": "no",
        "Calls at once": "3",
        "Time limit": "60 s",
        "Temperature": "the model's own",
        "Price of input": "0.05 per million tokens",
    }
    assert {label: html.unescape(told[label]).strip() for label in expected} == expected
    assert "Price of output" not in told


def test_a_provider_is_made_with_the_judge_and_chosen(member: User) -> None:
    connection = {
        "provider-type": "custom",
        "provider-name": "Mine",
        "provider-base_url": "http://127.0.0.1:9/v1",
        "provider-api_key": "sk-secret-of-mine",
    }
    client = client_of(member)
    response = post(client, None, {**typed(), **connection, "act": "add_provider"}, headers=HTMX)
    fragment = one_line(response.content.decode())
    provider = AIProvider.objects.get()
    assert f'<option value="{provider.pk}" data-type="custom" selected>Mine' in fragment
    assert 'value="stub-model"' in fragment
    assert "sk-secret" not in fragment
    AIProvider.objects.all().delete()
    assert post(client, None, {**typed(), **connection}).status_code == 302
    assert AIJudge.objects.get().ai_provider == AIProvider.objects.get()
    assert AIProvider.objects.get().api_key() == "sk-secret-of-mine"


def test_a_provider_that_cant_be_made_leaves_everything_as_it_was_typed(member: User) -> None:
    answer = post(client_of(member), None, {**typed(), "provider-type": "openai", "provider-name": "Mine"})
    page = answer.content.decode()
    assert answer.status_code == 400
    assert "OpenAI needs an API key." in page
    assert 'value="Careful"' in page
    assert 'value="Mine"' in page
    assert not AIJudge.objects.exists()
    assert not AIProvider.objects.exists()


def test_a_template_error_shows_its_line_and_keeps_the_input(member: User) -> None:
    broken = "First line\n{{#each candidates}}\n{{id}"
    answer = post(client_of(member), None, typed(make_provider(owner=member), prompt_template=broken))
    page = answer.content.decode()
    assert answer.status_code == 400
    assert "Line 3" in page
    assert "First line\n{{#each candidates}}" in page.replace("\r\n", "\n")


def test_what_somebody_else_changed_meanwhile_is_not_overwritten(member: User) -> None:
    judge = make_judge(owner=member)
    save_judge(actor=member, fields={"model": "theirs"}, judge=judge)
    page = post(client_of(member), judge, typed(judge.ai_provider, version="1")).content.decode()
    assert "The judge was changed meanwhile: it is at version 2." in page
    assert AIJudge.objects.get().model == "theirs"


def test_a_new_judge_starts_from_a_template_that_says_where_it_is_weak(member: User) -> None:
    client = client_of(member)
    page = client.get(reverse("ai_judge_create"), {"template": "jobs"}).content.decode()
    assert 'value="Jobs"' in page
    assert "You are an expert judge of job search." in page
    assert "Commuting distances" in page
    plain = client.get(reverse("ai_judge_create"), {"template": "no-such"}).content.decode()
    assert "You are an expert judge of search results." in plain
    assert "Commuting distances" not in plain


def offered(fragment: str) -> list[str]:
    return re.findall(r'<option value="([^"]+)"', fragment.split('id="known-models"')[1].split("</datalist>")[0])


def test_models_are_offered_for_the_provider_that_is_chosen(member: User, stub: Stub) -> None:
    ollama = make_provider("http://127.0.0.1:9/v1", owner=member, type="ollama")
    custom = make_judge(make_provider(stub.base_url, owner=member), owner=member, model="our-own").ai_provider
    client = client_of(member)

    def models(**fields: str) -> list[str]:
        return offered(post(client, None, {"act": "models", **fields}, headers=HTMX).content.decode())

    assert models(ai_provider_id=str(custom.pk)) == ["our-own"]
    assert "llama3.1:8b" in models(ai_provider_id=str(ollama.pk))
    assert any(name.startswith("claude-") for name in models(ai_provider_id="new", **{"provider-type": "anthropic"}))
    assert models(ai_provider_id=str(make_provider(owner=make_user()).pk), **{"provider-type": "no-such"}) == []
    assert stub.calls == 0


def test_the_query_is_found_by_its_text(member: User) -> None:
    run = make_run({"red shoes": ["d1"], "blue shirt": ["d2"]})
    fields = typed(act="choose", try_run=str(run.pk), try_find="SHIRT")
    fragment = one_line(post(client_of(member), None, fields, headers=HTMX).content.decode())
    assert "blue shirt</option>" in fragment
    assert "red shoes</option>" not in fragment


def test_a_judge_is_tested_as_it_stands_in_the_form_and_nothing_is_stored(member: User, stub: Stub) -> None:
    run = make_run({"red shoes": ["d1", "d2", "d3"]}, scale="graded")
    stub.script(grades={"d1": 4, "d2": 0})
    provider = make_provider(stub.base_url, owner=member)
    fields = typed(
        provider, act="test", name="", try_run=str(run.pk), system_prompt="Be strict.", input_price="1000000"
    )
    fragment = post(client_of(member), None, fields, headers=HTMX).content.decode()
    assert "grade-step-9" in fragment
    assert "Title of d2" in fragment
    assert "&lt;grade&gt;4&lt;/grade&gt;" in fragment
    assert "Be strict." in fragment
    assert "tokens in" in fragment
    assert "cost" in fragment
    assert "<html" not in fragment
    assert not AIJudge.objects.exists()


def test_a_trial_grades_a_reply_with_an_invalid_character_number(member: User, stub: Stub) -> None:
    stub.script(fault="entity", grades={"d1": 4})
    judge = make_judge(make_provider(stub.base_url, owner=member), owner=member)
    run = make_run({"red shoes": ["d1"]}, scale="graded")
    page = post(client_of(member), judge, typed(judge.ai_provider, act="test", try_run=str(run.pk)))
    assert page.status_code == 200
    assert "so \ufffd it is" in page.content.decode()


def test_a_reply_that_cant_be_read_is_shown_as_text(member: User, stub: Stub) -> None:
    stub.script(text="<img src=x onerror=alert(1)> 3")
    judge = make_judge(make_provider(stub.base_url, owner=member), owner=member, max_reasks=0)
    page = post(client_of(member), judge, typed(judge.ai_provider, act="test")).content.decode()
    assert "unparseable" in page
    assert "&lt;img src=x" in page
    assert "<img src=x" not in page


def test_a_provider_that_refuses_is_told_without_a_grade(member: User, stub: Stub) -> None:
    stub.script(fault="401")
    fields = typed(make_provider(stub.base_url, owner=member), act="test")
    fragment = post(client_of(member), None, fields, headers=HTMX).content.decode()
    assert "The provider could not be asked." in fragment
    assert "Not answered." in fragment


def test_a_test_needs_a_model_and_a_provider_that_one_sees(member: User) -> None:
    theirs = make_provider(owner=make_user(Role.MEMBER))
    client = client_of(member)
    fragment = post(client, None, typed(theirs, act="test", model=""), headers=HTMX).content.decode()
    assert "Model: This field is required." in fragment
    assert "AI provider: Select a valid choice." in fragment


def test_members_see_test_and_copy_shared_judges_and_admins_change_them(member: User, admin: User, stub: Stub) -> None:
    judge = make_judge(make_provider(stub.base_url), name="Team judge")
    client = client_of(member)
    page = client.get(reverse("ai_judge", args=[judge.pk])).content.decode()
    assert '<fieldset class="editor-main" disabled>' in page
    assert "red running shoes" in page
    assert post(client, judge, typed(judge.ai_provider, version="1")).status_code == 403
    assert "judged" in post(client, judge, {"act": "test"}, headers=HTMX).content.decode()
    client.post(reverse("duplicate_ai_judge", args=[judge.pk]))
    assert AIJudge.objects.get(owner=member).name == "Team judge (copy)"
    changed = typed(judge.ai_provider, version="1", shared="on", name="Renamed")
    assert post(client_of(admin), judge, changed).status_code == 302
    assert AIJudge.objects.get(pk=judge.pk).name == "Renamed"


def test_a_judge_that_has_judged_is_archived_and_its_page_says_so(member: User) -> None:
    judge = make_judge(owner=member)
    start_judging_run(evaluation_run=make_run(), judge=judge, actor=member)
    client = client_of(member)
    assert "1</td>" in client.get(reverse("ai_judges")).content.decode()
    client.post(reverse("delete_ai_judge", args=[judge.pk]))
    assert judge.name not in client.get(reverse("ai_judges")).content.decode().split("<main")[1].split("toasts")[0]
    assert "This judge was deleted" in client.get(reverse("ai_judge", args=[judge.pk])).content.decode()


def test_any_two_versions_are_compared(member: User) -> None:
    judge = make_judge(owner=member, prompt_template="One\n{{#each candidates}}{{id}}{{/each}}\nLast")
    for template in ("One\n{{#each candidates}}{{id}}{{/each}}\n<b>Last</b>", "Other"):
        fields = {"prompt_template": template} if template != "Other" else {"temperature": 0.7, "model": "larger"}
        judge = save_judge(actor=member, fields=fields, judge=judge)
    client, address = client_of(member), reverse("ai_judge_versions", args=[judge.pk])
    page = client.get(address).content.decode()
    assert "From v2 to v3" in page
    assert '<del class="value-before">stub-model</del>' in page
    assert '<ins class="value-after">larger</ins>' in page
    page = client.get(address, {"from": "1", "to": "2"}).content.decode()
    assert '<td class="diff-text">&lt;b&gt;Last&lt;/b&gt;</td>' in page
    assert 'class="diff-removed"' in page
    for odd in ("0", "x", "99999999999"):
        assert client.get(address, {"from": odd, "to": odd}).status_code == 200


def test_a_long_list_costs_no_query_per_row(member: User, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    client = client_of(member)
    make_judge(owner=member)
    client.get(reverse("ai_judges"))
    with django_assert_num_queries(7):
        client.get(reverse("ai_judges"))
    for _ in range(5):
        make_judge(owner=member)
    with django_assert_num_queries(7):
        client.get(reverse("ai_judges"))


def several(member: User, stub: Stub, **script: Any) -> tuple[AIJudge, dict[str, str]]:
    run = make_run({f"query {number}": ["d1", "d2", "d3"] for number in range(4)})
    Candidate.objects.filter(run=run, position=2, rank=1).update(people_mean=2.5, effective_grade=3, people_count=2)
    Candidate.objects.filter(run=run, position=2, rank=2).update(ai_grade=0, effective_grade=0)
    stub.script(grades={"d1": 3, "d2": 4, "d3": 1}, **script)
    judge = make_judge(make_provider(stub.base_url, owner=member), owner=member)
    fields = typed(judge.ai_provider, act="test_several", try_run=str(run.pk), try_count="3", try_depth="2")
    return judge, fields


def next_step(client: Client, judge: AIJudge, fragment: str) -> str:
    state = re.search(r'"several": "([^"]+)"', html.unescape(fragment))
    assert state
    given = {"act": "test_next", "several": state[1]}
    return str(post(client, judge, given, headers=HTMX).content.decode())


def test_several_queries_are_tested_one_after_the_other_and_agreement_is_counted(member: User, stub: Stub) -> None:
    judge, fields = several(member, stub)
    client = client_of(member)
    fragment = post(client, judge, fields, headers=HTMX).content.decode()
    assert "<b>0</b> of 3 queries" in one_line(fragment)
    queries = []
    while "several-next" in fragment:
        fragment = next_step(client, judge, fragment)
        queries += re.findall(r"<h4>(.*?)</h4>", fragment)
    assert queries == ["query 0", "query 1", "query 2"]
    summary = one_line(fragment)
    assert "<b>6</b> judged" in summary
    assert "<dt>People</dt> <dd><b>1</b> of 1 equal, 0 one apart, 0 further" in summary
    assert "<dt>AI of record</dt> <dd><b>0</b> of 1 equal, 0 one apart, 1 further" in summary
    assert not JudgeVersion.objects.exclude(judge=judge).exists()


def test_a_test_of_several_can_keep_to_queries_that_people_graded(member: User, stub: Stub) -> None:
    judge, fields = several(member, stub)
    client = client_of(member)
    fragment = next_step(client, judge, post(client, judge, {**fields, "try_which": "people"}).content.decode())
    assert re.findall(r"<h4>(.*?)</h4>", fragment) == ["query 1"]
    assert "several-next" not in fragment


def test_a_test_of_several_queries_of_a_blind_run_is_refused_before_it_begins(member: User, stub: Stub) -> None:
    judge, fields = several(member, stub)
    EvaluationRun.objects.update(blind=True)
    refused = post(client_of(member), judge, fields, headers=HTMX).content.decode()
    assert "You judge this run blind" in refused
    assert "several-next" not in refused


def test_an_edit_during_a_test_of_several_does_not_change_what_is_tested(member: User, stub: Stub) -> None:
    judge, fields = several(member, stub)
    client = client_of(member)
    fragment = post(client, judge, {**fields, "system_prompt": "As begun."}, headers=HTMX).content.decode()
    next_step(client, judge, fragment)
    assert all("As begun." in str(request) for request in stub.requests)
    assert stub.requests


def test_an_error_of_the_provider_ends_a_test_of_several(member: User, stub: Stub) -> None:
    judge, fields = several(member, stub, fault="401")
    client = client_of(member)
    fragment = next_step(client, judge, post(client, judge, fields, headers=HTMX).content.decode())
    assert "The provider could not be asked." in fragment
    assert "several-next" not in fragment


def test_a_test_of_several_goes_on_from_its_own_state_only(member: User) -> None:
    answer = post(client_of(member), None, {"act": "test_next", "several": "forged"}, headers=HTMX)
    assert answer.status_code == 400
