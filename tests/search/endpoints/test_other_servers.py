"""An endpoint made by clicking against two search servers that nobody here wrote: Groonga, and Datasette over FTS5."""

import html
import json
import re
import shutil
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from rest_framework.test import APIClient

from judging.engines.awkward_queries import AWKWARD_QUERIES
from judging.models import Corpus, SearchEndpoint
from tests.ports import free_port

TITLES = ("Red running shoes", "Blue shirt", "Red rain coat", "Running socks", "Shoes for children")
pytestmark = pytest.mark.slow(seconds=6)


def groonga(directory: Path) -> tuple[list[str], str, str]:
    """Fill a database; return what starts its server, and address and query string of a search."""
    database = directory / "groonga.db"
    rows = [{"_key": f"p{number}", "title": title} for number, title in enumerate(TITLES)]
    commands = "\n".join(
        [
            "table_create Products TABLE_HASH_KEY ShortText",
            "column_create Products title COLUMN_SCALAR Text",
            "table_create Terms TABLE_PAT_KEY ShortText --default_tokenizer TokenBigram --normalizer NormalizerAuto",
            "column_create Terms titles COLUMN_INDEX|WITH_POSITION Products title",
            f"load --table Products\n{json.dumps(rows)}",
        ]
    )
    subprocess.run(["groonga", "-n", str(database)], input=commands + "\n", text=True, check=True, capture_output=True)
    port = free_port()
    serve = ["groonga", "--protocol", "http", "--bind-address", "127.0.0.1", "--port", str(port), "-s", str(database)]
    query_string = "table=Products&match_columns=title&query={{query}}&query_flags=NONE&limit={{size}}"
    return serve, f"http://127.0.0.1:{port}/d/select.json", query_string


def datasette(directory: Path) -> tuple[list[str], str, str]:
    database = directory / "shop.db"
    with closing(sqlite3.connect(database)) as shop:
        shop.executescript(
            "CREATE TABLE products (id INTEGER PRIMARY KEY, title TEXT);"
            "CREATE VIRTUAL TABLE products_fts USING fts5(title, content=[products], content_rowid=[id]);"
        )
        shop.executemany("INSERT INTO products (title) VALUES (?)", [(title,) for title in TITLES])
        shop.execute("INSERT INTO products_fts(rowid, title) SELECT id, title FROM products")
        shop.commit()
    port = free_port()
    serve = [sys.executable, "-m", "datasette", "serve", str(database), "--host", "127.0.0.1", "--port", str(port)]
    query_string = "_search={{query}}&_shape=objects&_size={{size}}"
    return serve, f"http://127.0.0.1:{port}/shop/products.json", query_string


@pytest.fixture(params=[groonga, datasette])
def search_server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[str, str]]:
    """Address and query string of a server in a process of its own."""
    fill: Callable[[Path], tuple[list[str], str, str]] = request.param
    if fill is groonga and shutil.which("groonga") is None:
        pytest.skip("Groonga is not installed: apt-get install -y --no-install-recommends groonga-bin")
    command, address, query_string = fill(tmp_path)
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        try:
            _await(int(address.split(":")[2].split("/")[0]), server)
            yield address, query_string
        finally:
            server.terminate()


def _await(port: int, server: "subprocess.Popen[bytes]") -> None:
    until = time.monotonic() + 60
    while time.monotonic() < until:
        assert server.poll() is None, "the server ended"
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise AssertionError("the server does not listen")


def test_a_proposed_mapping_makes_an_endpoint_of_it(search_server: tuple[str, str], as_member: APIClient) -> None:
    address, query_string = search_server
    corpus = Corpus.objects.create(name="Products")
    browser = Client()
    browser.force_login(as_member.user, backend="django.contrib.auth.backends.ModelBackend")  # type: ignore[attr-defined]
    form = {
        "type": "api",
        "name": "Shop",
        "corpus_id": corpus.pk,
        "url": address,
        "method": "GET",
        "tls_verify": "on",
        "candidates_mapping": "{total: total, candidates: results[].{id: id, title: title}}",
        "paging_type": "none",
        "authentication_type": "none",
        "queries": "shoes",
        "query_string": query_string,
    }
    page = browser.post(reverse("search_endpoint_create"), {**form, "act": "ask"}, headers={"HX-Request": "true"})
    proposal = re.search(r'data-mapping="([^"]+)"', page.content.decode())
    assert proposal is not None, page.content.decode()
    form["candidates_mapping"] = html.unescape(proposal[1])
    assert browser.post(reverse("search_endpoint_create"), form).status_code == 302
    endpoint = SearchEndpoint.objects.get()
    told = _ask(as_member, endpoint, query_string, "shoes")
    assert sorted(row["title"] for row in told["candidates"]) == ["Red running shoes", "Shoes for children"]
    assert told["total"] == 2
    assert told["problems"] == []
    # Whatever people type arrives: the engine may refuse its own operators, but never by a broken request.
    for query in AWKWARD_QUERIES:
        # NUL characters are refused in every body that the API takes.
        told = _ask(as_member, endpoint, query_string, query.replace("\0", ""))
        assert told["failure_code"] in ("", "http_status"), (query[:50], told["problems"])


def _ask(client: APIClient, endpoint: SearchEndpoint, query_string: str, query: str) -> dict[str, Any]:
    asked = {"query": query, "query_string": query_string, "depth": 5}
    answer = client.post(f"/api/v1/endpoints/{endpoint.pk}/test?view=mapped", asked, format="json")
    assert answer.status_code == 200, answer.content
    return dict(answer.json())
