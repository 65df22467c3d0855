"""What a provider's refusal means: status, headers and body -> ProviderError. Pure; knows no HTTP client."""

import html
import json
import math
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import quote

from judging.foundation.answers import FailureCode, Fault
from judging.foundation.limits import MAX_RAW_REPLY
from judging.foundation.text import clean_text
from judging.providers.base import ProviderError

MAX_PROVIDER_TEXT = 500

_NO_QUOTA = frozenset(
    {"insufficient_quota", "billing_hard_limit_reached", "billing_not_active", "insufficient_balance", "billing_error"}
)
_AUTHENTICATION = frozenset(
    {"invalid_api_key", "incorrect_api_key", "authentication_error", "unauthorized", "unauthenticated"}
)
_PERMISSION = frozenset({"permission_error", "permission_denied", "forbidden", "access_denied"})
_UNKNOWN_MODEL = frozenset(
    {
        "model_not_found",
        "deploymentnotfound",
        "unknown_model",
        "invalid_model",
        "model_not_supported",
        "model_decommissioned",
    }
)
_RATE_LIMIT = frozenset({"rate_limit_exceeded", "rate_limit_error", "rate_limited", "too_many_requests"})
_IMPLIED_STATUS = (
    (_AUTHENTICATION, 401),
    (_PERMISSION, 403),
    (_NO_QUOTA, 402),
    (_UNKNOWN_MODEL, 404),
    (_RATE_LIMIT, 429),
)
# Trouble of the moment, whoever tells of it.
_TROUBLE = frozenset(
    {
        "server_error",
        "internal_error",
        "internal_server_error",
        "api_error",
        "overloaded",
        "overloaded_error",
        "timeout",
        "timeout_error",
        "unavailable",
        "service_unavailable",
    }
)
_UNSUPPORTED = frozenset({"unsupported_parameter", "unsupported_value", "unknown_parameter", "invalid_value"})
# Errors about the length of this one prompt come with the same codes and parameters.
_ABOUT_LENGTH = re.compile(r"context.{0,10}length|maximum context|too many tokens|prompt is too long", re.IGNORECASE)
_SETTINGS = {
    "temperature": "temperature",
    "max_tokens": "max. output tokens",
    "max_completion_tokens": "max. output tokens",
}
_INVALID_KEY_TEXT = re.compile(
    r"(?:incorrect|invalid|bad) api key|api key (?:is )?(?:not valid|invalid)", re.IGNORECASE
)
_NO_CREDIT_TEXT = re.compile(r"credit balance is too low|insufficient (?:balance|credits?)", re.IGNORECASE)
_FILTERING_TEXT = re.compile(
    r"content.{0,3}filter|content.{0,3}policy|content management policy|content exists risk|data.?inspection|moderation"
    r"|\bflagged\b|safety|responsible.?ai|inappropriate|prohibited.?content|guardrail|usage polic|harmful|policy.?violation",
    re.IGNORECASE,
)
_REFUSED_SETTING_TEXT = re.compile(
    r"unsupported (?:parameter|value)|(?:is|are) not supported|does not support|(?:is )?deprecated for this model",
    re.IGNORECASE,
)
# The endpoint does not speak chat completions here: no prompt would fare better.
_WRONG_ENDPOINT = frozenset({405, 406, 410, 411, 415, 421, 426, 501, 505})
_BEARER = re.compile(r"\b(Bearer\s+)[A-Za-z0-9._~+/=-]{8,}", re.IGNORECASE)
_SPACE = re.compile(r"[\s\x00-\x1f\x7f]+")


@dataclass(frozen=True, slots=True)
class CallContext:
    """What messages name: the model asked for and the endpoint as it may be shown; and the key, to keep it out."""

    endpoint: str
    model: str = ""
    api_key: str = field(default="", repr=False)

    def redact(self, text: str) -> str:
        """Take the key out of a provider's text, which has been cleaned before: a NUL could hide it."""
        key = self.api_key
        # Nothing shorter is a secret, and taking it out would only garble the text.
        if len(key) >= 4:
            # Escaped, too: what is parsed out of JSON, of a reply's blocks or of an address is unescaped later.
            for spelling in dict.fromkeys((key, json.dumps(key)[1:-1], html.escape(key), quote(key, safe=""))):
                text = text.replace(spelling, "[key]")
        return text

    def short(self, value: Any, length: int) -> str:
        """Return a name in a provider's answer as it is kept: no key, at most `length` characters; "" if it is none."""
        return self.redact(clean_text(value))[:length].strip() if isinstance(value, str) else ""

    def brief(self, text: str) -> str:
        """Return a provider's text as messages show it: no key, one line, at most 500 characters."""
        text = _BEARER.sub(r"\1[key]", self.redact(clean_text(text)))
        text = _SPACE.sub(" ", text).strip()
        return text if len(text) <= MAX_PROVIDER_TEXT else f"{text[: MAX_PROVIDER_TEXT - 1]}…"

    def raw(self, text: str) -> str:
        """Return a provider's text as it is kept: no key, no NUL, at most 100,000 characters."""
        return self.redact(clean_text(text))[:MAX_RAW_REPLY]


