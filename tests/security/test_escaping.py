"""What comes from documents, people and models is text: in every page (test_secrets.py) and export it does nothing."""

import csv
import html
import io
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.test import Client

from judging.models import AIProvider, ApiToken, Corpus, DocumentVersion, Evaluation
from judging.people.tokens import create_token
from tests.security.hostile import HOSTILE, assert_inert
from tests.security.installation import Installation, browser_of
from tests.security.routes import assert_policy, routes
from tests.security.test_access import GUARDED, PUBLIC

# Where a template or the code may call something safe: written by hand or escaped by format_html, never data.
SAFE_ALLOWED: set[str] = set()


def test_the_messages_that_pages_pop_up_are_escaped(hostile: Installation) -> None:
    browser = browser_of(hostile.owner)
    run = hostile.run
    for action in ("lock", "unlock"):
        response = browser.post(f"/evaluations/runs/{run.pk}/{action}", follow=True)
        assert_inert(response.content.decode(), action)


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
    assert assert_inert(browser_of(standing.owner).get("/account").content.decode(), "/account")


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
