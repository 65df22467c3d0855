"""Clients of the REST API and of the pages that take the time of each answer."""

import http.client
import json
import time
from typing import Any

from django.conf import settings
from django.test import Client

from judging.models import User


class Api:
    """One connection, kept open as a script would; used from one thread."""

    def __init__(self, port: int, token: str, *, root: str = "/api/v1/", scheme: str = "Bearer") -> None:
        self._headers = {"Authorization": f"{scheme} {token}", "Content-Type": "application/json"}
        self.port, self._root = port, root
        self._connection = self._connect()
        self._used_at = 0.0

    def get(self, path: str) -> tuple[Any, float]:
        """Return the answer and the seconds until it was read whole."""
        return self._ask("GET", path, None)

    def post(self, path: str, body: dict[str, Any]) -> tuple[Any, float]:
        return self._ask("POST", path, body)

    def is_ready(self) -> bool:
        connection = self._connect()
        try:
            connection.request("GET", "/healthz")
            return connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def close(self) -> None:
        self._connection.close()

    def _connect(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)

    def _ask(self, method: str, path: str, body: dict[str, Any] | None) -> tuple[Any, float]:
        if time.monotonic() - self._used_at > 2:
            # The server closes what is idle for 5 s.
            self._connection.close()
            self._connection = self._connect()
        data = None if body is None else json.dumps(body)
        started = time.perf_counter()
        self._connection.request(method, f"{self._root}{path}", data, self._headers)
        response = self._connection.getresponse()
        answer = response.read()
        seconds = time.perf_counter() - started
        self._used_at = time.monotonic()
        if response.status >= 300:
            raise RuntimeError(f"{method} {path} answered {response.status}: {answer[:500]!r}")
        return json.loads(answer), seconds


class Visitor:
    """A browser that is logged in."""

    def __init__(self, user: User, port: int) -> None:
        client = Client()
        client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
        self._cookie = f"{settings.SESSION_COOKIE_NAME}={client.cookies[settings.SESSION_COOKIE_NAME].value}"
        self._port = port

    def seconds(self, path: str) -> float:
        """Return how long a page takes, connection and all."""
        started = time.perf_counter()
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=60)
        connection.request("GET", path, headers={"Cookie": self._cookie})
        response = connection.getresponse()
        response.read()
        connection.close()
        assert response.status == 200, f"{path} answered {response.status}"
        return time.perf_counter() - started
