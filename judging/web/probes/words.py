"""What the readings of a probe say, in words: the number, how far it could be off, and what is wanted of it."""

from collections.abc import Mapping
from typing import Any, Final

from judging.statistics.probes import ReadingName
from judging.trust.figure_words import REFUSAL_WORDS

_OF_SHARES: Final[Mapping[ReadingName, str]] = {
    "exact": "got the same grade again",
    "changed": "got another grade",
    "relevant": "were called relevant",
    "raised": "were graded higher",
    "above_minimum": "got more than the lowest grade",
}
_OF_OTHERS: Final[Mapping[ReadingName, str]] = {
    "kappa": "Agreement with the first grades",
    "change": "Change in grades, on average",
    "flips_added": "More changed than on the same prompt",
    "position_slope": "Change in grades for each place further down",
}


def reading_words(reading: Mapping[str, Any]) -> str:
    """Say what a reading of a probe came to."""
    name = reading["name"]
    if reading["count"] is not None:
        said = f"{reading['count']} of {reading['total']} {_OF_SHARES[name]}: {_share_words(reading)}"
    elif reading["value"] is None:
        refused = next(words.sentence for code, words in REFUSAL_WORDS.items() if code == reading["refused_code"])
        return f"{_OF_OTHERS[name]}: not known. {refused}"
    elif name == "flips_added":
        low, high = _percent(reading["low"]), _percent(reading["high"])
        said = f"{_OF_OTHERS[name]}: {_percent(reading['value'])} ({low} to {high})"
    else:
        sign = "" if name == "kappa" else "+"
        value, low, high = (_number(reading[part], sign) for part in ("value", "low", "high"))
        said = f"{_OF_OTHERS[name]}: {value} ({low} to {high})"
    wanted = _wanted(reading)
    return f"{said}. {wanted}" if wanted else f"{said}."


def _share_words(reading: Mapping[str, Any]) -> str:
    """Write a share with its bounds; where all or none did, the one bound that says something."""
    if reading["count"] == 0:
        return f"below {_percent(reading['high'], 1)} with 95 % confidence"
    if reading["count"] == reading["total"]:
        return f"above {_percent(reading['low'], 1)} with 95 % confidence"
    return f"{_percent(reading['value'])} ({_percent(reading['low'])} to {_percent(reading['high'])})"


def _wanted(reading: Mapping[str, Any]) -> str:
    mark, limit = reading["mark"], reading["mark_value"]
    if mark == "holds_zero":
        return "Wanted: an interval that holds 0."
    if mark == "at_least":
        return f"Wanted: {_percent(limit)} or more."
    if mark == "at_most":
        return f"Wanted: {_percent(limit)} at most." if limit else "Wanted: none."
    return ""


def _percent(share: float, places: int = 0) -> str:
    return f"{100 * share:.{places}f} %".replace("-", "−")


def _number(value: float, sign: str) -> str:
    text = f"{value:{sign}.2f}"
    return "0.00" if text in ("+0.00", "-0.00") else text.replace("-", "−")
