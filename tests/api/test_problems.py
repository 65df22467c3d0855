"""Everything below /api/v1 that goes wrong answers problem+json, and nothing answers 500."""

import json
from datetime import timedelta
from typing import Any
from unittest.mock import patch

import pytest
from django.db import InternalError, OperationalError
from django.test import Client, override_settings
from django.utils import timezone
from rest_framework.exceptions import ValidationError
from rest_framework.test import APIClient

from judging.models import ApiToken, Corpus, User
from judging.rest.fields import CharField
from judging.rest.parsers import MAX_DEPTH
from tests.factories import make_token
from tests.rest_clients import assert_problem


def post(client: APIClient, body: Any, path: str = "/api/v1/corpora", content_type: str = "application/json"):
    return client.generic("POST", path, body, content_type=content_type)


@pytest.mark.parametrize(
    "path",
    [
        "/api",
        "/api/",
        "/api/x",
        "/api/v1",
        "/api/v1/nothing",
        "/api/v1/",
        "/api/v1/corpora/",
        "/api/v1/corpora/not-a-uuid",
        "/api/v1/me/x",
        "/api/v2/me",
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE", "TRACE", "OPTIONS", "BREW"])
def test_unknown_paths_answer_404_to_every_method(as_member: APIClient, path: str, method: str, settings: Any) -> None:
    settings.DEBUG = True  # as in development, where Django has pages of its own for this
    assert_problem(as_member.generic(method, path), 404, "not_found")


@pytest.mark.parametrize("method", ["PUT", "OPTIONS", "TRACE", "BREW"])
def test_wrong_methods_answer_405_and_name_the_right_ones(as_member: APIClient, method: str) -> None:
    response = as_member.generic(method, "/api/v1/corpora")
    assert_problem(response, 405, "method_not_allowed")
    assert response["Allow"] == "GET, POST, HEAD"


@pytest.mark.parametrize(
    "body",
    [
        "{",
        "nul",
        '{"name": "x", "description": NaN}',
        '{"name": "x", "description": 1e999}',
        '{"name": ' + "9" * 5000 + "}",
        b'{"name": "\xff"}',
        '{"name": "a\\u0000b"}',
        '{"a\\u0000b": 1}',
        '{"name": "\\ud800"}',
        "[" * 200_000,
        '{"name": ' + "[" * (MAX_DEPTH + 1) + "]" * (MAX_DEPTH + 1) + "}",
        "[]",
        "null",
        '"text"',
        "",
    ],
)
def test_bodies_that_cannot_be_read_answer_400(as_member: APIClient, body: str | bytes) -> None:
    assert_problem(post(as_member, body), 400)
    assert not Corpus.objects.exists()


@pytest.mark.parametrize("value", [1, True, None, [], {}, "", "   ", "x" * 201])
def test_a_field_takes_its_own_type_only(as_member: APIClient, value: object) -> None:
    assert_problem(as_member.post("/api/v1/corpora", {"name": value}), 400, "invalid", "name")


def test_an_unknown_field_is_named_and_a_read_only_one_is_ignored(as_member: APIClient) -> None:
    assert_problem(as_member.post("/api/v1/corpora", {"name": "x", "nmae": "y"}), 400, "invalid", "nmae")
    created = as_member.post("/api/v1/corpora", {"name": "x", "id": "mine"}).json()
    assert as_member.patch(f"/api/v1/corpora/{created['id']}", created).json() == created


def test_a_body_of_another_media_type_answers_415(as_member: APIClient) -> None:
    assert_problem(post(as_member, "name=x", content_type="application/x-www-form-urlencoded"), 415)
    assert_problem(post(as_member, "<name/>", content_type="text/xml; charset=nothing"), 415)


def test_a_body_over_the_limit_answers_413(as_member: APIClient) -> None:
    with override_settings(MAX_JSON_BYTES=100):
        assert_problem(post(as_member, json.dumps({"name": "x" * 100})), 413, "too_large")
        assert post(as_member, json.dumps({"name": "x" * 80})).status_code == 201


def test_any_accept_header_and_format_parameter_get_json(as_member: APIClient) -> None:
    response = as_member.get("/api/v1/me?format=csv", HTTP_ACCEPT="text/csv")
    assert (response.status_code, response["Content-Type"]) == (200, "application/json")


def test_an_unexpected_error_answers_500_and_tells_nothing(
    as_member: APIClient, caplog: pytest.LogCaptureFixture
) -> None:
    with patch("judging.corpora.corpora.create_corpus", side_effect=RuntimeError("secret detail")):
        body = assert_problem(as_member.post("/api/v1/corpora", {"name": "x"}), 500, "internal_error")
    assert "secret" not in json.dumps(body)
    assert "secret detail" in caplog.text


@pytest.mark.parametrize(
    "error", [OperationalError("database is locked"), InternalError("cannot execute UPDATE in a read-only transaction")]
)
def test_a_database_that_is_busy_or_only_reads_answers_503(as_member: APIClient, error: Exception) -> None:
    with patch("judging.corpora.corpora.create_corpus", side_effect=error):
        response = as_member.post("/api/v1/corpora", {"name": "x"})
    assert_problem(response, 503, "unavailable")
    assert response["Retry-After"] == "5"


@pytest.mark.django_db
def test_django_s_own_errors_below_api_are_problems_too() -> None:
    with override_settings(DEBUG=False):
        assert_problem(Client().get("/api/v1/me", headers={"host": "elsewhere.example"}), 400)
        assert_problem(Client().get("/api/nothing"), 404)


@pytest.mark.parametrize(
    "header", ["", "Bearer", "Bearer ", "Basic abc", "Bearer wrong", "Bearer \xe4\xf6", "rlv_alone", "Bearer a b"]
)
def test_a_missing_or_bad_token_answers_401(anonymous: APIClient, header: str) -> None:
    response = anonymous.get("/api/v1/me", HTTP_AUTHORIZATION=header)
    assert_problem(response, 401)
    assert response["WWW-Authenticate"].startswith("Bearer")


def test_expired_revoked_and_inactive_tokens_answer_401(anonymous: APIClient, member: User) -> None:
    now = timezone.now()
    expired, revoked, fine = make_token(member, expires_at=now), make_token(member, revoked_at=now), make_token(member)
    for secret, status in ((expired, 401), (revoked, 401), (fine, 200)):
        assert anonymous.get("/api/v1/me", HTTP_AUTHORIZATION=f"Bearer {secret}").status_code == status
    User.objects.update(is_active=False)
    assert_problem(anonymous.get("/api/v1/me", HTTP_AUTHORIZATION=f"Bearer {fine}"), 401)


def test_the_use_of_a_token_is_noted_at_most_once_a_minute(as_member: APIClient) -> None:
    as_member.get("/api/v1/me")
    first = ApiToken.objects.get().last_used_at
    assert first is not None
    as_member.get("/api/v1/me")
    assert ApiToken.objects.get().last_used_at == first
    ApiToken.objects.update(last_used_at=first - timedelta(seconds=61))
    as_member.get("/api/v1/me")
    assert ApiToken.objects.get().last_used_at >= first


def test_a_session_reads_but_writes_only_with_a_csrf_token(member: User) -> None:
    browser = APIClient(enforce_csrf_checks=True)
    browser.force_login(member)
    assert browser.get("/api/v1/me").status_code == 200
    assert_problem(browser.post("/api/v1/corpora", {"name": "x"}), 403)
    browser.cookies["csrftoken"] = "a" * 32
    assert browser.post("/api/v1/corpora", {"name": "x"}, HTTP_X_CSRFTOKEN="a" * 32).status_code == 201


def test_too_many_requests_answer_429_with_the_time_to_wait(as_member: APIClient, anonymous: APIClient) -> None:
    with override_settings(API_THROTTLE_RATES={"user": "2/min", "anonymous": "1/min"}):
        answers = [as_member.get("/api/v1/me") for _ in range(3)]
        assert [answer.status_code for answer in answers] == [200, 200, 429]
        assert_problem(answers[-1], 429, "throttled")
        assert 1 <= int(answers[-1]["Retry-After"]) <= 61
        # Bad tokens are counted per address, before anything else.
        answers = [anonymous.get("/api/v1/me", HTTP_AUTHORIZATION="Bearer wrong") for _ in range(2)]
        assert [answer.status_code for answer in answers] == [401, 429]


def test_every_answer_carries_a_request_id_and_is_kept_by_no_cache(as_member: APIClient) -> None:
    assert as_member.get("/api/v1/me")["Cache-Control"] == "no-store"
    assert as_member.get("/api/v1/me")["X-Request-Id"]
    assert as_member.get("/api/v1/nothing", HTTP_X_REQUEST_ID="my-request-1")["X-Request-Id"] == "my-request-1"


def test_a_field_of_text_takes_whole_characters_of_any_script_only() -> None:
    assert CharField().run_validation("Ü 😀") == "Ü 😀"
    with pytest.raises(ValidationError, match=r"U\+D800"):
        CharField().run_validation("half a \ud800 pair")
