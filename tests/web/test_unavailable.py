"""Pages while the database takes no write: a full disk, a file that is read-only, another process that holds it."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.conf import settings
from django.core.management import CommandError
from django.db import connection
from django.test import Client, override_settings

from judging.management import serving
from judging.models import Corpus, User
from tests.factories import make_run
from tests.security.installation import PASSWORD, browser_of

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(not settings.IS_SQLITE, reason="makes an SQLite connection read-only"),
]


@contextmanager
def read_only() -> Iterator[None]:
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA query_only = ON")
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA query_only = OFF")


@pytest.mark.parametrize("is_development", [True, False])
@pytest.mark.parametrize("path", ["/login", "/admin/login/"])
def test_signing_in_says_that_it_does_not_work_at_the_moment(admin: User, path: str, is_development: bool) -> None:
    with read_only(), override_settings(DEBUG=is_development):
        answer = Client(raise_request_exception=False).post(path, {"username": admin.email, "password": PASSWORD})
    assert (answer.status_code, answer["Retry-After"]) == (503, "5")
    assert "Nothing was saved" in answer.content.decode()


def test_pages_are_read_and_what_they_write_answers_503(member: User) -> None:
    run = make_run()
    browser = browser_of(member)
    with read_only():
        assert browser.get(f"/evaluations/runs/{run.pk}").status_code == 200
        answer = browser.post("/account/tokens", {"name": "x", "expires_in": "30"})
        assert (answer.status_code, answer["Retry-After"]) == (503, "5")
        fragment = browser.post("/account/tokens", {"name": "x", "expires_in": "30"}, headers={"HX-Request": "true"})
        assert (fragment.status_code, fragment["HX-Reswap"]) == (503, "none")
        assert "nothing was saved" in fragment["HX-Trigger"]
        api = browser.post("/api/v1/corpora", {"name": "x"}, content_type="application/json")
        assert (api.status_code, api["Retry-After"], api.json()["code"]) == (503, "5", "unavailable")
    assert not Corpus.objects.filter(name="x").exists()
    assert not member.tokens.exists()


@pytest.mark.parametrize("path", ["/account/tokens", "/api/v1/corpora"])
def test_a_database_that_fails_in_a_middleware_answers_503_too(member: User, path: str) -> None:
    browser = browser_of(member)
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE django_session RENAME TO away")
        try:
            answer = browser.post(path, {"name": "x"})  # multipart: how large it may be depends on who sends it
        finally:
            cursor.execute("ALTER TABLE away RENAME TO django_session")
    assert (answer.status_code, answer["Retry-After"]) == (503, "5")


def test_serving_ends_with_one_line_that_says_what_to_do() -> None:
    with read_only(), pytest.raises(CommandError, match=r"^The database can't be used: .*readonly.*doctor.*mended$"):
        serving.prepare()


def test_other_errors_are_still_errors(member: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("judging.web.people.account._MOST_TOKENS", "no number")
    assert browser_of(member).get("/account").status_code == 500
