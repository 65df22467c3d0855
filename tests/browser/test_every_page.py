"""Every page there is, as the resolver has them, so that no new one is forgotten."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from django.db import connections
from django.test import Client

from judging.models import Role
from tests.browser.conftest import Visitor
from tests.factories import make_user
from tests.security.installation import Installation, browser_of, install
from tests.security.routes import pages
from tests.stub.fixtures import Stub

NewVisitor = Callable[..., Visitor]
FEWEST = 28
# In every name, title, query and tag.
LONG = "-long-name-without-a-space" * 4


def paths_of_pages(client: Client, installation: Installation) -> Iterator[str]:
    """Yield the addresses that answer with a whole page: neither fragments nor files, and no other page's address."""
    for route in pages():
        path = installation.path(route)
        answer: Any = client.get(path)
        is_page = answer.get("Content-Type", "").startswith("text/html") and answer.status_code == 200
        if is_page and b"<html" in answer.content[:500]:
            yield path


def test_every_page_is_accessible_and_fits_the_window(new_visitor: NewVisitor, stub: Stub) -> None:
    admin = make_user(Role.ADMIN)
    # In another thread: the browser's event loop runs in this one, and judging wants its own.
    with ThreadPoolExecutor(1) as executor:
        installation = executor.submit(
            lambda: install(owner=admin, admin=admin, base_url=stub.base_url, judged=True, text=LONG)
        ).result()
        executor.submit(connections.close_all).result()
    paths = list(paths_of_pages(browser_of(admin), installation))
    assert len(paths) >= FEWEST, paths
    visitor = new_visitor(admin)
    problems: list[tuple[str, str]] = []
    for path in paths:
        visitor.open(path)
        problems += [(path, problem) for problem in visitor.problems_in_both_looks()]
    visitor.allow("404")
    visitor.open("/no-such-page")
    problems += [("no page", problem) for problem in visitor.problems_in_both_looks()]
    visitor.sign_out()
    visitor.open("/invitations/no-such-link")
    problems += [("an invitation", problem) for problem in visitor.problems_in_both_looks()]
    assert problems == []
