"""What every page shares: who may see it, pages and fragments, toasts, lists in pages, and domain errors mapped once."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import wraps
from types import TracebackType
from typing import Any, Concatenate, ParamSpec
from urllib.parse import urlencode

from django.contrib import messages
from django.contrib.auth.views import redirect_to_login
from django.db.models import QuerySet
from django.forms import BaseForm
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import render, resolve_url
from django.utils.cache import add_never_cache_headers, patch_vary_headers
from django.utils.html import conditional_escape, format_html
from django.utils.http import url_has_allowed_host_and_scheme
from django_htmx.http import HttpResponseClientRedirect, reswap, trigger_client_event
from django_htmx.middleware import HtmxDetails

from judging.foundation.errors import Busy, Conflict, DomainError, Forbidden, Invalid, NotFound
from judging.foundation.limits import MAX_SEARCH
from judging.models import User
from judging.rest.problems import RETRY_AFTER_SECONDS

P = ParamSpec("P")
# Nobody pages this far, and OFFSET makes the database read every row before.
_LAST_PAGE = 1000

# The status and title of an error page, by the error's class.
_ANSWERS: tuple[tuple[type[DomainError], int, str], ...] = (
    (Invalid, 400, "That can't be done this way"),
    (Forbidden, 403, "This is not yours to do"),
    (NotFound, 404, "There is nothing here"),
    (Busy, 503, "Busy at the moment"),
    # Last, the rest: a plain DomainError is about some state, such as a credential that can't be decrypted.
    (DomainError, 409, "Not in this state"),
)


class PageRequest(HttpRequest):
    """A signed-in user's request, after the middleware."""

    user: User
    htmx: HtmxDetails


PageView = Callable[Concatenate[PageRequest, P], HttpResponseBase]
_DjangoView = Callable[Concatenate[HttpRequest, P], HttpResponseBase]


# Access


def public_page(view: PageView[P]) -> _DjangoView[P]:
    """Show a page to everyone, signed in or not."""
    return _page(view, lambda user: True, is_public=True)


def signed_in(view: PageView[P]) -> _DjangoView[P]:
    """Show a page to everyone with an account, raters included."""
    return _page(view, lambda user: True)


def member_required(view: PageView[P]) -> _DjangoView[P]:
    """Show a page to members and admins; raters get a 403."""
    return _page(view, lambda user: user.is_member)


def admin_required(view: PageView[P]) -> _DjangoView[P]:
    """Show a page to admins only."""
    return _page(view, lambda user: user.is_admin)


