"""Rubbish in addresses: ids, cursors and parameters of every list and page. Whatever it is, no answer is a 500."""

import base64
import json
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from django.db import transaction
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from judging.models import User
from tests.factories import make_token
from tests.security.installation import Installation, browser_of
from tests.security.routes import Route, pages, routes

FUZZED = settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
# What lists and pages read; names that nobody reads must not hurt either.
NAMES = [
    "cursor",
    "page",
    "page_size",
    "ordering",
    "order",
    "search",
    "query",
    "query_id",
    "q",
    "status",
    "grade",
    "min_grade",
    "max_grade",
    "ai_grade",
    "min_ai_grade",
    "max_ai_grade",
    "ai_judge_id",
    "max_rank",
    "file_format",
    "format",
    "tags",
    "executed_item_id",
    "session_id",
    "user_id",
    "min_score",
    "max_score",
    "date_from",
    "date_to",
    "judge_id",
    "project_id",
    "name",
    "next",
    "number",
    "version",
    "tab",
    "candidate",
    "model",
    "scope",
    "depth",
]
NASTY = st.sampled_from(
    [
        "",
        "0",
        "-1",
        "1e9",
        "9" * 30,
        "NaN",
        "null",
        "None",
        "\x00",
        "a\x00b",
        "%",
        "%00",
        "'",
        '"',
        "\\",
        "[]",
        "{}",
        "true",
        "2026-13-45",
        "9999-12-31T23:59:59Z",
        "0001-01-01",
        "00000000-0000-0000-0000-000000000000",
        "x" * 3000,
        "-",
        "--position",
        "effective_grade",
        "-disagreement",
        "judged",
        "failed",
        "csv",
        "qrels",
        "١٢",
        "²",
        "\u202e",
        "\ud7ff",
    ]
)
VALUES = NASTY | st.text(max_size=30) | st.integers().map(str) | st.uuids().map(str) | st.datetimes().map(str)
PARAMETERS = st.dictionaries(st.sampled_from(NAMES), VALUES, min_size=1, max_size=4)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10) | st.sampled_from(["n", "p", "\0"]),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
CURSORS = st.one_of(
    VALUES,
    st.binary(max_size=40).map(lambda data: base64.urlsafe_b64encode(data).decode()),
    JSON.map(lambda value: base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")),
    st.tuples(st.sampled_from(["n", "p"]), st.lists(JSON, max_size=4)).map(
        lambda pair: base64.urlsafe_b64encode(json.dumps([pair[0], *pair[1]]).encode()).decode().rstrip("=")
    ),
)
READ = [route for route in routes() if route.template not in ("/logout", "/metrics", "/readyz")]
LISTS = [
    route
    for route in routes("/api/v1/", "/v1/")
    if route.template.rstrip("/").rsplit("/", 1)[-1]
    in ("corpora", "evaluations", "runs", "queries", "candidates", "ai-providers", "ai-judges", "versions", "members")
    or route.template.rstrip("/").endswith(
        (
            "ai-judging-runs",
            "items",
            "tokens",
            "invitations",
            "/judges",
            "batch-executions",
            "evaluators",
            "execution-logs",
        )
    )
]


@pytest.fixture
def browser(standing: Installation) -> Client:
    """A browser that also brings a token, which is all that /v1 asks for."""
    admin = User.objects.get(email="admin@example.com")
    client = browser_of(admin)
    client.defaults["HTTP_AUTHORIZATION"] = f"Bearer {make_token(admin)}"
    return client


def read(browser: Client, path: str) -> Any:
    response = browser.get(path)
    if response.streaming:
        b"".join(response)
    assert response.status_code != 500, path
    return response


@pytest.mark.on_both
@FUZZED
@given(data=st.data())
def test_no_parameter_breaks_a_page_or_an_answer(browser: Client, standing: Installation, data: st.DataObject) -> None:
    route = data.draw(st.sampled_from(READ), label="route")
    read(browser, f"{standing.path(route)}?{urlencode(data.draw(PARAMETERS))}")


@pytest.mark.on_both
@FUZZED
@given(route=st.sampled_from(LISTS), cursor=CURSORS)
def test_no_cursor_breaks_a_list(browser: Client, standing: Installation, route: Route, cursor: str) -> None:
    response = read(browser, f"{standing.path(route)}?{urlencode({'cursor': cursor})}")
    assert response.status_code in (200, 400, 405), route.template


@pytest.mark.on_both
@FUZZED
@given(route=st.sampled_from([route for route in READ if route.parameters]), value=VALUES.filter(bool))
def test_no_id_breaks_a_route(browser: Client, route: Route, value: str) -> None:
    read(browser, route.path(dict.fromkeys(route.parameters, quote(value, safe=""))))


@pytest.mark.on_both
@FUZZED
@given(data=st.data())
def test_no_form_field_breaks_a_page(browser: Client, standing: Installation, data: st.DataObject) -> None:
    route = data.draw(st.sampled_from([route for route in pages() if route.template != "/logout"]), label="route")
    names = [
        *NAMES,
        "email",
        "role",
        "base_url",
        "type",
        "api_key",
        "scale",
        "metrics",
        "description",
        "corpus",
        "reasoning",
    ]
    fields = data.draw(st.dictionaries(st.sampled_from(names), VALUES, max_size=5))
    body = urlencode(fields, errors="replace")
    with transaction.atomic():
        response = browser.post(standing.path(route), body, content_type="application/x-www-form-urlencoded")
        transaction.set_rollback(True)
    assert response.status_code != 500, (route.template, fields)


def test_every_list_is_among_them() -> None:
    assert len(LISTS) > 15
