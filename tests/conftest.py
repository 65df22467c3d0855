"""Fixtures that every part of the suite shares."""

import pytest
from django.conf import settings

from judging.models import Role, User
from tests.factories import make_user

pytest_plugins = ["tests.stub.fixtures", "tests.rest_clients", "tests.judging_runs.judging"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if settings.IS_SQLITE:
        for item in items:
            if item.get_closest_marker("postgresql"):
                item.add_marker(pytest.mark.skip(reason="needs PostgreSQL: sh scripts/with_postgresql.sh pytest …"))


@pytest.fixture
def member(db: None) -> User:
    return make_user(Role.MEMBER)


@pytest.fixture
def admin(db: None) -> User:
    return make_user(Role.ADMIN)


@pytest.fixture
def rater(db: None) -> User:
    return make_user(Role.RATER)
