"""Clients of the REST API, one per role, each with a bearer token."""

from typing import Any

import pytest
from rest_framework.test import APIClient

from judging.models import Role, User
from tests.factories import make_token, make_user


def client_of(user: User) -> APIClient:
    """Return a client with a token of `user`; `client.user` is the user."""
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {make_token(user)}")
    client.user = user  # type: ignore[attr-defined]
    return client


@pytest.fixture
def anonymous(db: None) -> APIClient:
    return APIClient()


@pytest.fixture
def as_admin(admin: User) -> APIClient:
    return client_of(admin)


@pytest.fixture
def as_member(member: User) -> APIClient:
    return client_of(member)


@pytest.fixture
def as_rater(rater: User) -> APIClient:
    return client_of(rater)


@pytest.fixture
def as_stranger(db: None) -> APIClient:
    """Another member, who sees nothing of what is private to `member`."""
    return client_of(make_user(Role.MEMBER))


def assert_problem(response: Any, status: int, code: str = "", field: str = "") -> dict[str, Any]:
    """Check that an answer is a problem document of this status and code, naming this field; return it."""
    assert response.status_code == status, response.content
    assert response["Content-Type"] == "application/problem+json"
    body: dict[str, Any] = response.json()
    assert body.keys() >= {"type", "title", "status", "detail", "code"}
    assert body["status"] == status
    assert ("errors" in body) == (status == 400)
    if code:
        assert body["code"] == code, body
    if field:
        assert field in body["errors"], body
    return body