def _page(view: PageView[P], is_allowed: Callable[[User], bool], *, is_public: bool = False) -> _DjangoView[P]:
    @wraps(view)
    def page(request: Any, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        if not is_public and not request.user.is_authenticated:
            return _to_login(request)
        try:
            if not is_allowed(request.user):
                raise Forbidden("Your role does not include this page. Ask an admin if you need it.")
            response = view(request, *args, **kwargs)
        except DomainError as error:
            response = error_response(request, error)
        return _finish(request, response)

    return page


def _to_login(request: PageRequest) -> HttpResponseBase:
    if not request.htmx:
        return redirect_to_login(request.get_full_path())
    # The sign-in form must not end up inside the fragment: the whole page goes there, and later returns.
    here = request.htmx.current_url_abs_path or resolve_url("home")
    return HttpResponseClientRedirect(f"{resolve_url('login')}?{urlencode({'next': here})}")


def _finish(request: PageRequest, response: HttpResponseBase) -> HttpResponseBase:
    patch_vary_headers(response, ["HX-Request"])
    if not response.has_header("Cache-Control"):
        add_never_cache_headers(response)
    goes_elsewhere = 300 <= response.status_code < 400 or {"HX-Redirect", "HX-Refresh"} & set(response.headers)
    if request.htmx and not goes_elsewhere:
        _send_toasts(request, response)
    return response


# Domain errors


def error_response(request: PageRequest, error: DomainError) -> HttpResponse:
    """Answer a domain error: with a page, or for htmx with a toast that leaves the page as it is."""
    status, title = next((status, title) for kind, status, title in _ANSWERS if isinstance(error, kind))
    response: HttpResponse
    if request.htmx:
        messages.error(request, sentence(error.message))
        response = reswap(HttpResponse(status=status), "none")
    else:
        context = {"status": status, "title": title, "message": sentence(error.message)}
        response = render(request, "judging/error.html", context, status=status)
    if status == 503:
        response["Retry-After"] = str(RETRY_AFTER_SECONDS)
    return response


class errors_on:
    """Put an Invalid, Conflict or Busy raised in the block onto a form; what follows the block shows the form again.

    if form.is_valid():
        with errors_on(form):
            thing = save_thing(**form.cleaned_data)
            return redirect("thing", thing.pk)
    return render(...)
    """

    def __init__(self, form: BaseForm) -> None:
        self.form = form

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> bool:
        if not isinstance(error, Invalid | Conflict | Busy):
            return False
        by_field = error.errors if isinstance(error, Invalid) else {}
        for field, problems in by_field.items():
            # What a body calls corpus_id, a form may call corpus.
            names = (field, field.removesuffix("_id"))
            place = next((name for name in names if name in self.form.fields), None)
            self.form.add_error(place, [sentence(text) for text in problems])
        if not by_field:
            self.form.add_error(None, sentence(error.message))
        return True


@contextmanager
def errors_as_toast(request: HttpRequest, *kinds: type[DomainError], level: int = messages.ERROR) -> Iterator[None]:
    """Tell errors of these kinds raised in the block in a toast; what follows the block goes on."""
    try:
        yield
    except kinds as error:
        toast(request, level, sentence(error.message))


def sentence(text: str) -> str:
    """Return a message of the domain as a sentence: a capital first, a full stop last."""
    text = text.strip()
    return text[:1].upper() + text[1:] + ("" if text.endswith((".", "!", "?", "…")) else ".")


# Pages and fragments


def page_or_fragment(
    request: PageRequest, page: str, fragment: str, context: Mapping[str, Any], *, status: int = 200
) -> HttpResponse:
    """Render `fragment` for htmx and `page`, which includes it, for everyone else: one view, one context."""
    return render(request, fragment if wants_fragment(request) else page, dict(context), status=status)


def wants_fragment(request: PageRequest) -> bool:
    # A page that htmx restores from its history must be whole.
    return bool(request.htmx) and not request.htmx.boosted and not request.htmx.history_restore_request


def go_to(request: PageRequest, to: Any, *args: Any) -> HttpResponse:
    """Send the browser to a route, URL or object, from a form or from htmx."""
    url = resolve_url(to, *args)
    return HttpResponseClientRedirect(url) if request.htmx else HttpResponseRedirect(url)


def go_back(request: PageRequest, otherwise: str) -> HttpResponse:
    """Send the browser to `next` of the form, where that is an address of ours, else to the address `otherwise`."""
    back = request.POST.get("next", "")
    is_ours = url_has_allowed_host_and_scheme(back, {request.get_host()}, require_https=request.is_secure())
    return go_to(request, back if is_ours else otherwise)


# Toasts


def toast(request: HttpRequest, level: int, text: str, *, url: str = "", link: str = "", notice: str = "") -> None:
    """Show `text` (escaped) with an optional link on this page if htmx asked for a part of it, else on the next page.

    `level` is one of django.contrib.messages. Errors stay until they are closed. `notice` names what is told on the
    desktop, too, where that is allowed and nobody looks.
    """
    html = format_html('{} <a href="{}">{}</a>', text, url, link) if url else text
    messages.add_message(request, level, html, extra_tags=notice)


def _send_toasts(request: HttpRequest, response: HttpResponseBase) -> None:
    toasts = [
        {"level": item.level_tag, "html": conditional_escape(item.message), "notice": item.extra_tags or ""}
        for item in messages.get_messages(request)
    ]
    if toasts:
        trigger_client_event(response, "releval:toasts", {"toasts": toasts})


def tell_and_go(request: PageRequest, text: str, to: Any, *args: Any) -> HttpResponse:
    """Tell in a toast what a form did, and send the browser to a route, URL or object."""
    toast(request, messages.SUCCESS, text)
    return go_to(request, to, *args)


def watch_runs(response: HttpResponse) -> HttpResponse:
    """Let the page watch the runs of its user, for an answer to htmx that started one."""
    return trigger_client_event(response, "releval:watch", after="settle")


# Lists


@dataclass(frozen=True, slots=True)
class Page:
    """A page of a list, with the addresses of its neighbours ("" at the ends). Nothing is counted."""

    rows: list[Any]
    number: int
    previous_url: str
    next_url: str
    first_row: int

    @property
    def last_row(self) -> int:
        return self.first_row + len(self.rows) - 1

    @property
    def has_others(self) -> bool:
        return bool(self.previous_url or self.next_url)


def page_of(request: HttpRequest, queryset: QuerySet[Any] | Sequence[Any], *, size: int = 50) -> Page:
    """Return the page of `queryset`, or of a list, that `?page=` names, from 1; one that can't be read is the first."""
    given = request.GET.get("page", "")
    number = int(given) if given.isascii() and given.isdecimal() and len(given) < 6 else 1
    number = min(max(number, 1), _LAST_PAGE)
    start = (number - 1) * size
    found = list(queryset[start : start + size + 1])
    return Page(
        rows=found[:size],
        number=number,
        previous_url=_page_url(request, number - 1) if number > 1 else "",
        next_url=_page_url(request, number + 1) if len(found) > size and number < _LAST_PAGE else "",
        first_row=start + 1,
    )


def searched_for(request: HttpRequest, name: str = "search") -> str:
    """Return what a page's form searches for, cut to what can be."""
    return request.GET.get(name, "").replace("\x00", "").strip()[:MAX_SEARCH]


def _page_url(request: HttpRequest, number: int) -> str:
    query = request.GET.copy()
    query["page"] = str(number)
    return f"{request.path}?{query.urlencode()}"
