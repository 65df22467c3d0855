"""The frame of every page: navigation, the notice about missing workers, the watch over the user's runs."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.http import HttpRequest
from django.urls import reverse

from judging.judging_runs.run_reads import active_judging_runs
from judging.models import Role
from judging.web.responses.endings import announce_ended_batches
from judging.web.watch import announce_ended_runs
from judging.work import queue, workers

_PEOPLE = frozenset(Role.values)
_MEMBERS = frozenset({Role.ADMIN, Role.MEMBER})
_ADMINS = frozenset({Role.ADMIN})


@dataclass(frozen=True, slots=True)
class Entry:
    """A navigation entry; it shows once its route exists. `also` are paths below which it counts as the current one."""

    label: str
    route: str
    icon: str
    roles: frozenset[str] = _MEMBERS
    also: tuple[str, ...] = ()


NAVIGATION = (
    Entry("Home", "home", "house", _PEOPLE),
    Entry("Evaluations", "evaluations", "clipboard-data", also=("/evaluations", "/ai-judging-runs", "/corpora")),
    Entry("Search", "search_endpoints", "search", also=("/search",)),
    Entry("AI judges", "ai_judges", "robot"),
    Entry("AI providers", "ai_providers", "plug"),
    Entry("Batches", "batches", "layers"),
    Entry("API docs", "api-docs", "code-slash"),
)
ACCOUNT_MENU = (
    Entry("Account and tokens", "account", "key", _PEOPLE),
    Entry("Members", "members", "people", _ADMINS),
    Entry("Audit list", "audit", "journal-text", _ADMINS),
)


@dataclass(frozen=True, slots=True)
class Link:
    label: str
    url: str
    icon: str
    is_current: bool


class Shell:
    """The frame of one page. Reads nothing until the template asks, so that fragments cost nothing."""

    def __init__(self, request: HttpRequest) -> None:
        self._request = request
        self._user: Any = getattr(request, "user", None)

    @property
    def is_signed_in(self) -> bool:
        return self._user is not None and self._user.is_authenticated

    @cached_property
    def navigation(self) -> list[Link]:
        return self._links(NAVIGATION)

    @cached_property
    def account_menu(self) -> list[Link]:
        return self._links(ACCOUNT_MENU)

    @cached_property
    def is_watching(self) -> bool:
        """Tell whether runs or batches of this user are active, and announce those ended since the last call."""
        if not self.is_signed_in or not self._user.is_member:
            return False
        runs, batches = announce_ended_runs(self._request), announce_ended_batches(self._request)
        return bool(runs or batches)

    @cached_property
    def is_worker_missing(self) -> bool:
        """Tell whether work waits while no worker is alive."""
        if not self.is_signed_in or not self._user.is_member or workers.has_live_worker():
            return False
        return queue.has_waiting_tasks() or active_judging_runs().exists()

    def _links(self, entries: tuple[Entry, ...]) -> list[Link]:
        if not self.is_signed_in:
            return []
        urls = [(entry, reverse(entry.route)) for entry in entries if self._user.role in entry.roles]
        return [Link(entry.label, url, entry.icon, self._is_current(url, entry.also)) for entry, url in urls]

    def _is_current(self, url: str, also: tuple[str, ...]) -> bool:
        path = self._request.path
        below = (url, *also) if url != "/" else also
        return path == url or any(path == start or path.startswith(f"{start}/") for start in below)


def shell(request: HttpRequest) -> dict[str, Shell]:
    """Give templates the frame (a context processor)."""
    return {"shell": Shell(request)}
