"""What a page answers where an act refused: each domain error with its status, a page, and a toast for htmx."""

from collections.abc import Iterator

import pytest
from django.contrib.messages import get_messages
from django.contrib.messages.storage.fallback import FallbackStorage
from django.test import RequestFactory
from django_htmx.middleware import HtmxDetails

from judging.foundation.errors import Busy, Conflict, DomainError, Forbidden, Invalid, NotFound
from judging.models import User
from judging.web.base import PageRequest, error_response

STATUS: dict[type[DomainError], int] = {Invalid: 400, Forbidden: 403, NotFound: 404, Conflict: 409, Busy: 503}


def subclasses(kind: type[DomainError]) -> Iterator[type[DomainError]]:
    yield kind
    for each in kind.__subclasses__():
        yield from subclasses(each)


def error_of(kind: type[DomainError]) -> DomainError:
    error = kind.__new__(kind)
    DomainError.__init__(error, "it can't be done")
    return error


def request_of(user: User, *, is_htmx: bool = False) -> PageRequest:
    request: PageRequest = RequestFactory().get("/", headers={"HX-Request": "true"} if is_htmx else {})  # type: ignore[assignment]
    request.user, request.htmx, request.session = user, HtmxDetails(request), {}  # type: ignore[assignment]
    request._messages = FallbackStorage(request)  # type: ignore[attr-defined]
    return request


def test_busy_is_a_page_that_says_when_to_try_again(member: User) -> None:
    answer = error_response(request_of(member), Busy("too many calls of models are being waited for"))
    assert (answer.status_code, answer["Retry-After"]) == (503, "5")
    text = answer.content.decode()
    assert "Too many calls of models are being waited for." in text
    assert "Busy at the moment" in text


@pytest.mark.parametrize("kind", list(subclasses(DomainError)))
def test_every_domain_error_has_a_page(member: User, kind: type[DomainError]) -> None:
    answer = error_response(request_of(member), error_of(kind))
    assert answer.status_code == next((status for base, status in STATUS.items() if issubclass(kind, base)), 409)
    assert "It can&#x27;t be done." in answer.content.decode()


@pytest.mark.parametrize("kind", list(subclasses(DomainError)))
def test_every_domain_error_is_a_toast_for_htmx(member: User, kind: type[DomainError]) -> None:
    request = request_of(member, is_htmx=True)
    answer = error_response(request, error_of(kind))
    assert answer.status_code == next((status for base, status in STATUS.items() if issubclass(kind, base)), 409)
    # The page stays as it is.
    assert (answer["HX-Reswap"], answer.content) == ("none", b"")
    assert [str(message) for message in get_messages(request)] == ["It can't be done."]
