"""Figures with their marks, and how they are shown and saved."""

import json
import math
import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

_VERDICTS = {True: "met", False: "MISSED", None: ""}


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured value. `mark` is what it must come to, "" where nothing is promised; then `is_met` is None.

    Without a value it was not measured, and `how` is the option that measures it.
    """

    name: str
    value: float | None
    unit: str = ""
    mark: str = ""
    is_met: bool | None = None
    details: Mapping[str, Any] = field(default_factory=dict)
    how: str = ""


def plain(name: str, value: float, unit: str = "", **details: Any) -> Figure:
    return Figure(name, value, unit, details=details)


def at_least(name: str, value: float, unit: str, limit: float, mark: str = "", **details: Any) -> Figure:
    return Figure(name, value, unit, mark or f">= {number(limit)}", value >= limit, details)


def at_most(name: str, value: float, unit: str, limit: float, mark: str = "", **details: Any) -> Figure:
    return Figure(name, value, unit, mark or f"<= {number(limit)}", value <= limit, details)


def not_measured(name: str, mark: str, how: str) -> Figure:
    """Name a promise that this run says nothing about."""
    return Figure(name, None, mark=mark, how=how)


def percentile(values: Sequence[float], share: float) -> float:
    """Return the value that `share` (0..1) of the values do not exceed (nearest rank)."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def number(value: float) -> str:
    """Write a value with as many digits as it is worth."""
    if value == int(value):
        return f"{int(value):,}"
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def table(figures: Sequence[Figure]) -> str:
    """Lay the figures out in columns."""
    rows = [("figure", "measured", "mark", "")]
    rows += [(f.name, _shown(f), f.mark, _VERDICTS[f.is_met] if f.value is not None else "UNKNOWN") for f in figures]
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    lines = [
        f"{name:<{widths[0]}}  {value:>{widths[1]}}  {mark:<{widths[2]}}  {verdict}".rstrip()
        for name, value, mark, verdict in rows
    ]
    lines.insert(1, "-" * max(map(len, lines)))
    return "\n".join(lines)


def _shown(figure: Figure) -> str:
    if figure.value is None:
        return f"not measured ({figure.how})"
    return f"{number(figure.value)} {figure.unit}".strip()


def verdict(figures: Sequence[Figure]) -> str:
    """Say in a sentence how many marks are met, and how many nothing is known about."""
    missed = sum(figure.is_met is False for figure in figures)
    unknown = sum(figure.value is None for figure in figures)
    marked = sum(figure.is_met is not None for figure in figures)
    said = f"{marked - missed} of {marked} marks measured are met"
    return f"{said}; {unknown} NOT MEASURED" if unknown else said


def save(path: Path, figures: Sequence[Figure], *, options: Mapping[str, Any], problems: Sequence[str]) -> None:
    """Write everything as JSON, with what is needed to judge it later."""
    load = os.getloadavg()
    result = {
        "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": {
            "cpus": len(os.sched_getaffinity(0)),
            "load_average": load,
            "platform": platform.platform(),
            "python": platform.python_version(),
        },
        "options": dict(options),
        "problems": list(problems),
        "figures": [asdict(figure) for figure in figures],
    }
    path.write_text(json.dumps(result, indent=2, default=str) + "\n", encoding="utf-8")
