"""The installation that the tests of this folder look at."""

import pytest

from judging.models import Role
from tests.factories import make_user
from tests.security.installation import Installation, install
from tests.stub.fixtures import Stub

API_KEY = "sk-Dist1nctive<Key>&7f3e/9a1b+2c4d"


@pytest.fixture
def installation(transactional_db: None, stub: Stub) -> Installation:
    owner, admin = make_user(Role.MEMBER, email="owner@example.com"), make_user(Role.ADMIN, email="admin@example.com")
    return install(owner=owner, admin=admin, base_url=stub.base_url, api_key=API_KEY, judged=True)


@pytest.fixture
def standing(db: None) -> Installation:
    """The same with nothing judged yet, which is cheaper."""
    owner, admin = make_user(Role.MEMBER, email="owner@example.com"), make_user(Role.ADMIN, email="admin@example.com")
    return install(owner=owner, admin=admin)