@dataclass(frozen=True, slots=True)
class _Complaint:
    """What an error body says; code, kind and param in lower case, "" where it doesn't say."""

    message: str
    code: str = ""
    kind: str = ""
    param: str = ""
    inner: str = ""
    is_flagged_input: bool = False

    @property
    def is_about_content(self) -> bool:
        """Whether a filter refused the prompt; the beginning of the text tells, as what follows may quote it."""
        said = f"{self.code} {self.kind} {self.inner} {self.message[:300]}"
        return self.is_flagged_input or bool(_FILTERING_TEXT.search(said))

    def speaks_of(self, words: frozenset[str]) -> bool:
        return self.code in words or self.kind in words


def refusal(
    status: int, headers: Mapping[str, str], body: str, *, context: CallContext, request_id: str = ""
) -> ProviderError:
    """Return what an answer with an error status means. Header names in lower case, or case-insensitive."""
    return _refusal(status, headers, _read_complaint(body), body, context, request_id)


def _refusal(
    status: int, headers: Mapping[str, str], complaint: _Complaint, body: str, context: CallContext, request_id: str
) -> ProviderError:
    said = context.brief(complaint.message)
    fault, code, message = _verdict(status, complaint, context, headers)
    return ProviderError(
        f"{message}: {said}" if said else f"{message}.",
        fault=fault,
        code=code,
        status=status,
        retry_after=retry_after_of(headers) if fault is Fault.TRANSIENT else None,
        request_id=request_id,
        raw_reply=context.raw(body),
        is_filtering=fault is Fault.PROMPT and complaint.is_about_content,
    )


def refusal_in_reply(
    body: Any, text: str, *, context: CallContext, request_id: str = "", has_place: bool = False
) -> ProviderError | None:
    """Return what an error body under HTTP 200 means, None where the body is no error at all.

    has_place: it stands where an answer would, so chat completions are served there.
    """
    if not isinstance(body, dict) or not (body.get("error") or body.get("object") == "error"):
        return None
    complaint = _complaint_in(body)
    status = int(complaint.code) if re.fullmatch(r"[45]\d\d", complaint.code) else 0
    for words, implied in _IMPLIED_STATUS:
        if complaint.speaks_of(words):
            status = implied
    if status:
        return _refusal(status, {}, complaint, text, context, request_id)
    said = context.brief(complaint.message)
    return bad_reply(
        f"{context.endpoint} answered with an error: {said}",
        text,
        context=context,
        request_id=request_id,
        is_lasting=not (has_place or complaint.speaks_of(_TROUBLE)),
    )


def bad_reply(
    message: str, raw: str, *, context: CallContext, request_id: str = "", status: int = 200, is_lasting: bool = False
) -> ProviderError:
    """Return the error for an answer that can't be read as one.

    is_lasting: nothing that answers chat completions would say so, so the address may be wrong.
    """
    if is_lasting:
        is_short = not re.search(r"/v\d", context.endpoint)
        message += "; check the provider's address" + (", which often ends in /v1" if is_short else "")
    return ProviderError(
        message,
        fault=Fault.TRANSIENT,
        code="bad_reply",
        status=status,
        request_id=request_id,
        raw_reply=context.raw(raw),
        code_if_lasting="misconfigured" if is_lasting else "",
    )


def retry_after_of(headers: Mapping[str, str], *, now: float | None = None) -> float | None:
    """Read how long to wait, in seconds: retry-after-ms, Retry-After in seconds or as an HTTP date. None: not said."""
    milliseconds = _number(headers.get("retry-after-ms"))
    if milliseconds is not None:
        return milliseconds / 1000
    value = headers.get("retry-after")
    seconds = _number(value)
    if seconds is not None or not value:
        return seconds
    try:
        moment = parsedate_to_datetime(value).timestamp()
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return max(0.0, moment - (time.time() if now is None else now))


def _number(value: str | None) -> float | None:
    try:
        number = float(value or "")
    except ValueError:
        return None
    return number if math.isfinite(number) and number >= 0 else None


