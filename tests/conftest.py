"""Fixtures that every part of the suite shares."""

from collections import OrderedDict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from django.conf import settings
from django.contrib import auth
from django.contrib.sessions.backends.db import SessionStore
from django.test import Client, client
from django.utils.crypto import get_random_string
from hypothesis.internal.conjecture import providers
from whitenoise.middleware import WhiteNoiseMiddleware

from judging.models import Role, User
from judging.trust.comparisons import remembered
from tests.factories import make_user

pytest_plugins = [
    "tests.databases",
    "tests.few_browsers",
    "tests.seldom_garbage",
    "tests.stub.fixtures",
    "tests.rest_clients",
    "tests.judging_runs.judging",
]

# The same examples in every run: what a change breaks shows with that change, and not a week later. So none of them is a
# constant of our own code, either: which are there depends on what a worker has loaded, and reading all of it takes each
# worker a second and a half. How long examples take on a busy machine says nothing of the code.
hypothesis.settings.register_profile(
    "releval",
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)
hypothesis.settings.load_profile("releval")
providers._get_local_constants = lambda: providers._local_constants
_BROWSER = Path(__file__).parent / "browser"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if settings.IS_SQLITE and item.get_closest_marker("postgresql"):
            item.add_marker(pytest.mark.skip(reason="needs PostgreSQL: sh scripts/with_postgresql.sh pytest …"))
        if getattr(getattr(item, "obj", None), "is_hypothesis_test", False):
            item.add_marker(pytest.mark.fuzz)
        if _BROWSER in item.path.parents:
            item.add_marker(pytest.mark.browser)
    items[:] = _mixed(items)


def _mixed(items: list[pytest.Item]) -> list[pytest.Item]:
    """Put the slow tests first, the longest before the others, and mix two thirds of them with all that are quick.

    Slow ones mostly wait, at first for processors that browsers and PostgreSQL's tests keep busy. Later they would leave
    them idle side by side, and at the end one worker would go on alone. The longest of all and the browser's begin at
    once; what a worker is given beside the longest is quick, as it waits until that is done.
    """
    browser = [item for item in items if item.get_closest_marker("browser")]
    others = [item for item in items if not item.get_closest_marker("browser")]
    slow = sorted(filter(_seconds, others), key=_seconds, reverse=True)
    quick = [item for item in others if not _seconds(item)]
    mixed = [*slow[:1], *browser, *slow[1:2], *quick[:1]]
    third, seconds, end = sum(map(_seconds, slow)) / 3, sum(map(_seconds, slow[:2])), 1
    for item in slow[2:]:
        seconds += _seconds(item)
        start, end = end, max(1, round(len(quick) * max(0.0, seconds - third) / (2.2 * third)))
        mixed += [item, *quick[start:end]]
    return mixed + quick[end:]


def _seconds(item: pytest.Item) -> float:
    slow = item.get_closest_marker("slow")
    return 0.0 if slow is None else float(slow.kwargs.get("seconds", 4))


@pytest.fixture(scope="session", autouse=True)
def _static_files_found_once() -> Iterator[None]:
    """Each test client makes its middleware anew, which would list all static files each time."""
    find = WhiteNoiseMiddleware.add_files_from_finders
    found: dict[str, Any] = {}

    def find_once(self: WhiteNoiseMiddleware) -> None:
        if not found:
            own, self.files = self.files, found
            find(self)
            self.files = own
        self.files.update(found)

    patch = pytest.MonkeyPatch()
    patch.setattr(WhiteNoiseMiddleware, "add_files_from_finders", find_once)
    yield
    patch.undo()


@pytest.fixture
def forgetful(monkeypatch: pytest.MonkeyPatch) -> None:
    """Comparisons remember tables of runs in the process; rows that stay for a module may change in each of its tests."""
    monkeypatch.setattr(remembered, "_known", OrderedDict())


@pytest.fixture(scope="session", autouse=True)
def _signed_in_by_one_row() -> Iterator[None]:
    """Signing a test client in takes fifteen statements, as if somebody else had been: here it is one."""

    def sign_in(self: Client, user: User, backend: str = "django.contrib.auth.backends.ModelBackend") -> None:
        session = SessionStore()
        signed_in = {
            auth.SESSION_KEY: str(user.pk),
            auth.BACKEND_SESSION_KEY: backend,
            auth.HASH_SESSION_KEY: user.get_session_auth_hash(),
        }
        session.update(signed_in)
        session._session_key = key = get_random_string(32)
        session.create_model_instance(signed_in).save(force_insert=True)
        self.cookies[settings.SESSION_COOKIE_NAME] = key

    patch = pytest.MonkeyPatch()
    patch.setattr(Client, "force_login", sign_in)
    yield
    patch.undo()


@pytest.fixture(scope="session", autouse=True)
def _contexts_kept_once() -> Iterator[None]:
    """A test client copies the context for each template that a page includes: tests look at the page's own alone."""
    keep = vars(client)["store_rendered_templates"]

    def keep_first(store: dict[str, Any], signal: Any, **rendered: Any) -> None:
        if not store:
            keep(store, signal, **rendered)

    patch = pytest.MonkeyPatch()
    patch.setattr(client, "store_rendered_templates", keep_first)
    yield
    patch.undo()


@pytest.fixture
def member(db: None) -> User:
    return make_user(Role.MEMBER)


@pytest.fixture
def admin(db: None) -> User:
    return make_user(Role.ADMIN)


@pytest.fixture
def rater(db: None) -> User:
    return make_user(Role.RATER)
