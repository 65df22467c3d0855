"""No secret leaves: not in a page, an API answer, a log line, a task row, a stored row, an export."""

import base64
import html
import json
import logging
from collections.abc import Iterator
from io import StringIO
from typing import Any
from urllib.parse import quote

import pytest
from django.apps import apps
from django.conf import settings
from django.contrib import admin as django_admin
from django.core import serializers
from django.core.management import call_command
from django.test import Client
from django.views.debug import SafeExceptionReporterFilter
from django_q.models import OrmQ, Task
from rest_framework.test import APIClient

from judging.foundation.logs import JsonFormatter
from judging.judges.providers import save_provider
from judging.judging_runs.starting import start_judging_run
from judging.models import AIProvider, ApiToken, Invitation, JudgingRun, User
from tests.draining import drain
from tests.factories import make_token
from tests.security.conftest import API_KEY
from tests.security.hostile import HOSTILE, KEYS, assert_inert, graded
from tests.security.installation import Installation, browser_of
from tests.security.routes import Route, pages, routes
from tests.security.test_access import ADMINS, PAGES
from tests.stub.fixtures import Stub

# Where a secret may stand, and in which column: nowhere else, not even encrypted or hashed.
_AT_REST = {(AIProvider, "encrypted_api_key"), (ApiToken, "token_hash"), (Invitation, "token_hash")}
_ECHO = f"Incorrect API key provided: {API_KEY}. Authorization: Bearer {API_KEY} {HOSTILE}"


def spellings(secret: str) -> list[str]:
    """Return a secret as it is, escaped, encoded, and as the middle of a longer text in base64."""
    found = [secret, html.escape(secret), quote(secret), quote(secret, safe=""), json.dumps(secret)[1:-1]]
    for lead in range(3):
        encoded = base64.b64encode(b"x" * lead + secret.encode()).decode()
        found.append(encoded[4:-4])
    return list(dict.fromkeys(found))


def completion(text: str) -> dict[str, object]:
    return {
        "model": f"stub {API_KEY}",
        "choices": [{"finish_reason": f"stop {API_KEY}", "message": {"role": "assistant", "content": text}}],
        "usage": {"prompt_tokens": 1, "completion_tokens": 1},
    }


def echoes(stub: Stub) -> Iterator[str]:
    """Have the provider give the key back in every place of an answer that is kept; yield what each is."""
    headers = {"x-request-id": API_KEY, "location": f"http://127.0.0.1:1/{quote(API_KEY)}"}
    error = {"error": {"message": _ECHO, "type": API_KEY, "code": API_KEY}}
    custom: dict[str, dict[str, Any]] = {
        "graded": {"body": completion("".join(graded(key, _ECHO) for key in KEYS))},
        "prose": {"body": completion(_ECHO)},
        "no_json": {"body": f"<html>{_ECHO}"},
        "in_200": {"body": error},
        **{str(status): {"status": status, "body": error} for status in (307, 400, 401, 403, 404, 429, 500)},
    }
    for name, answer in custom.items():
        stub.script(custom={"echo": {**answer, "headers": headers}}, fault="echo", retry_after="0")
        yield name


@pytest.fixture
def log_lines() -> Iterator[StringIO]:
    """All that is logged, as JSON with its exceptions, at the level that says most."""
    lines = StringIO()
    handler = logging.StreamHandler(lines)
    handler.setFormatter(JsonFormatter())
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield lines
    root.removeHandler(handler)
    root.setLevel(level)


def answers(browser: Client, installation: Installation, *, is_htmx: bool = False) -> Iterator[tuple[Route, str, Any]]:
    """Yield what every route that can be read answers, and its text; by htmx what the pages answer."""
    for route in pages() if is_htmx else routes():
        if route.template == "/logout":
            continue
        path = installation.path(route)
        formats = ["csv", "jsonl", "qrels", "trec_run"] if "export" in path else [""]
        for file_format in formats:
            data = {"file_format": file_format, "format": file_format} if file_format else {}
            response = browser.get(path, data, headers={"HX-Request": "true"} if is_htmx else {})
            assert response.status_code != 500, path
            if route in PAGES and not file_format and route.template not in ADMINS:
                assert response.status_code in (200, 302, 405), (path, response.status_code)
            body = b"".join(response) if response.streaming else response.content
            yield route, body.decode(errors="replace"), response


def inert_answers(browser: Client, installation: Installation, *, is_htmx: bool = False) -> Iterator[tuple[str, str]]:
    """Yield what routes answer, with its headers, once what is hostile in it was seen to do nothing."""
    shown = 0
    for route, text, response in answers(browser, installation, is_htmx=is_htmx):
        if response.status_code == 200 and response["Content-Type"].startswith("text/html"):
            shown += assert_inert(text, route.template)
        yield route.template, f"{dict(response.headers)}\n{text}"
    assert shown > 20


def admin_pages(browser: Client) -> Iterator[tuple[str, str]]:
    for model in django_admin.site._registry:
        path = f"/admin/{model._meta.app_label}/{model._meta.model_name}/"
        paths = [
            path,
            *(f"{path}{pk}/change/" for pk in model._default_manager.order_by("-pk").values_list("pk", flat=True)[:1]),
        ]
        for path in paths:
            response = browser.get(path)
            assert response.status_code == 200, path
            yield path, response.content.decode()


def stored_rows() -> Iterator[tuple[str, str]]:
    for model in apps.get_models():
        hidden = {field for kind, field in _AT_REST if kind is model}
        fields = [field.name for field in model._meta.local_fields if field.name not in hidden]
        for row in serializers.serialize("jsonl", model._default_manager.all(), fields=fields).splitlines():
            yield model.__name__, row
    tasks: list[Any] = [*OrmQ.objects.all(), *Task.objects.all()]
    for task in tasks:
        yield "task", repr(task.task if isinstance(task, OrmQ) else (task.args, task.kwargs, task.result))


