"""The HTTP side of the demo's search service: two doors, JSON only, one send for each answer."""

import json
import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from judging.demo_search.faults import Faults, break_rows
from judging.demo_search.index import Index
from judging.demo_search.questions import Question, Refused, read_body, read_parameters

WHAT = "a small search service, not Elasticsearch"
MAX_BODY_BYTES = 1_000_000
MAX_DISCARDED_BYTES = 50_000_000
MAX_CONNECTIONS = 256
MAX_RECORDED = 20_000
HUGE_BYTES = 20_000_000
DRIP_BYTES, DRIP_SECONDS = 16, 0.1

logger = logging.getLogger(__name__)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "RelevalDemoSearch"
    sys_version = ""
    disable_nagle_algorithm = True
    timeout = 120  # seconds a connection may idle or stall
    server: "Server"
    _fault: str | None = None

    def do_GET(self) -> None:
        self._answer()

    do_HEAD = do_POST = do_PUT = do_DELETE = do_PATCH = do_OPTIONS = do_GET

    def _answer(self) -> None:
        self._fault = None
        try:
            body = self._body()
            if self.path.partition("?")[0].endswith("search"):
                self.server.record(self, body)
                time.sleep(self.server.faults.latency_ms / 1000)
                self._fault = self.server.faults.draw()
            if self._fault in ("429", "429-silent"):
                self._send(429, {"error": "Too many requests", "service": WHAT}, retry_after=self._fault == "429")
            elif self._fault == "500":
                self._send(500, {"error": "A fault on purpose", "service": WHAT})
            else:
                self._send(HTTPStatus.OK, self._act(body))
        except Refused as refused:
            self._send(refused.status, {"error": str(refused), "service": WHAT}, allow=refused.allow)
        except (ConnectionError, TimeoutError):
            self.close_connection = True
        except Exception:
            logger.exception("The demo search failed on a request")
            self._send(HTTPStatus.INTERNAL_SERVER_ERROR, {"error": "Internal error", "service": WHAT})

    def _act(self, body: bytes) -> dict[str, Any]:
        path, _, query_string = self.path.partition("?")
        index, parts = self.server.index, path.strip("/").split("/")
        began = time.perf_counter()
        if path in ("/", "/healthz"):
            self._allow("GET", "HEAD")
            return {"service": WHAT, "status": "ok", "documents": index.count}
        if path == "/search":
            self._allow("GET", "HEAD")
            total, hits = self._search(read_parameters(query_string, index.fields))
            rows = [{"id": hit.id, "title": hit.title, "score": hit.score, "fields": hit.fields} for hit in hits]
            break_rows(rows, "id", self._fault)
            return {"service": WHAT, "total": total, "results": rows}
        if len(parts) == 2 and parts[0] and parts[1] == "_search":
            self._allow("POST")
            if query_string:
                raise Refused("Parameters in the address are not supported here")
            return self._elasticsearch(parts[0], read_body(body, index.fields), began)
        raise Refused("Unknown address: there are GET /search and POST /{index}/_search", HTTPStatus.NOT_FOUND)

    def _search(self, question: Question) -> tuple[int, list[Any]]:
        if question.text is None:
            return self.server.index.all(size=question.size, start=question.start)
        return self.server.index.search(question.text, question.weights, size=question.size, start=question.start)

    def _elasticsearch(self, name: str, question: Question, began: float) -> dict[str, Any]:
        total, found = self._search(question)
        hits = []
        for hit in found:
            row: dict[str, Any] = {"_index": name, "_id": hit.id, "_score": hit.score}
            if question.source is None:
                row["_source"] = hit.source
            elif question.source:
                row["_source"] = {key: value for key, value in hit.source.items() if key in question.source}
            hits.append(row)
        break_rows(hits, "_id", self._fault)
        return {
            "service": WHAT,
            "took": int((time.perf_counter() - began) * 1000),
            "timed_out": False,
            "hits": {
                "total": {"value": total, "relation": "eq"},
                "max_score": hits[0]["_score"] if hits else None,
                "hits": hits,
            },
        }

    def _allow(self, *methods: str) -> None:
        if self.command not in methods:
            allowed = ", ".join(methods)
            raise Refused(f"This address takes {allowed} only", HTTPStatus.METHOD_NOT_ALLOWED, allow=allowed)

    def _body(self) -> bytes:
        lengths = self.headers.get_all("Content-Length") or ["0"]
        length = lengths[0]
        is_number = length.isascii() and length.isdigit() and len(length) <= 15
        if self.headers.get("Transfer-Encoding") or len(lengths) > 1 or not is_number:
            self.close_connection = True
            raise Refused("Send one Content-Length")
        if int(length) > MAX_BODY_BYTES:
            self.close_connection = True
            # Closing a connection with unread data resets it, and the client would never see the 413.
            left = min(int(length), MAX_DISCARDED_BYTES)
            while left > 0 and (chunk := self.rfile.read(min(left, 65_536))):
                left -= len(chunk)
            raise Refused(f"The body may have {MAX_BODY_BYTES:,} bytes at most", HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        body = self.rfile.read(int(length))
        if len(body) < int(length):
            raise ConnectionError("the client left in the middle of its body")
        return body

    def _send(self, status: int, answer: dict[str, Any], *, allow: str = "", retry_after: bool = False) -> None:
        data, kind = json.dumps(answer).encode(), "application/json"
        if status == HTTPStatus.OK and self._fault == "html":
            data, kind = b"<html><body>Welcome</body></html>", "text/html"
        elif status == HTTPStatus.OK and self._fault == "broken-json":
            data = data[: len(data) // 2]
        elif status == HTTPStatus.OK and self._fault == "huge":
            data += b" " * HUGE_BYTES
        self.close_connection = self.close_connection or self._fault == "cut"
        head = [
            f"HTTP/1.1 {int(status)} {HTTPStatus(status).phrase}",
            f"Server: {self.server_version}",
            f"Content-Type: {kind}",
            f"Content-Length: {len(data)}",
            *([f"Allow: {allow}"] if allow else []),
            *(["Retry-After: 1"] if retry_after else []),
            *(["Connection: close"] if self.close_connection else []),
        ]
        written = "\r\n".join(head).encode() + b"\r\n\r\n" + (b"" if self.command == "HEAD" else data)
        if self._fault == "cut":
            written = written[: -(len(data) // 2)]
        if self._fault == "drip":
            for position in range(0, len(written), DRIP_BYTES):
                self.wfile.write(written[position : position + DRIP_BYTES])
                time.sleep(DRIP_SECONDS)
            return
        self.wfile.write(written)  # in one send; two cost 40 ms

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        status = HTTPStatus.METHOD_NOT_ALLOWED if code == HTTPStatus.NOT_IMPLEMENTED else HTTPStatus(code)
        self.close_connection = True
        self._send(status, {"error": status.phrase, "service": WHAT})

    def log_message(self, format: str, *args: Any) -> None:
        logger.debug(format, *args)


@dataclass(frozen=True)
class Recorded:
    method: str
    path: str
    headers: dict[str, str]
    body: bytes


class Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], index: Index, *, faults: Faults | None, records: bool) -> None:
        self.index, self.faults = index, faults or Faults()
        self.requests: deque[Recorded] = deque(maxlen=MAX_RECORDED if records else 0)
        self._free = threading.BoundedSemaphore(MAX_CONNECTIONS)
        super().__init__(address, Handler)

    @property
    def url(self) -> str:
        return f"http://{self.server_address[0]!s}:{self.server_address[1]}"

    def record(self, handler: Handler, body: bytes) -> None:
        if self.requests.maxlen:
            self.requests.append(Recorded(handler.command, handler.path, dict(handler.headers.items()), body))

    def process_request(self, request: Any, client_address: Any) -> None:
        if self._free.acquire(blocking=False):
            super().process_request(request, client_address)
        else:
            self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._free.release()


@contextmanager
def running(
    index: Index, *, host: str = "127.0.0.1", port: int = 0, faults: Faults | None = None, records: bool = True
) -> Iterator[Server]:
    """Serve the index while the block runs; port 0 takes any free port. Raise OSError when it can't be had."""
    with Server((host, port), index, faults=faults, records=records) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        try:
            yield server
        finally:
            server.shutdown()


def serve(
    index: Index, host: str, port: int, *, faults: Faults, wait: Callable[[], object], announce: Callable[[str], None]
) -> None:
    """Serve until `wait` returns. `announce` gets the address once requests are accepted."""
    with running(index, host=host, port=port, faults=faults, records=False) as server:
        announce(server.url)
        wait()
