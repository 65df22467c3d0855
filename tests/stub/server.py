"""A fast OpenAI-compatible provider on the loopback, for tests and benches: `python -m tests.stub.server --port 0`.

HTTP/1.1 written by hand on asyncio's protocols: benches share two cores with it. Besides `POST .../chat/completions`
and `GET .../models` it serves `POST /_stub/script` (fields of Script), `POST /_stub/reset`, `GET /_stub/stats` and
`GET /_stub/requests`, for those who run it as a process.
"""

import argparse
import asyncio
import json
import re
import signal
import socket
import struct
import time
from collections import Counter, deque
from dataclasses import asdict, replace
from typing import Any

from tests.stub.script import Answer, Prompt, Script, answer_to, fault_of, prompt_key, read_prompt

_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*(\d+)", re.IGNORECASE)
_REASONS = {200: "OK", 307: "Temporary Redirect", 400: "Bad Request", 401: "Unauthorized", 429: "Too Many Requests"}
_KEPT_REQUESTS = 500


class StubServer:
    """The stub's state and its door. Used inside one event loop; plain attributes may be read from other threads."""

    def __init__(self, script: Script | None = None) -> None:
        self.connections: set[_Connection] = set()
        self._server: asyncio.Server | None = None
        self.port = 0
        self.reset(script)

    def reset(self, script: Script | None = None) -> None:
        """Forget all calls, drop those in flight and behave (by `script`) as new."""
        for connection in list(self.connections):
            if connection.is_call:
                connection.drop()
        self.held: list[tuple[_Connection, Answer]] = []
        self.script = script or Script()
        self.calls = self.in_flight = self.max_in_flight = self.accepted_connections = 0
        self.last_call_at = self.last_call_wall_at = 0.0
        self.requests: deque[dict[str, Any]] = deque(maxlen=_KEPT_REQUESTS)
        self.attempts: Counter[str] = Counter()
        # By the caller's port: whose connection it is tells which process called.
        self.calls_by_port: Counter[int] = Counter()
        self.faults: Counter[str] = Counter()

    async def start(self, port: int = 0) -> None:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: _Connection(self), "127.0.0.1", port, backlog=1024)
        self.port = self._server.sockets[0].getsockname()[1]

    def drop_connections(self) -> None:
        for connection in list(self.connections):
            connection.drop()

    async def stop(self) -> None:
        assert self._server is not None
        self._server.close()
        self.drop_connections()
        await self._server.wait_closed()

    def stats(self) -> dict[str, Any]:
        """Return counters; last_call_at is time.monotonic(), which processes of a machine share."""
        return {
            "calls": self.calls,
            "in_flight": self.in_flight,
            "max_in_flight": self.max_in_flight,
            "last_call_at": self.last_call_at,
            "last_call_wall_at": self.last_call_wall_at,
            "prompts": len(self.attempts),
            "repeated_calls": self.calls - len(self.attempts),
            "faults": dict(self.faults),
        }

    def behave(self, script: Script) -> None:
        """Follow another script, and send what the one before held back."""
        self.script = script
        held, self.held = self.held, []
        for connection, answer in held:
            connection.send(replace(answer, special=""))

    def respond(self, head: bytes, body: bytes) -> tuple[Answer, bool]:
        """Answer a request; the flag tells whether it was a call of a model."""
        method, target = head.split(b" ", 2)[:2]
        path = target.split(b"?", 1)[0].decode("latin-1")
        if path.startswith("/_stub/"):
            return self._control(path, body), False
        if method == b"POST" and path.endswith("/chat/completions"):
            return self._call(path, head, body), True
        if refusal := self._refusal(head):
            return refusal, False
        if method == b"GET" and path.endswith("/models"):
            models = [{"id": name, "object": "model"} for name in self.script.models]
            return Answer(body=json.dumps({"object": "list", "data": models}).encode()), False
        return Answer(404, b'{"error": {"message": "no such route"}}'), False

    def _call(self, path: str, head: bytes, body: bytes) -> Answer:
        self.calls += 1
        self.last_call_at, self.last_call_wall_at = time.monotonic(), time.time()
        try:
            request = json.loads(body)
        except ValueError:
            return Answer(400, b'{"error": {"message": "the body is no JSON"}}')
        script, number = self.script, self.calls
        prompt = read_prompt(request.get("messages"))
        # candidates name a prompt however often it is asked again with a reminder
        key = prompt_key(prompt.query, prompt.candidate_ids) if prompt.candidate_ids else prompt.text
        self.attempts[key] += 1
        self._keep(path, head, request, prompt)
        if refusal := self._refusal(head):
            self.faults["401"] += 1
            return refusal
        fault = fault_of(script, prompt, call_number=number, attempt=self.attempts[key])
        if fault:
            self.faults[fault] += 1
        return answer_to(script, prompt, fault, call_number=number, model=str(request.get("model")))

    def _keep(self, path: str, head: bytes, request: dict[str, Any], prompt: Prompt) -> None:
        self.requests.append(
            {"path": path, "head": head, "body": request, "query": prompt.query, "candidate_ids": prompt.candidate_ids}
        )

    def _refusal(self, head: bytes) -> Answer | None:
        wanted = self.script.api_key
        if not wanted:
            return None
        sent = headers_of(head)
        if f"Bearer {wanted}" == sent.get("authorization") or wanted == sent.get("api-key"):
            return None
        # Like some vendors, it repeats what it was given.
        given = sent.get("authorization", sent.get("api-key", "none")).removeprefix("Bearer ")
        error = {"message": f"Incorrect API key provided: {given}.", "code": "invalid_api_key", "type": "auth"}
        return Answer(401, json.dumps({"error": error}).encode())

    def _control(self, path: str, body: bytes) -> Answer:
        if path == "/_stub/script":
            self.behave(script_of(json.loads(body)))
        elif path == "/_stub/reset":
            self.reset()
        elif path == "/_stub/requests":
            kept = [{**request, "head": request["head"].decode("latin-1")} for request in self.requests]
            return Answer(body=json.dumps(kept).encode())
        return Answer(body=json.dumps({**self.stats(), "script": asdict(self.script)}).encode())