def assert_absent(secrets: list[str], texts: Iterator[tuple[str, str]]) -> None:
    looked_at = 0
    for where, text in texts:
        looked_at += 1
        for secret in secrets:
            assert secret not in text, (where, text[max(text.find(secret) - 200, 0) :][:500])
    assert looked_at > 10


def test_no_secret_is_anywhere_and_hostile_text_does_nothing_in_any_page(
    hostile: Installation, stub: Stub, log_lines: StringIO
) -> None:
    """Whatever a provider does with its key. Both are looked for in the same answers: asking for them takes seconds."""
    installation = hostile
    admin = browser_of(User.objects.get(email="admin@example.com"))
    owner = browser_of(installation.owner)
    # /v1 asks for a token, whoever is signed in.
    owner.defaults["HTTP_AUTHORIZATION"] = f"Bearer {make_token(installation.owner)}"
    said = list(said_with_the_key(installation, stub))
    exported = StringIO()
    call_command("export_judgments", str(installation.run.pk), stdout=exported)
    installation.provider.refresh_from_db()
    secrets = [API_KEY, *shown_once(installation, owner, admin)]
    secrets += ApiToken.objects.values_list("token_hash", flat=True)
    secrets += Invitation.objects.values_list("token_hash", flat=True)
    unwanted = [installation.provider.encrypted_api_key]
    unwanted += [spelling for secret in secrets for spelling in spellings(secret)]

    assert_absent(unwanted, iter(said))
    assert_absent(unwanted, inert_answers(owner, installation))
    assert_absent(unwanted, inert_answers(owner, installation, is_htmx=True))
    assert_absent(unwanted, inert_answers(admin, installation))
    assert_absent([*unwanted, *User.objects.values_list("password", flat=True)], admin_pages(admin))
    assert_absent(unwanted, stored_rows())
    logged = log_lines.getvalue() + exported.getvalue()
    assert "/chat/completions" in logged or "provider" in logged
    assert [secret for secret in unwanted if secret in logged] == []
    assert API_KEY not in repr(installation.provider.__dict__) + str(installation.provider)


def said_with_the_key(installation: Installation, stub: Stub) -> Iterator[tuple[str, str]]:
    """Yield what is answered while a provider gives its key back, and when its address is about to hold the key."""
    member = APIClient()
    member.force_login(installation.owner, backend="django.contrib.auth.backends.ModelBackend")
    provider, judge, token = installation.provider, installation.judge, make_token(installation.owner)
    for name in echoes(stub):
        start_judging_run(evaluation_run=installation.run, judge=judge, actor=installation.owner)
        drain()
        tested = member.post(f"/api/v1/ai-providers/{provider.pk}/test", {"model": "stub-model"}, format="json")
        query = {"query": "q", "candidates": [{"id": "d1", "title": "t"}], "scale": "graded"}
        tried = member.post(f"/api/v1/ai-judges/{judge.pk}/test", query, format="json")
        batch = {"inputs": [{"request": "a", "response": "b"}]}
        executed = APIClient().post(
            f"/v1/judges/{judge.pk}/execute/",
            batch["inputs"][0],
            format="json",
            HTTP_AUTHORIZATION=f"Api-Key {token}",
        )
        for response in (tested, tried, executed):
            assert response.status_code < 500 or response.status_code == 502, (name, response.content)
            yield name, response.content.decode()
    assert JudgingRun.objects.filter(status="failed").exists()
    assert JudgingRun.objects.filter(status="completed").exists()
    stub.reset()
    for url in ("http://169.254.169.254/v1", f"http://user:{quote(API_KEY, safe='')}@127.0.0.1/v1"):
        response = member.patch(f"/api/v1/ai-providers/{provider.pk}", {"base_url": url}, format="json")
        assert response.status_code == 400
        yield url, response.content.decode()


def shown_once(installation: Installation, owner: Client, admin: Client) -> list[str]:
    """Return tokens of the API and of invitations, each of which has been shown once and, wrongly or not, been used."""
    made = owner.post("/api/v1/tokens", {"name": "second"}, content_type="application/json").json()
    invited = admin.post("/api/v1/members", {"email": "b@example.com"}, content_type="application/json").json()
    secrets = [
        installation.token_secret,
        installation.invitation_secret,
        made["token"],
        invited["link"].rsplit("/", 1)[-1],
    ]
    for secret in secrets:
        APIClient().get("/api/v1/me", HTTP_AUTHORIZATION=f"Bearer {secret}")
        APIClient().get("/v1/judges/", HTTP_AUTHORIZATION=f"Api-Key {secret}")
    return secrets


def test_a_key_never_reaches_another_host_than_the_one_it_was_given_for(installation: Installation) -> None:
    thief = installation.owner
    client = browser_of(thief)
    path = f"/api/v1/ai-providers/{installation.provider.pk}"
    moved = client.patch(path, {"base_url": "https://evil.example/v1"}, content_type="application/json")
    assert moved.status_code == 400
    assert "api_key" in moved.json()["errors"]
    saved = save_provider(
        actor=thief, fields={"base_url": "https://evil.example/v1"}, provider=installation.provider, api_key="other-key"
    )
    assert saved.api_key() == "other-key"


def test_neither_settings_nor_debug_pages_show_a_key() -> None:
    shown = repr(SafeExceptionReporterFilter().get_safe_settings())
    assert settings.SECRET_KEY not in shown
    assert not any(key in shown for key in settings.ENCRYPTION_KEYS)
