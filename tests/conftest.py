"""Fixtures that every part of the suite shares."""

import pytest

from judging.models import Role, User
from tests.factories import make_user

pytest_plugins = ["tests.stub.fixtures"]


@pytest.fixture
def member(db: None) -> User:
    return make_user(Role.MEMBER)


@pytest.fixture
def admin(db: None) -> User:
    return make_user(Role.ADMIN)


@pytest.fixture
def rater(db: None) -> User:
    return make_user(Role.RATER)
