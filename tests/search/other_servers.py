"""Two search servers that nobody here wrote, filled with documents: Groonga, and Datasette over FTS5."""

import json
import shutil
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.ports import free_port

# Id (of digits), title, description.
Documents = Sequence[tuple[str, str, str]]


@dataclass(frozen=True, slots=True)
class OtherServer:
    """What starts a server, its address, and the query strings that search titles alone and all fields."""

    command: list[str]
    url: str
    title_only: str
    all_fields: str


def groonga(directory: Path, documents: Documents) -> OtherServer:
    if shutil.which("groonga") is None:
        pytest.skip("Groonga is not installed: apt-get install -y --no-install-recommends groonga-bin")
    database = directory / "groonga.db"
    rows = [{"_key": key, "title": title, "description": text} for key, title, text in documents]
    commands = "\n".join(
        [
            "table_create Products TABLE_HASH_KEY ShortText",
            "column_create Products title COLUMN_SCALAR Text",
            "column_create Products description COLUMN_SCALAR Text",
            "table_create Terms TABLE_PAT_KEY ShortText --default_tokenizer TokenBigram --normalizer NormalizerAuto",
            "column_create Terms titles COLUMN_INDEX|WITH_POSITION Products title",
            "column_create Terms descriptions COLUMN_INDEX|WITH_POSITION Products description",
            f"load --table Products\n{json.dumps(rows)}",
        ]
    )
    subprocess.run(["groonga", "-n", str(database)], input=commands + "\n", text=True, check=True, capture_output=True)
    port = free_port()
    serve = ["groonga", "--protocol", "http", "--bind-address", "127.0.0.1", "--port", str(port), "-s", str(database)]
    asked = "table=Products&query={{query}}&query_flags=NONE&limit={{size}}&sort_keys=-_score&match_columns="
    return OtherServer(
        serve, f"http://127.0.0.1:{port}/d/select.json", f"{asked}title", f"{asked}title*3%7C%7Cdescription"
    )


def datasette(directory: Path, documents: Documents) -> OtherServer:
    database = directory / "shop.db"
    with closing(sqlite3.connect(database)) as shop:
        shop.executescript(
            "CREATE TABLE products (id INTEGER PRIMARY KEY, title TEXT, description TEXT);"
            "CREATE VIRTUAL TABLE products_fts USING fts5(title, description, content=[products], content_rowid=[id]);"
        )
        shop.executemany("INSERT INTO products VALUES (?, ?, ?)", documents)
        shop.execute("INSERT INTO products_fts(rowid, title, description) SELECT * FROM products")
        shop.commit()
    port = free_port()
    serve = [sys.executable, "-m", "datasette", "serve", str(database), "--host", "127.0.0.1", "--port", str(port)]
    asked = "_shape=objects&_size={{size}}"
    return OtherServer(
        serve,
        f"http://127.0.0.1:{port}/shop/products.json",
        f"{asked}&_search_title={{{{query}}}}",
        f"{asked}&_search={{{{query}}}}",
    )


@contextmanager
def serving(
    fill: Callable[[Path, Documents], OtherServer], directory: Path, documents: Documents
) -> Iterator[OtherServer]:
    """Run a server in a process of its own while the block runs."""
    server = fill(directory, documents)
    with subprocess.Popen(server.command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            _await(int(server.url.split(":")[2].split("/")[0]), process)
            yield server
        finally:
            process.terminate()


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