def _verdict(
    status: int, complaint: _Complaint, context: CallContext, headers: Mapping[str, str]
) -> tuple[Fault, str, str]:
    if status == 402 or (status in (400, 403, 429) and _is_about_money(complaint)):
        return Fault.RUN, "no_quota", "the provider's account has no quota left"
    if status == 401:
        return Fault.RUN, "authentication", "the provider refuses the API key"
    if status == 403:
        if complaint.is_flagged_input:
            return Fault.PROMPT, FailureCode.REQUEST_REJECTED.value, "the provider refuses this prompt"
        return Fault.RUN, "permission", "the provider does not permit this call"
    if status == 404:
        where = f"{context.endpoint} knows no model {context.model!r}" if context.model else context.endpoint
        return Fault.RUN, "unknown_model", f"{where}, or the address is wrong (HTTP 404)"
    if status == 429:
        return Fault.TRANSIENT, "rate_limited", "the provider limits the rate of calls"
    if status in _WRONG_ENDPOINT or 300 <= status < 400:
        where = f" and leads to {_host_of(headers.get('location', ''))}" if 300 <= status < 400 else ""
        return (
            Fault.RUN,
            "misconfigured",
            f"{context.endpoint} takes no chat completions (HTTP {status}){where}; check the provider's address",
        )
    if status in (408, 504, 524):
        return Fault.TRANSIENT, "timeout", f"the provider ran out of time (HTTP {status})"
    if status in (409, 425) or status >= 500 or status < 200:
        return Fault.TRANSIENT, "server_error", f"the provider failed (HTTP {status})"
    return _refused_request(status, complaint, context)


def _refused_request(status: int, complaint: _Complaint, context: CallContext) -> tuple[Fault, str, str]:
    """A 4xx is about this prompt, unless it clearly speaks of something that all prompts have in common."""
    if complaint.speaks_of(_AUTHENTICATION) or _INVALID_KEY_TEXT.search(complaint.message[:200]):
        return Fault.RUN, "authentication", "the provider refuses the API key"
    if complaint.speaks_of(_UNKNOWN_MODEL) or complaint.param == "model":
        return Fault.RUN, "unknown_model", f"{context.endpoint} does not take the model {context.model!r}"
    setting = _refused_setting(complaint)
    if setting:
        return (
            Fault.RUN,
            "misconfigured",
            f"the model refuses `{setting}`: leave the judge's {_SETTINGS[setting]} empty or change it",
        )
    return Fault.PROMPT, FailureCode.REQUEST_REJECTED.value, f"the provider refuses this prompt (HTTP {status})"


def _refused_setting(complaint: _Complaint) -> str:
    if _ABOUT_LENGTH.search(complaint.message) or complaint.code == "context_length_exceeded":
        return ""
    if complaint.param in _SETTINGS:
        return complaint.param if complaint.speaks_of(_UNSUPPORTED) or not complaint.code else ""
    if complaint.param and complaint.param not in ("none", "null"):
        return ""
    # No fields to go by: the beginning of the text, as what follows may quote the prompt.
    start = complaint.message[:150]
    if complaint.code in _UNSUPPORTED or _REFUSED_SETTING_TEXT.search(start):
        return next((name for name in _SETTINGS if re.search(rf"\b{name}\b", start)), "")
    return ""


def _is_about_money(complaint: _Complaint) -> bool:
    return complaint.speaks_of(_NO_QUOTA) or bool(_NO_CREDIT_TEXT.search(complaint.message[:200]))


def _read_complaint(body: str) -> _Complaint:
    """Read the error bodies of this world: OpenAI's, a bare text, FastAPI's detail, Google's list, HTML."""
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return _Complaint(_visible_text(body))
    return _complaint_in(value)


def complaint_of(value: Any) -> str:
    """Return the message in the JSON of an error body."""
    return _complaint_in(value).message


def _complaint_in(value: Any) -> _Complaint:
    if isinstance(value, list) and value:
        value = value[0]
    error = value.get("error", value) if isinstance(value, dict) else value
    if not isinstance(error, dict):
        more = value if isinstance(value, dict) else {}
        return _Complaint(_as_text(error), code=_word(more.get("code")), kind=_word(more.get("type")))
    message = next((error[name] for name in ("message", "detail", "error", "msg") if error.get(name)), "")
    metadata = error.get("metadata")
    inner = error.get("innererror") or error.get("inner_error")
    return _Complaint(
        _as_text(message) or _as_text(error),
        code=_word(error.get("code")),
        kind=_word(error.get("type") or error.get("status")),
        param=_word(error.get("param")),
        inner=_word(inner.get("code")) if isinstance(inner, dict) else "",
        is_flagged_input=isinstance(metadata, dict) and "flagged_input" in metadata,
    )


def _as_text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, Mapping | Sequence):
        return json.dumps(value, ensure_ascii=False)[:5000] if value else ""
    return "" if value is None else str(value)


def _word(value: Any) -> str:
    return str(value).lower()[:100] if isinstance(value, str | int) else ""


def _visible_text(body: str) -> str:
    if not re.match(r"\s*<", body):
        return body[:5000]
    title = re.search(r"<title[^>]*>([^<]{1,200})", body[:20_000], re.IGNORECASE)
    return f"a web page titled {title[1].strip()!r}" if title else "a web page"


def _host_of(location: str) -> str:
    match = re.match(r"https?://(?:[^/?#@]*@)?([A-Za-z0-9.\-:\[\]]{1,200})", location)
    return match[1] if match else "another path"
