"""A real Chromium against a live server. A test fails on any console error, page error or failed request."""

import os
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal

import pytest
from django.conf import settings
from django.test import Client
from playwright.sync_api import (
    Browser,
    ConsoleMessage,
    Error,
    Page,
    Request,
    ViewportSize,
    expect,
    sync_playwright,
)

from judging.models import User

# The shell is Chromium without the window around its pages, whose process takes a third of the whole browser's time.
_PROGRAMS = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
CHROMIUM = next((path for name in _PROGRAMS if (path := shutil.which(name))), "")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    # Of one context: what one page has read and compiled, the next one has.
    "--process-per-site",
]
WIDE: ViewportSize = {"width": 1280, "height": 800}
PHONE: ViewportSize = {"width": 390, "height": 844}
LOOKS: list[tuple[str, Literal["light", "dark"], ViewportSize]] = [
    # The usual one last: it stays.
    ("dark on a phone", "dark", PHONE),
    ("light and wide", "light", WIDE),
]
USUAL: dict[str, Any] = {"viewport": WIDE, "color_scheme": "light", "locale": "en-GB", "reduced_motion": "reduce"}
_AXE = (Path(__file__).parent / "vendor" / "axe-core-4.14.1" / "axe.min.js").read_text()
# Half a megabyte: sent once to a window, where each further page has it and runs it when it is wanted.
_BRING_AXE = f"window.bringAxe = () => {{ {_AXE}\n}}; undefined"
_RUN_AXE = """async () => {
  if (!window.axe) bringAxe();
  // The theme follows the system before the next frame.
  await new Promise(requestAnimationFrame);
  // No test looks at what lesser rules find, nor at rules that axe leaves out itself.
  const rules = axe._audit.rules.filter(
    ({ enabled, impact, tags }) =>
      enabled && ["serious", "critical"].includes(impact) && !["experimental", "deprecated"].some((tag) => tags.includes(tag)),
  );
  const values = rules.map(({ id }) => id);
  const { violations } = await axe.run({ runOnly: { type: "rule", values }, resultTypes: ["violations"], preload: false });
  return violations;
}"""


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """Chromium, for the tests of this directory only: Playwright keeps an event loop running in this thread."""
    if not CHROMIUM:
        message = "no chromium: apt-get install -y --no-install-recommends chromium-headless-shell fonts-dejavu-core"
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)
    patch = pytest.MonkeyPatch()
    # Because of that loop Django takes this thread for an asynchronous one.
    patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
    # How long something may take that comes in the end: a machine may have much else to do.
    expect.set_options(timeout=60_000)
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield chromium
        chromium.close()
    patch.undo()


class Visitor:
    """A window of the browser with everything that goes wrong in it. `page` is Playwright's."""

    def __init__(self, page: Page, base_url: str) -> None:
        self.page, self.context, self.base_url = page, page.context, base_url
        self.problems: list[str] = []
        self._allowed: list[re.Pattern[str]] = []
        page.on("console", self._on_console)
        page.on("pageerror", self._on_page_error)
        page.on("requestfailed", self._on_request_failed)

    def stop_listening(self) -> None:
        self.page.remove_listener("console", self._on_console)
        self.page.remove_listener("pageerror", self._on_page_error)
        self.page.remove_listener("requestfailed", self._on_request_failed)

    def allow(self, pattern: str) -> None:
        """Expect a problem: an answer of 403, say, which the browser reports on its console, too."""
        self._allowed.append(re.compile(pattern))

    def unexpected(self) -> list[str]:
        return [problem for problem in self.problems if not any(p.search(problem) for p in self._allowed)]

    def open(self, path: str) -> Page:
        self.page.goto(self.base_url + path)
        return self.page

    def sign_in(self, user: User) -> None:
        """Give the window the session of `user`, without the sign-in page."""
        client = Client()
        client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
        value = client.cookies[settings.SESSION_COOKIE_NAME].value
        self.context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": value, "url": self.base_url}])

    def sign_out(self) -> None:
        self.context.clear_cookies(name=settings.SESSION_COOKIE_NAME)

    def accessibility_problems(self) -> list[str]:
        """Return what axe finds on the page as it is now, serious and critical only."""
        if not self.page.evaluate("'bringAxe' in window"):
            self.page.evaluate(_BRING_AXE)
            self.page.add_init_script(_BRING_AXE)
        found: list[dict[str, Any]] = self.page.evaluate(_RUN_AXE)
        return [
            f"{violation['id']}: {violation['help']}: {node['html'][:200]} {node.get('failureSummary', '')[:300]}"
            for violation in found
            for node in violation["nodes"]
        ]

    def problems_in_both_looks(self) -> list[str]:
        """Return what is wrong with the page as it is now, and by how much it is too wide: light and wide, dark on a phone."""
        found, before = [], self.page.viewport_size or WIDE
        for look, color_scheme, viewport in LOOKS:
            self.page.emulate_media(color_scheme=color_scheme)
            self.page.set_viewport_size(viewport)
            found += [f"{look}: {problem}" for problem in self.accessibility_problems()]
            if (pixels := self.overflow()) > 0:
                found.append(f"{look}: {pixels} pixels wider than the window")
            if viewport is PHONE:
                # The narrowest window there is: a small phone, or a page at 400 % on a laptop.
                self.page.set_viewport_size({"width": 320, "height": 640})
                if (pixels := self.overflow()) > 0:
                    found.append(f"{pixels} pixels wider than a window of 320")
        if before != WIDE:
            self.page.set_viewport_size(before)
        return found

    def overflow(self) -> int:
        """Return by how many pixels the page is wider than the window, once charts follow its size."""
        width = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        for _ in range(100):
            pixels = int(self.page.evaluate(width))
            if pixels <= 0:
                break
            self.page.wait_for_timeout(100)
        return pixels

    def _on_console(self, message: ConsoleMessage) -> None:
        # Of an answer with a status of 400 or more, too.
        if message.type == "error":
            self.problems.append(f"console: {message.text} {message.location['url']}")

    def _on_page_error(self, error: Error) -> None:
        self.problems.append(f"page error: {error}")

    def _on_request_failed(self, request: Request) -> None:
        # Leaving a page ends its requests.
        if request.failure != "net::ERR_ABORTED":
            self.problems.append(f"failed: {request.method} {request.url} {request.failure}")


