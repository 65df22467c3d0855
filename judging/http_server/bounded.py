"""A server and a handler to build on."""

import logging
import socket
import threading
from collections.abc import Mapping
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

# What is too large is read and thrown away up to here: closing a connection with unread data resets it, and the
# client would never see the 413.
MAX_DISCARDED_BYTES = 50_000_000

logger = logging.getLogger(__name__)


class BodyRefused(Exception):
    """A request whose body is not read. The connection must be closed after the answer."""

    def __init__(self, status: HTTPStatus, message: str, code: str) -> None:
        super().__init__(message)
        self.status, self.message, self.code = status, message, code


class BoundedHandler(BaseHTTPRequestHandler):
    """Reads one body of at most `max_body_bytes`, and writes answers."""

    protocol_version = "HTTP/1.1"
    sys_version = ""
    # Head and body leave at once; else Nagle and delayed ACKs add 40 ms to every answer.
    disable_nagle_algorithm = True
    timeout = 120  # seconds a connection may idle or stall
    max_body_bytes = 1_000_000

    def read_body(self) -> bytes:
        """Return the request's body. Raise BodyRefused, or ConnectionError when the client leaves."""
        if self.headers.get("Transfer-Encoding"):
            raise BodyRefused(HTTPStatus.LENGTH_REQUIRED, "Send a Content-Length", "length_required")
        lengths = set(self.headers.get_all("Content-Length") or ["0"])
        stated = lengths.pop()
        if lengths or not (stated.isascii() and stated.isdigit() and len(stated) <= 15):
            raise BodyRefused(HTTPStatus.BAD_REQUEST, "Bad Content-Length", "invalid_length")
        length = int(stated)
        if length > self.max_body_bytes:
            left = min(length, MAX_DISCARDED_BYTES)
            while left > 0 and (chunk := self.rfile.read(min(left, 65_536))):
                left -= len(chunk)
            message = f"The body may have {self.max_body_bytes:,} bytes at most"
            raise BodyRefused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, message, "body_too_large")
        body = self.rfile.read(length)
        if len(body) < length:
            raise ConnectionError("the client left in the middle of its body")
        return body

    def answer_bytes(
        self, status: int, data: bytes, *, headers: Mapping[str, str], content_type: str = "application/json"
    ) -> bytes:
        """Return a whole answer, to be written at once; says so when the connection is about to be closed."""
        head = {
            "Server": self.server_version,
            "Date": self.date_time_string(),
            "Content-Type": content_type,
            "Content-Length": str(len(data)),
            **headers,
            **({"Connection": "close"} if self.close_connection else {}),
        }
        lines = [f"HTTP/1.1 {int(status)} {HTTPStatus(status).phrase}", *(f"{name}: {head[name]}" for name in head)]
        return "\r\n".join(lines).encode() + b"\r\n\r\n" + (b"" if self.command == "HEAD" else data)

    def log_message(self, format: str, *args: Any) -> None:
        logger.debug(format, *args)


class BoundedServer(ThreadingHTTPServer):
    """One thread per connection, at most `max_connections`; those beyond are closed at once."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 256
    max_connections = 1_024

    def __init__(self, address: tuple[str, int], handler: type[BoundedHandler]) -> None:
        if ":" in address[0]:
            self.address_family = socket.AF_INET6
        self._free = threading.BoundedSemaphore(self.max_connections)
        super().__init__(address, handler)

    @property
    def url(self) -> str:
        host, port = self.server_address[:2]
        return f"http://{f'[{host!s}]' if self.address_family == socket.AF_INET6 else host!s}:{port}"

    def server_bind(self) -> None:
        # HTTPServer's own also looks the host's name up in DNS, which can take seconds.
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = str(self.server_address[0]), self.server_address[1]

    def process_request(self, request: Any, client_address: Any) -> None:
        if not self._free.acquire(blocking=False):
            self.shutdown_request(request)
            return
        try:
            super().process_request(request, client_address)
        except RuntimeError:  # no thread available
            self._free.release()
            raise

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._free.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        logger.debug("A connection broke", exc_info=True)
