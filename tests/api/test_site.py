"""What stands around the API: health, the OpenAPI description and its page, the admin."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.contrib import admin
from django.db import DatabaseError
from django.test import Client
from django.utils import timezone
from drf_spectacular.validation import validate_schema

from judging.models import ApiToken, AuditEvent, Role, User, WorkerHeartbeat
from tests.factories import make_judge, make_provider, make_run, make_token, make_user


def test_the_process_is_up_without_database_or_worker(client: Client) -> None:
    assert client.get("/healthz").json() == {"status": "ok"}


@pytest.mark.django_db
def test_ready_means_a_worker_was_seen_within_30_seconds(client: Client) -> None:
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json()["worker"]) == (503, False)
    WorkerHeartbeat.objects.create(worker="w", seen_at=timezone.now())
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok", "database": True, "worker": True})
    WorkerHeartbeat.objects.update(seen_at=timezone.now() - timedelta(seconds=31))
    assert client.get("/readyz").status_code == 503


@pytest.mark.django_db
def test_a_database_that_does_not_answer_is_told(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> None:
        raise DatabaseError("secret address")

    monkeypatch.setattr("judging.api.operations.health.connection.cursor", refuse)
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json()) == (503, {"status": "unavailable", "database": False, "worker": False})


@pytest.mark.seldom
def test_the_description_is_valid_and_every_operation_tells_its_problems(client: Client) -> None:
    schema = client.get("/api/schema").json()
    validate_schema(schema)
    operations = {
        (method, path): operation
        for path, methods in schema["paths"].items()
        if path.startswith("/api/v1")
        for method, operation in methods.items()
    }
    assert len(operations) > 30
    for (method, path), operation in operations.items():
        assert {"401", "403", "429"} <= operation["responses"].keys(), (method, path)
        names_a_row = "{" in path or any(
            each["schema"].get("format") == "uuid" for each in operation.get("parameters", ())
        )
        assert ("404" in operation["responses"]) == names_a_row, (method, path)
        assert operation["summary"], (method, path)
        assert {"token": []} in operation["security"], (method, path)


@pytest.mark.parametrize("path", ["/api/docs", "/api/docs?of=batches"])
def test_the_page_that_shows_it_is_allowed_by_its_own_policy(client: Client, path: str) -> None:
    answer = client.get(path)
    page = answer.content.decode()
    policy = answer["Content-Security-Policy"]
    assert "script-src 'self'" in policy
    assert "unsafe" not in policy
    assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=|https?://", page)
    for asset in re.findall(r'(?:src|href)="(/static/[^"]+)"', page):
        assert client.get(asset).status_code == 200, asset


@pytest.fixture
def admin_browser(admin_user_of_team: User) -> Client:
    browser = Client()
    browser.force_login(admin_user_of_team)
    return browser


@pytest.fixture
def admin_user_of_team(db: None) -> User:
    return make_user(Role.ADMIN, email="boss@example.com")


def test_only_admins_come_into_the_admin(member: User, client: Client) -> None:
    client.force_login(member)
    assert client.get("/admin/").status_code == 302


@pytest.mark.slow(seconds=3)
def test_the_admin_site_writes_only_people_and_tokens(admin_browser: Client) -> None:
    """What its pages show, which hold no secret: tests/security/test_secrets.py."""
    make_judge(make_provider())
    make_run()
    make_token(User.objects.get())
    written = 0
    for model in admin.site._registry:
        path = f"/admin/{model._meta.app_label}/{model._meta.model_name}/"
        row: Any = model._default_manager.first()
        if row is not None:
            written += 1
            assert admin_browser.post(f"{path}{row.pk}/delete/", {"post": "yes"}).status_code == 403
            if model is not User:
                assert admin_browser.post(f"{path}{row.pk}/change/", {"name": "x"}).status_code == 403
        assert admin_browser.get(f"{path}add/").status_code == 403
    assert written > 10
    assert {model._meta.app_label for model in admin.site._registry} == {"judging"}


def test_the_admin_changes_people_through_the_service(admin_browser: Client, admin_user_of_team: User) -> None:
    ann = make_user(email="ann@example.com")
    form = {"name": "Ann", "role": "rater", "is_active": "on", "email": "evil@example.com"}
    assert admin_browser.post(f"/admin/judging/user/{ann.pk}/change/", form).status_code == 302
    ann.refresh_from_db()
    assert (ann.name, ann.role, ann.email) == ("Ann", "rater", "ann@example.com")
    assert AuditEvent.objects.get(action="member_changed").actor == admin_user_of_team
    path = f"/admin/judging/user/{admin_user_of_team.pk}/change/"
    answer = admin_browser.post(path, {"name": "", "role": "member", "is_active": "on"}, follow=True)
    assert "last admin" in answer.content.decode()
    admin_user_of_team.refresh_from_db()
    assert admin_user_of_team.is_admin


def test_the_admin_revokes_tokens(admin_browser: Client) -> None:
    make_token(User.objects.get())
    token = ApiToken.objects.get()
    form = {"action": "revoke", "_selected_action": [str(token.pk)]}
    assert admin_browser.post("/admin/judging/apitoken/", form).status_code == 302
    token.refresh_from_db()
    assert token.revoked_at is not None
