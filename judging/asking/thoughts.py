"""The marks between which models think aloud, where a server leaves them in the reply.

Chat templates often eat the opening one, so that a reply begins in the middle of thoughts and only their end is marked.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

# Possessive or bounded throughout: no way back, so no hostile text makes it slow.
PATTERN = (
    # <think>, <thinking>, <seed:think>, <antThinking>, ... and their closing tags
    r"<(?P<tag_end>/?)(?i:(?:[a-z]{1,12}[:_]|ant)?(?P<tag>think|thinking|thoughts?|reasoning|reflection|scratchpad|analysis))"
    r"(?:\s[^<>/]*+)?>"
    # [THINK]: Mistral
    r"|\[(?P<bracket_end>/?)(?:THINK|think)\]"
    r"|(?:<\||◁)(?P<pipe_end>/?)think(?:ing)?(?:\|>|▷)"
    r"|<\|(?P<of>(?i:begin|start|end))_(?i:of_)?(?i:thought|thinking|think|reasoning)\|>"
    # harmony: <|channel|>analysis<|message|> ... <|end|><|start|>assistant<|channel|>final<|message|>
    r"|<\|channel\|>\s*+(?P<channel>\w++)(?:[^<]{0,200}+<\|message\|>)?+"
    r"|<\|end\|>(?P<next>\s*+<\|start\|>assistant)?+"
    # The same where a server has dropped the special tokens.
    r"|(?P<bare>assistantfinal)"
    r"|<(?P<gemma_begin>\|?)channel(?P<gemma_end>\|?)>"
)


@dataclass(frozen=True, slots=True)
class Mark:
    """A place where thoughts begin or end. is_weak: one that ends thoughts which began, and means nothing alone."""

    is_end: bool
    family: str
    is_weak: bool = False

    @property
    def is_begin(self) -> bool:
        return not self.is_end

    @property
    def is_strong_end(self) -> bool:
        return self.is_end and not self.is_weak


def mark_of(match: re.Match[str]) -> Mark:
    """Return what a match of PATTERN marks."""
    if (word := match["tag"]) is not None:
        return Mark(match["tag_end"] == "/", word.lower())
    if match["bracket_end"] is not None:
        return Mark(match["bracket_end"] == "/", "[think]")
    if match["pipe_end"] is not None:
        return Mark(match["pipe_end"] == "/", "|think|")
    if match["of"] is not None:
        return Mark(match["of"].lower() == "end", "of_thought")
    if match["channel"] is not None:
        return Mark(match["channel"].lower() == "final", "harmony")
    if match["bare"] is not None:
        return Mark(True, "harmony")
    if match["gemma_begin"] is not None:
        return Mark(not match["gemma_begin"], "gemma", is_weak=match["gemma_begin"] == match["gemma_end"])
    # Other models end every reply with <|end|>.
    return Mark(True, "harmony", is_weak=match["next"] is None)


def thought_ends(marks: Sequence[Mark | None]) -> dict[int, int]:
    """Tell where the thoughts end that each mark begins, by position: at its own kind of end, else at any."""
    ends: dict[int, int] = {}
    next_of_family: dict[str, int] = {}
    next_of_any: int | None = None
    for position in range(len(marks) - 1, -1, -1):
        mark = marks[position]
        if mark is None:
            continue
        if mark.is_end:
            next_of_family[mark.family] = position
            next_of_any = next_of_any if mark.is_weak else position
        elif (end := next_of_family.get(mark.family, next_of_any)) is not None:
            ends[position] = end
    return ends
