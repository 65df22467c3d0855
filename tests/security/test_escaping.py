"""What comes from documents, people and models is text: in every page and export it does nothing."""

import csv
import html
import io
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.test import Client

from judging.models import AIProvider, ApiToken, Corpus, DocumentVersion, Evaluation, Role, RunQuery, User
from judging.people.tokens import create_token
from tests.factories import make_user
from tests.review.giving import GivenGrade, record_judgments
from tests.security.installation import Installation, browser_of, install
from tests.security.routes import assert_policy, pages, routes
from tests.security.test_access import GUARDED, PUBLIC
from tests.stub.fixtures import Stub

MARK = "pwned"
HOSTILE = f""" <script {MARK}>alert(1)</script>"'><img {MARK} src=x onerror=alert(1)></textarea></title>{{{{7*7}}}}{{% now 'Y' %}} ‮"""
REPLY = "".join(
    f'<candidate id="{html.escape(name)}"><grade>1</grade><reasoning>{html.escape("=cmd" + HOSTILE)}</reasoning></candidate>'
    for name in (f"d1{HOSTILE}", f"d2{HOSTILE}")
)
# Where a template or the code may call something safe: written by hand or escaped by format_html, never data.
SAFE_ALLOWED: set[str] = set()


class Inspector(HTMLParser):
    """Notes what in a page could run: elements that the hostile text made, handlers, scripts, addresses that run."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = {name for name, _ in attrs}
        shown = f"<{tag} {attrs}>"
        if MARK in names or any(name.startswith("on") or name in ("style", "srcdoc") for name in names):
            self.found.append(shown)
        if tag in ("script", "style", "iframe", "object", "embed") and "src" not in names:
            self.found.append(shown)
        for name, value in attrs:
            if name in ("href", "src", "action", "formaction", "hx-get", "hx-post") and re.match(
                r"\s*(javascript|vbscript|data:(?!image/))", value or "", re.IGNORECASE
            ):
                self.found.append(shown)


@pytest.fixture
def hostile(transactional_db: None, stub: Stub) -> Installation:
    owner = make_user(Role.MEMBER, email="owner@example.com", name=f"Owner{HOSTILE}")
    admin = make_user(Role.ADMIN, email="admin@example.com", name=f"Admin{HOSTILE}")
    stub.script(text=REPLY)
    made = install(owner=owner, admin=admin, base_url=stub.base_url, judged=True, text=HOSTILE)
    DocumentVersion.objects.update(
        image="javascript:alert(1)",
        fields={f"key{HOSTILE}": HOSTILE, "deep": {"a": [HOSTILE]}, "long": "x" * 1_000_000},
    )
    query = made.run.run_queries.all()[0]
    RunQuery.objects.filter(pk=query.pk).update(label=f"=q{HOSTILE}"[:200])
    given = GivenGrade(query.pk, f"d1{HOSTILE}", 1, reasoning=f"-cmd{HOSTILE}")
    record_judgments(actor=owner, grades=[given])
    return made


def answers(user: User, installation: Installation) -> Iterator[tuple[str, Any]]:
    """Yield what every page answers, and what it answers a part of itself; an admin asks for whole pages alone."""
    browser = browser_of(user)
    for route in pages():
        path = installation.path(route)
        if "export" not in path and route.template != "/logout":
            yield path, browser.get(path)
            if user.role != Role.ADMIN:
                yield path, browser.get(path, headers={"HX-Request": "true"})


def test_hostile_text_is_shown_and_does_nothing(hostile: Installation) -> None:
    shown = 0
    for user in (hostile.owner, User.objects.get(email="admin@example.com")):
        for path, response in answers(user, hostile):
            if response.status_code != 200:
                assert response.status_code != 500, path
                continue
            page = response.content.decode()
            inspector = Inspector()
            inspector.feed(page)
            assert inspector.found == [], path
            assert len(page) < 1_500_000, path
            unescaped = html.unescape(page)
            shown += "{{7*7}}" in unescaped
            assert "{{7*7}}" in unescaped or "49{% now" not in unescaped, path
    assert shown > 20


def test_the_messages_that_pages_pop_up_are_escaped(hostile: Installation) -> None:
    browser = browser_of(hostile.owner)
    run = hostile.run
    for action in ("lock", "unlock"):
        response = browser.post(f"/evaluations/runs/{run.pk}/{action}", follow=True)
        inspector = Inspector()
        inspector.feed(response.content.decode())
        assert inspector.found == []


def test_no_cell_of_an_export_is_a_formula(hostile: Installation) -> None:
    browser = browser_of(hostile.owner)
    looked_at = 0
    for route in routes():
        if "export" not in route.template or "{" not in route.template:
            continue
        path = hostile.path(route)
        response = browser.get(path, {"file_format": "csv", "format": "csv"})
        if response.status_code == 200 and response["Content-Type"].startswith("text/csv"):
            disposition = response["Content-Disposition"]
            assert re.fullmatch(r"attachment; filename=\"?[\w.\- ]+\"?(; filename\*=UTF-8''[\w.%\-]+)?", disposition)
            text = b"".join(response).decode("utf-8-sig")
            cells = [cell for row in csv.reader(io.StringIO(text)) for cell in row]
            assert [cell for cell in cells if cell[:1] in ("=", "+", "-", "@", "\t", "\r")] == [], path
            looked_at += any("cmd" in cell or "=q" in cell for cell in cells)
    assert looked_at >= 3


@pytest.mark.django_db
def test_doors_and_wrong_addresses_carry_the_policy(client: Client) -> None:
    """All that has a route is asked for it in test_access.py and tests/people/test_api_access.py."""
    for path in (*PUBLIC, *GUARDED, "/no/such/page", "/api/v1/nothing", "/v1/nothing", "/admin/login/"):
        assert_policy(client.get(path.format(secret="no-secret")), path)


def test_images_are_loaded_over_http_or_from_the_text_itself_only(standing: Installation) -> None:
    browser = browser_of(standing.owner)
    path = f"/evaluations/runs/{standing.run.pk}/review"
    refused = ["javascript:alert(1)", " javascript:alert(1)", "data:text/html,x", "file:///etc/passwd", "//evil/x.png"]
    for address in [*refused, "JaVaScRiPt:1", "http:evil", "blob:x", "data:application/xhtml+xml,x"]:
        DocumentVersion.objects.update(image=address)
        assert f'src="{html.escape(address)}"' not in browser.get(path).content.decode(), address
    for address in ("https://shop.example/1.png", "http://shop.example/1.png", "data:image/png;base64,AAAA"):
        DocumentVersion.objects.update(image=address)
        assert f'src="{address}"' in browser.get(path).content.decode(), address


@pytest.mark.parametrize("text", ["\0", "a\0b"])
def test_null_characters_are_refused_at_every_edge(standing: Installation, text: str) -> None:
    browser = browser_of(standing.owner)
    for path, body in (
        ("/api/v1/corpora", {"name": text}),
        ("/api/v1/evaluations", {"name": text, "corpus_id": str(standing.run.evaluation.corpus_id)}),
        ("/api/v1/ai-providers", {"type": "custom", "name": text, "base_url": "http://127.0.0.1/v1"}),
        ("/api/v1/tokens", {"name": text}),
        (
            f"/api/v1/evaluations/{standing.run.evaluation_id}/runs",
            {"name": "n", "scale": "graded", "metrics": ["P@1"], "results": [{"query": text, "candidates": []}]},
        ),
    ):
        assert browser.post(path, body, content_type="application/json").status_code == 400, path
    for path in ("/account/tokens", "/evaluations/new", "/ai-providers/new"):
        response = browser.post(path, {"name": text, "type": "custom", "corpus_name": text, "corpus": text})
        assert response.status_code in (200, 400, 422), path
    for model in (Corpus, Evaluation, AIProvider, ApiToken):
        assert not any("\0" in name for name in model._default_manager.values_list("name", flat=True))


def test_a_token_s_name_comes_out_as_it_went_in(standing: Installation) -> None:
    create_token(actor=standing.owner, user=standing.owner, name=f"n{HOSTILE}"[:100])
    inspector = Inspector()
    inspector.feed(browser_of(standing.owner).get("/account").content.decode())
    assert inspector.found == []


def sources(*patterns: str) -> Iterator[Path]:
    root = Path(settings.BASE_DIR)
    for pattern in patterns:
        yield from root.glob(pattern)


def test_nothing_is_called_safe_that_is_data() -> None:
    unsafe = re.compile(
        r"\|\s*safe(seq)?\b|mark_safe|\{%\s*autoescape|SafeString\(|__html__|\.innerHTML\b|insertAdjacentHTML"
    )
    found = set()
    for path in sources("templates/**/*.html", "judging/**/*.py", "releval/**/*.py"):
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
            if unsafe.search(line):
                found.add(f"{path.relative_to(settings.BASE_DIR)}:{number}: {line.strip()}")
    assert found == SAFE_ALLOWED


def test_no_format_html_is_given_a_format_that_is_put_together() -> None:
    for path in sources("judging/**/*.py", "releval/**/*.py"):
        for argument in re.findall(r"format_html\(\s*(\S+)", path.read_text(encoding="utf-8")):
            assert argument[0] in "'\"", f"{path}: {argument}"


def test_templates_hold_no_script_style_or_handler_of_their_own() -> None:
    for path in sources("templates/**/*.html"):
        text = re.sub(r"\{#.*?#\}|\{%\s*comment.*?endcomment\s*%\}", "", path.read_text(encoding="utf-8"), flags=re.S)
        assert not re.search(r"<script(?![^>]*\b(src|type=\"application/json\"))|\son\w+=[\"']|javascript:", text), path
        if path.name not in ("500.html", "400.html"):
            assert not re.search(r"\sstyle=", text), path
