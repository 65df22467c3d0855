"""The HTTP side of the demo's search service: two doors, JSON only, one send for each answer."""

import hmac
import json
import logging
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from judging.demo_search.faults import BadFault, Faults, break_rows, read_faults
from judging.demo_search.index import Index
from judging.demo_search.questions import Question, Refused, read_body, read_parameters
from judging.http_server.bounded import BodyRefused, BoundedHandler, BoundedServer

WHAT = "a small search service, not Elasticsearch"
MAX_RECORDED = 20_000
HUGE_BYTES = 20_000_000
DRIP_BYTES, DRIP_SECONDS = 16, 0.1

logger = logging.getLogger(__name__)


class Handler(BoundedHandler):
    server_version = "RelevalDemoSearch"
    server: "Server"
    _fault: str | None = None

    def do_GET(self) -> None:
        self._answer()

    do_HEAD = do_POST = do_PUT = do_DELETE = do_PATCH = do_OPTIONS = do_GET

    def _answer(self) -> None:
        self._fault = None
        try:
            body = self.read_body()
            if self.path.partition("?")[0].endswith("search"):
                self.server.record(self, body)
                time.sleep(self.server.faults.latency_ms / 1000)
                self._fault = self.server.faults.draw()
            if self._fault in ("429", "429-silent"):
                self._send(429, {"error": "Too many requests", "service": WHAT}, retry_after=self._fault == "429")
            elif self._fault == "401":
                self._send(HTTPStatus.UNAUTHORIZED, {"error": "Unknown credentials", "service": WHAT})
            elif self._fault in ("500", "500-burst"):
                self._send(500, {"error": "A fault on purpose", "service": WHAT})
            else:
                self._send(HTTPStatus.OK, self._act(body))
        except Refused as refused:
            self._send(refused.status, {"error": str(refused), "service": WHAT}, allow=refused.allow)
        except BodyRefused as refused:
            self.close_connection = True
            self._send(refused.status, {"error": refused.message, "service": WHAT})
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
        if path == "/faults" and self.server.fault_token:
            self._allow("PUT")
            return self._set_faults(body)
        if len(parts) == 2 and parts[0] and parts[1] == "_search":
            self._allow("POST")
            if query_string:
                raise Refused("Parameters in the address are not supported here")
            return self._elasticsearch(parts[0], read_body(body, index.fields), began)
        raise Refused("Unknown address: there are GET /search and POST /{index}/_search", HTTPStatus.NOT_FOUND)

    def _set_faults(self, body: bytes) -> dict[str, Any]:
        given = self.headers.get("Authorization", "")
        if not hmac.compare_digest(given.encode(), f"Bearer {self.server.fault_token}".encode()):
            raise Refused("Faults are set with the token of this server", HTTPStatus.FORBIDDEN)
        try:
            self.server.faults = read_faults(body.decode("utf-8", errors="replace"))
        except BadFault as error:
            raise Refused(str(error)) from None
        return {"service": WHAT, "status": "ok"}

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

    def _send(self, status: int, answer: dict[str, Any], *, allow: str = "", retry_after: bool = False) -> None:
        data, kind = json.dumps(answer).encode(), "application/json"
        if status == HTTPStatus.OK and self._fault == "html":
            data, kind = b"<html><body>Welcome</body></html>", "text/html"
        elif status == HTTPStatus.OK and self._fault == "broken-json":
            data = data[: len(data) // 2]
        elif status == HTTPStatus.OK and self._fault == "huge":
            data += b" " * HUGE_BYTES
        self.close_connection = self.close_connection or self._fault == "cut"
        headers = {**({"Allow": allow} if allow else {}), **({"Retry-After": "1"} if retry_after else {})}
        written = self.answer_bytes(status, data, headers=headers, content_type=kind)
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


@dataclass(frozen=True)
class Recorded:
    method: str
    path: str
    headers: dict[str, str]
    body: bytes


class Server(BoundedServer):
    max_connections = 256

    def __init__(
        self, address: tuple[str, int], index: Index, *, faults: Faults | None, fault_token: str, records: bool
    ) -> None:
        self.index, self.faults, self.fault_token = index, faults or Faults(), fault_token
        self.requests: deque[Recorded] = deque(maxlen=MAX_RECORDED if records else 0)
        super().__init__(address, Handler)

    def record(self, handler: Handler, body: bytes) -> None:
        if self.requests.maxlen:
            self.requests.append(Recorded(handler.command, handler.path, dict(handler.headers.items()), body))


@contextmanager
def running(
    index: Index,
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    faults: Faults | None = None,
    fault_token: str = "",
    records: bool = True,
) -> Iterator[Server]:
    """Serve the index while the block runs; port 0 takes any free port. Raise OSError when it can't be had.

    PUT /faults changes the faults for whoever brings `fault_token`; without a token there is no such address.
    """
    with Server((host, port), index, faults=faults, fault_token=fault_token, records=records) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        try:
            yield server
        finally:
            server.shutdown()