class Windows:
    """Windows that stay open from test to test: a new one costs three times what a test's first page does."""

    def __init__(self, browser: Browser, base_url: str) -> None:
        self.browser, self.base_url = browser, base_url
        self._open: dict[str, Page] = {}

    def window(self, number: int, options: dict[str, Any]) -> Page:
        """Return the test's window of that number: none of an earlier test's cookies, nor what a page stores, are in it."""
        key = f"{number} {sorted(options.items())}"
        if key not in self._open:
            self._open[key] = self.new(options)
        return self._open[key]

    def new(self, options: dict[str, Any]) -> Page:
        page = self.browser.new_context(**{**USUAL, **options}).new_page()
        page.set_default_timeout(60_000)
        return page

    def leave(self, page: Page) -> None:
        """End what the page still does, and forget what it and its server have put into the browser."""
        page.context.set_offline(False)
        page.evaluate("localStorage.clear(); sessionStorage.clear()")
        page.goto("about:blank")
        page.mouse.move(0, 0)
        page.context.clear_cookies()


@pytest.fixture(scope="package")
def windows(browser: Browser, live_server: Any) -> Windows:
    return Windows(browser, live_server.url)


@pytest.fixture
def new_visitor(windows: Windows, transactional_db: None) -> Iterator[Callable[..., Visitor]]:
    """Open windows of different people: `new_visitor(user, color_scheme="dark", viewport=PHONE)`.

    `is_alone`: what the test does to the window, a listener or a script of its own, ends with the test.
    """
    visitors: list[Visitor] = []
    alone: list[Visitor] = []

    def new(
        user: User | None = None,
        *,
        viewport: ViewportSize = WIDE,
        color_scheme: Literal["light", "dark"] = "light",
        is_alone: bool = False,
        **options: Any,
    ) -> Visitor:
        page = windows.new(options) if is_alone else windows.window(len(visitors), options)
        visitor = Visitor(page, windows.base_url)
        visitors.append(visitor)
        if is_alone:
            alone.append(visitor)
        if page.viewport_size != viewport:
            page.set_viewport_size(viewport)
        page.emulate_media(color_scheme=color_scheme)
        if user is not None:
            visitor.sign_in(user)
        return visitor

    yield new
    problems = [problem for visitor in visitors for problem in visitor.unexpected()]
    for visitor in visitors:
        visitor.stop_listening()
        if visitor in alone:
            visitor.context.close()
        else:
            windows.leave(visitor.page)
    assert problems == []


@pytest.fixture
def visitor(new_visitor: Callable[..., Visitor]) -> Visitor:
    """One window, wide and light, nobody signed in."""
    return new_visitor()
