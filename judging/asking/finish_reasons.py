"""Why a model stopped, in the words of any vendor or gateway: only whether it was cut off or refused matters here.

Each spells its own: length, MAX_TOKENS, FinishReason.SAFETY, "content_filter: PROHIBITED_CONTENT". So they are read
by the words in them.
"""

import re

_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")
_CUT_OFF = frozenset({"length", "tokens", "limit", "truncated", "incomplete", "window", "exceeded"})
_REFUSED = frozenset(
    {
        "filter",
        "filtered",
        "safety",
        "unsafe",
        "refusal",
        "refused",
        "refuse",
        "prohibited",
        "blocked",
        "block",
        "blocklist",
        "spii",
        "recitation",
        "guardrail",
        "guardrails",
        "moderation",
        "moderated",
        "sensitive",
        "censored",
        "policy",
        "violation",
        "harmful",
    }
)


def is_cut_off(finish_reason: str) -> bool:
    """Tell whether the reply ends early because it, or the prompt with it, was too long."""
    words = _words(finish_reason)
    return not _CUT_OFF.isdisjoint(words) and _REFUSED.isdisjoint(words)


def is_refusal(finish_reason: str) -> bool:
    """Tell whether the model or a filter declined to answer."""
    return not _REFUSED.isdisjoint(_words(finish_reason))


def _words(finish_reason: str) -> set[str]:
    return {word.lower() for word in _WORD.findall(finish_reason[:200])}
