"""The difference of two texts, line by line, for a page."""

import difflib
from dataclasses import dataclass

# difflib's time grows with the square of the lines; what is longer is shown as replaced, and cut.
_MOST_LINES = 3000
_CONTEXT = 3


@dataclass(frozen=True, slots=True)
class DiffLine:
    """A line: `kind` is "same", "removed", "added", or "gap" for lines left out. Numbers count from 1."""

    kind: str
    text: str
    before: int | None = None
    after: int | None = None


def diff_lines(before: str, after: str) -> list[DiffLine]:
    """Return the changed lines with three lines around them; empty when nothing differs."""
    old, new = before.split("\n"), after.split("\n")
    if old == new:
        return []
    if max(len(old), len(new)) > _MOST_LINES:
        return _whole(old, new)
    lines: list[DiffLine] = []
    for group in difflib.SequenceMatcher(None, old, new, autojunk=False).get_grouped_opcodes(_CONTEXT):
        first = group[0]
        if first[1] > 0:
            lines.append(DiffLine("gap", ""))
        for kind, old_start, old_end, new_start, new_end in group:
            if kind == "equal":
                lines += [
                    DiffLine("same", text, old_start + step + 1, new_start + step + 1)
                    for step, text in enumerate(old[old_start:old_end])
                ]
                continue
            lines += [
                DiffLine("removed", text, before=old_start + step + 1)
                for step, text in enumerate(old[old_start:old_end])
            ]
            lines += [
                DiffLine("added", text, after=new_start + step + 1) for step, text in enumerate(new[new_start:new_end])
            ]
    if group[-1][2] < len(old):
        lines.append(DiffLine("gap", ""))
    return lines


def _whole(old: list[str], new: list[str]) -> list[DiffLine]:
    removed = [DiffLine("removed", text, before=number) for number, text in enumerate(old[:_MOST_LINES], start=1)]
    added = [DiffLine("added", text, after=number) for number, text in enumerate(new[:_MOST_LINES], start=1)]
    gap = DiffLine("gap", "")
    return [*removed, *([gap] * (len(old) > _MOST_LINES)), *added, *([gap] * (len(new) > _MOST_LINES))]
