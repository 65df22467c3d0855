"""Signing in, sessions, cookies, hosts, forms: what the settings and the sign-in enforce."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings
from django.core.cache import cache
from django.test import Client, override_settings

from judging.models import Role, User
from judging.people.accounts import deactivate_member, update_member
from judging.people.tokens import create_token
from tests.factories import make_user
from tests.security.installation import PASSWORD, Installation, browser_of
from tests.security.routes import pages
from tests.security.test_access import PUBLIC

PRODUCTION = {
    "RELEVAL_ENV": "production",
    "RELEVAL_ALLOWED_HOSTS": "releval.example",
    "RELEVAL_SECRET_KEY": "0123456789abcdefghijklmnopqrstuvwxyz-ABCDEFGHIJKLMNOPQRSTUVWXYZ",
    "RELEVAL_ENCRYPTION_KEYS": "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=",
}
_SHOWN = """
import json, os, sys
import django
from django.conf import settings
django.setup()
from django.core.management import call_command
call_command("check", deploy=True, fail_level="WARNING")
from django.test import Client
client = Client(headers={"host": "releval.example"})
page = client.get("/healthz", secure=True)
print(json.dumps({
    "plain": [client.get("/login").status_code, client.get("/login")["Location"]],
    "health": client.get("/healthz").status_code,
    "foreign_host": Client(headers={"host": "evil.example"}, raise_request_exception=False).get("/api/v1/me").status_code,
    "hsts": page.get("Strict-Transport-Security", ""),
    "page": page.status_code,
    "settings": {name: getattr(settings, name) for name in (
        "DEBUG", "SESSION_COOKIE_SECURE", "SESSION_COOKIE_HTTPONLY", "SESSION_COOKIE_SAMESITE", "CSRF_COOKIE_SECURE",
        "CSRF_COOKIE_SAMESITE", "SECURE_SSL_REDIRECT", "ALLOWED_HOSTS", "AXES_FAILURE_LIMIT", "AXES_ENABLED")},
}))
"""

# Settings and what reads them, without the rest of the project: a tenth of the time.
_HSTS = """
from django.http import HttpResponse
from django.middleware.security import SecurityMiddleware
from django.test import RequestFactory
answer = SecurityMiddleware(lambda request: HttpResponse())(RequestFactory().get("/healthz", secure=True))
print(answer["Strict-Transport-Security"])
"""


def in_production(tmp_path: Any, *, script: str = _SHOWN, **variables: str) -> subprocess.CompletedProcess[str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("RELEVAL_", "DATABASE_URL"))}
    return subprocess.run(
        [sys.executable, "-W", "ignore", "-c", script],
        cwd=settings.BASE_DIR,
        env={**clean, "RELEVAL_DATA_DIR": str(tmp_path), "DJANGO_SETTINGS_MODULE": "releval.settings", **variables},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.slow
def test_production_s_settings_are_safe_ones(tmp_path: Any) -> None:
    (tmp_path / "static").mkdir()
    done = in_production(tmp_path, **PRODUCTION)
    assert done.returncode == 0, done.stderr
    shown = json.loads(done.stdout.splitlines()[-1])
    assert shown["settings"] == {
        "DEBUG": False,
        "SESSION_COOKIE_SECURE": True,
        "SESSION_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_SAMESITE": "Lax",
        "CSRF_COOKIE_SECURE": True,
        "CSRF_COOKIE_SAMESITE": "Lax",
        "SECURE_SSL_REDIRECT": True,
        "ALLOWED_HOSTS": ["releval.example"],
        "AXES_FAILURE_LIMIT": 10,
        "AXES_ENABLED": True,
    }
    assert shown["page"] == 200
    assert shown["plain"] == [301, "https://releval.example/login"]
    assert (shown["health"], shown["foreign_host"]) == (200, 400)
    assert shown["hsts"] == "max-age=31536000; includeSubDomains; preload"


def test_hsts_for_subdomains_and_preload_can_be_turned_off(tmp_path: Any) -> None:
    (tmp_path / "static").mkdir()
    opted_out = {**PRODUCTION, "RELEVAL_HSTS_SUBDOMAINS": "0", "RELEVAL_HSTS_PRELOAD": "0"}
    assert in_production(tmp_path, script=_HSTS, **opted_out).stdout == "max-age=31536000\n"
    assert "includeSubDomains" in in_production(tmp_path, script=_HSTS, **PRODUCTION).stdout


@pytest.mark.parametrize("missing", ["RELEVAL_SECRET_KEY", "RELEVAL_ENCRYPTION_KEYS"])
def test_production_does_not_start_without_its_secrets(tmp_path: Any, missing: str) -> None:
    done = in_production(tmp_path, **{name: value for name, value in PRODUCTION.items() if name != missing})
    assert done.returncode != 0
    assert f"{missing} (or {missing}_FILE) is required" in done.stderr


def test_the_session_of_before_signing_in_is_another_one_after(member: User) -> None:
    browser = Client()
    browser.force_login(make_user(Role.RATER), backend="django.contrib.auth.backends.ModelBackend")
    planted = browser.cookies["sessionid"].value
    browser.post("/logout")
    browser.cookies["sessionid"] = planted
    assert browser.post("/login", {"username": member.email, "password": PASSWORD}).status_code == 302
    cookie = browser.cookies["sessionid"]
    assert cookie.value != planted
    assert cookie["httponly"]
    assert cookie["samesite"] == "Lax"
    stolen = Client()
    stolen.cookies["sessionid"] = planted
    assert stolen.get("/account").status_code == 302


def test_a_session_ends_with_signing_out(member: User) -> None:
    browser = Client()
    browser.post("/login", {"username": member.email, "password": PASSWORD})
    kept = browser.cookies["sessionid"].value
    browser.post("/logout")
    browser.cookies["sessionid"] = kept
    assert browser.get("/account").status_code == 302


def test_what_a_leaver_held_opens_nothing_after_a_return(admin: User, member: User) -> None:
    stays = make_user()
    browsers = {user: browser_of(user) for user in (member, stays)}
    secrets = {user: create_token(actor=user, user=user, name="ci")[1] for user in (member, stays)}
    deactivate_member(actor=admin, member_id=member.pk)
    update_member(actor=admin, member_id=member.pk, is_active=True)
    for user, is_open in ((member, False), (stays, True)):
        assert browsers[user].get("/account").status_code == (200 if is_open else 302)
        api = Client().get("/api/v1/me", headers={"Authorization": f"Bearer {secrets[user]}"})
        assert api.status_code == (200 if is_open else 401)
    assert Client().post("/login", {"username": member.email, "password": PASSWORD}).status_code == 302


@override_settings(AXES_ENABLED=True)
@pytest.mark.django_db
def test_guesses_lock_the_member_out_at_one_address_and_nobody_else(client: Client) -> None:
    ada, grace = make_user(email="ada@example.com"), make_user(email="grace@example.com")
    for attempt in range(10):
        client.post("/login", {"username": ada.email, "password": f"guess {attempt}"}, REMOTE_ADDR="198.51.100.7")
    right = {"username": ada.email, "password": PASSWORD}
    assert client.post("/login", right, REMOTE_ADDR="198.51.100.7").status_code == 429
    assert client.post("/login", right, REMOTE_ADDR="192.0.2.1").status_code == 302
    other = {"username": grace.email, "password": PASSWORD}
    assert Client().post("/login", other, REMOTE_ADDR="198.51.100.7").status_code == 302
    assert settings.AXES_COOLOFF_TIME <= 1


@override_settings(AXES_ENABLED=True, REST_FRAMEWORK={**settings.REST_FRAMEWORK, "NUM_PROXIES": 1})
@pytest.mark.django_db
def test_behind_a_proxy_the_address_it_saw_counts(client: Client) -> None:
    ada = make_user(email="ada@example.com")

    def sign_in(password: str, forwarded: str) -> int:
        data = {"username": ada.email, "password": password}
        return client.post("/login", data, headers={"X-Forwarded-For": forwarded}).status_code

    for attempt in range(10):
        sign_in("guess", f"10.0.0.{attempt}, 198.51.100.7")
    assert sign_in(PASSWORD, "192.0.2.99, 198.51.100.7") == 429
    assert sign_in(PASSWORD, "198.51.100.7, 192.0.2.1") == 302


@pytest.fixture
def five_passwords_a_minute() -> Iterator[None]:
    cache.clear()
    with override_settings(API_THROTTLE_RATES={**settings.API_THROTTLE_RATES, "password": "5/min"}):
        yield
    cache.clear()


@pytest.mark.parametrize("path", ["/login", "/admin/login/", "/account/password", "/admin/password_change/"])
@pytest.mark.usefixtures("five_passwords_a_minute")
def test_an_address_tries_few_passwords_a_minute_for_any_account(admin: User, path: str) -> None:
    client = browser_of(admin) if "password" in path else Client()
    for attempt in range(5):
        guess = {"username": f"user{attempt}@example.com", "password": "guess", "old_password": "guess"}
        assert client.post(path, guess).status_code == 200
    refused = client.post(path, {"username": admin.email, "password": PASSWORD, "old_password": PASSWORD})
    assert refused.status_code == 429
    assert 0 < int(refused["Retry-After"]) <= 61
    assert "Too many attempts" in refused.content.decode()
    assert client.get(path).status_code == 200
    assert Client().post("/login", {"username": admin.email, "password": PASSWORD}).status_code == 429
    other = Client(REMOTE_ADDR="192.0.2.1").post("/login", {"username": admin.email, "password": PASSWORD})
    assert other.status_code == 302


@override_settings(AXES_ENABLED=True)
@pytest.mark.django_db
def test_without_a_proxy_a_forged_header_gives_no_more_guesses(client: Client) -> None:
    ada = make_user(email="ada@example.com")
    for attempt in range(10):
        data = {"username": ada.email, "password": "guess"}
        client.post("/login", data, headers={"X-Forwarded-For": f"10.0.0.{attempt}"})
    answer = client.post("/login", {"username": ada.email, "password": PASSWORD})
    assert answer.status_code == 429


@pytest.mark.parametrize(
    "target",
    [
        "https://evil.example",
        "//evil.example",
        "///evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "http:evil.example",
        "javascript:alert(1)",
        "https://testserver@evil.example",
        "https:\t//evil.example",
        "/%0d%0aSet-Cookie:x",
    ],
)
def test_the_door_leads_nowhere_else(member: User, target: str) -> None:
    for path in ("/login", f"/login?next={target}"):
        data = {"username": member.email, "password": PASSWORD, "next": target}
        location = Client().post(path, data)["Location"]
        assert location == "/" or (location == target and target.startswith("/%")), location


@pytest.mark.django_db
def test_a_foreign_host_is_refused_and_never_repeated(client: Client) -> None:
    strict = Client(raise_request_exception=False)
    with override_settings(ALLOWED_HOSTS=["releval.example"]):
        for host in ("evil.example", "releval.example.evil.example", "releval.example@evil.example", "evil.example:80"):
            for path in ("/", "/login", "/api/v1/me", "/v1/judges/"):
                response = strict.get(path, headers={"host": host})
                assert response.status_code == 400, (host, path)
                assert "evil.example" not in response.content.decode(), (host, path)
        assert strict.get("/login", headers={"host": "releval.example"}).status_code == 200


def test_every_form_needs_its_token(standing: Installation) -> None:
    admin, stranger = (
        browser_of(User.objects.get(email="admin@example.com"), csrf=True),
        Client(enforce_csrf_checks=True),
    )
    assert admin.post("/evaluations/new", {}).status_code == 403
    posts = 0
    for route in pages():
        # Asked for before anybody is asked who they are: a stranger's page of an error is soon drawn.
        response = stranger.post(standing.path(route), {})
        if response.status_code == 405 and route.template not in PUBLIC:
            continue
        assert response.status_code in (403, 405), (route.template, response.status_code)
        if response.status_code == 403:
            posts += 1
            assert "This form has expired" in response.content.decode(), route.template
    assert posts > 20


def test_a_session_writes_through_the_api_with_a_csrf_token_only(standing: Installation) -> None:
    browser = browser_of(standing.owner, csrf=True)
    made = browser.post("/api/v1/corpora", {"name": "x"}, content_type="application/json")
    assert made.status_code == 403
    browser.get("/account")
    token = browser.cookies["csrftoken"].value
    made = browser.post(
        "/api/v1/corpora", {"name": "x"}, content_type="application/json", headers={"X-CSRFToken": token}
    )
    assert made.status_code == 201


def test_a_form_encoded_body_is_no_body_of_the_api(standing: Installation) -> None:
    """What another site's form can send without asking: these types need no preflight."""
    browser = browser_of(standing.owner)
    for content_type in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"):
        response = browser.generic("POST", "/api/v1/corpora", '{"name": "x"}', content_type=content_type)
        assert response.status_code == 415