def headers_of(head: bytes) -> dict[str, str]:
    """Read a request's headers, names in lower case."""
    lines = head.decode("latin-1").split("\r\n")[1:]
    return {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}


def script_of(fields: dict[str, Any]) -> Script:
    """Make a script from JSON, where the numbers of by_call are texts."""
    if "by_call" in fields:
        fields = {**fields, "by_call": {int(number): fault for number, fault in fields["by_call"].items()}}
    return replace(Script(), **fields)


class _Connection(asyncio.Protocol):
    def __init__(self, server: StubServer) -> None:
        self._server = server
        self._buffer = bytearray()
        self._wanted = 0  # bytes of the request in the buffer, 0 while its head is incomplete
        self._head_end = 0
        self._is_busy = self.is_call = False
        self._transport: Any = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self._port = transport.get_extra_info("peername")[1]
        self._server.connections.add(self)
        self._server.accepted_connections += 1

    def connection_lost(self, exc: Exception | None) -> None:
        self._server.connections.discard(self)
        self._finish()
        self._is_busy = True

    def drop(self) -> None:
        self._finish()
        self._transport.abort()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if not self._is_busy:
            self._serve()

    def _serve(self) -> None:
        buffer = self._buffer
        if not self._wanted:
            self._head_end = buffer.find(b"\r\n\r\n")
            if self._head_end < 0:
                return
            length = _LENGTH.search(buffer, 0, self._head_end)
            self._wanted = self._head_end + 4 + (int(length[1]) if length else 0)
        if len(buffer) < self._wanted:
            return
        head, body = bytes(buffer[: self._head_end]), bytes(buffer[self._head_end + 4 : self._wanted])
        del buffer[: self._wanted]
        self._wanted = 0
        self._is_busy = True
        answer, self.is_call = self._server.respond(head, body)
        if self.is_call:
            self._server.in_flight += 1
            self._server.calls_by_port[self._port] += 1
            self._server.max_in_flight = max(self._server.max_in_flight, self._server.in_flight)
        delay = self._server.script.delay_ms + answer.delay_ms if self.is_call else 0.0
        if delay:
            asyncio.get_running_loop().call_later(delay / 1000, self.send, answer)
        else:
            self.send(answer)

    def _finish(self) -> None:
        if self.is_call:
            self.is_call = False
            self._server.in_flight -= 1

    def send(self, answer: Answer) -> None:
        if self._transport.is_closing() or answer.special == "hang":
            return
        if answer.special == "hold":
            self._server.held.append((self, answer))
            return
        self._finish()
        if answer.special == "reset":
            linger = struct.pack("ii", 1, 0)
            self._transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            self._transport.abort()
            return
        if answer.special == "close":
            self._transport.close()
            return
        headers = {"content-type": "application/json", **dict(answer.headers), "content-length": str(len(answer.body))}
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        head = f"HTTP/1.1 {answer.status} {_REASONS.get(answer.status, 'Status')}\r\n{lines}\r\n".encode("latin-1")
        if answer.special == "partial":
            self._transport.write(head + answer.body[: len(answer.body) // 2])
            self._transport.close()
            return
        self._transport.write(head + answer.body)
        self._is_busy = False
        if self._buffer:
            self._serve()


async def _main(port: int, script: Script) -> None:
    server = StubServer(script)
    await server.start(port)
    print(server.port, flush=True)
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await stop.wait()
    await server.stop()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="An OpenAI-compatible stub provider; prints its port.")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--delay-ms", type=float, default=0.0)
    parser.add_argument("--fault", default="", help="what goes wrong with every call")
    parser.add_argument("--after-calls", type=int, default=0, help="calls that go well before --fault")
    parser.add_argument("--mix", default="", help="for example 429=0.1,500=0.05,prose=0.05")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--fault-attempts", type=int, default=1)
    parser.add_argument("--retry-after", default="1")
    parser.add_argument("--api-key", default="")
    options = vars(parser.parse_args())
    pairs = [pair.split("=") for pair in options.pop("mix").split(",") if pair]
    asyncio.run(_main(options.pop("port"), Script(**options, mix={name: float(share) for name, share in pairs})))
