"""Reply text -> a grade or a failure for every candidate that was asked about. Pure.

Only a whole block grades. Numbers in prose, JSON, Markdown, half-written blocks and quoted text never do.
"""

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from judging.asking.finish_reasons import is_cut_off, is_refusal
from judging.asking.reply_blocks import Block, BlockNames, find_blocks
from judging.foundation.answers import Failure, FailureCode
from judging.foundation.scales import Scale
from judging.foundation.text import clean_text, unescape_html

MAX_NOTES = 20

_CANDIDATE = BlockNames("candidate", "grade", "reasoning")
_EVALUATION = BlockNames("evaluation", "score", "justification")

_ONLY_THOUGHT = Failure(FailureCode.UNPARSEABLE, "The answer stands only in the model's thoughts, as a draft.")

# ASCII digits only: int() would also take "３", "1_0" and "+3".
_INTEGER = re.compile(r"0|-?[1-9][0-9]*")
_DECIMAL = re.compile(r"0(?:\.[0-9]+)?|-?[1-9][0-9]*(?:\.[0-9]+)?|-0\.[0-9]+")
_MAX_NUMBER_CHARS = 40
_ENTITY = re.compile(r"&(?:(amp|lt|gt|quot|apos)|#([0-9]{1,7})|#[xX]([0-9a-fA-F]{1,6}));")
_ENTITIES = {"amp": "&", "lt": "<", "gt": ">", "quot": '"', "apos": "'"}


@dataclass(frozen=True, slots=True)
class Grade:
    """A grade of the scale and why: plain text, at most 10,000 characters, possibly empty."""

    grade: int
    reasoning: str


@dataclass(frozen=True, slots=True)
class ParsedReply:
    """One outcome per asked id, in the order asked. `notes` tell what was ignored, at most 20 of them."""

    outcomes: dict[str, Grade | Failure]
    notes: list[str] = field(default_factory=list)


def parse_reply(
    text: str, asked_ids: Sequence[str], *, scale: Scale, finish_reason: str = "", has_reasoning: bool = False
) -> ParsedReply:
    """Read a judge's reply. Never raises, whatever the text.

    finish_reason is the provider's: one for a cut-off reply or a refusal tells why a block is not there. So does
    has_reasoning: thoughts came apart from the text.
    """
    is_cut = is_cut_off(finish_reason)
    excuse = _excuse(text, finish_reason, is_cut, has_reasoning)
    blocks = find_blocks(text, _CANDIDATE, is_cut_off=is_cut)
    asked = _AskedIds(asked_ids)
    found: defaultdict[str, list[Block]] = defaultdict(list)
    notes: list[str] = []
    is_any_readable = False
    drafted: set[str | None] = set()
    for block in blocks:
        written_id = block.attribute("id")
        candidate_id = asked.find(written_id) if written_id is not None else None
        if block.is_draft:
            drafted.add(candidate_id)
            continue
        is_any_readable = is_any_readable or (written_id is not None and block.is_sound)
        if candidate_id is not None:
            found[candidate_id].append(block)
        elif written_id is None:
            notes.append("ignored a block without a readable id")
        else:
            notes.append(f"ignored a block for {_quoted(written_id)}, which was not asked for")
    if drafted:
        notes.append("ignored blocks in the model's thoughts")
    is_explained = excuse is not None
    if excuse is None:
        excuse = (
            Failure(FailureCode.MISSING, "The reply has blocks for other candidates, but none for this one.")
            if is_any_readable
            else Failure(FailureCode.UNPARSEABLE, "The reply has no readable <candidate> block.")
        )
    outcomes: dict[str, Grade | Failure] = {}
    for asked_id in asked_ids:
        if asked_id in found:
            outcomes[asked_id] = _read_grade(found[asked_id], scale, excuse)
        else:
            outcomes[asked_id] = _ONLY_THOUGHT if asked_id in drafted and not is_explained else excuse
    if len(notes) > MAX_NOTES:
        notes = [*notes[: MAX_NOTES - 1], f"and {len(notes) - MAX_NOTES + 1} more ignored blocks"]
    return ParsedReply(outcomes, notes)


def parse_evaluation(text: str, *, finish_reason: str = "", has_reasoning: bool = False) -> tuple[float, str] | Failure:
    """Read an evaluator's reply: the score in 0..1 and the justification. Never raises, whatever the text."""
    is_cut = is_cut_off(finish_reason)
    found = find_blocks(text, _EVALUATION, is_cut_off=is_cut)
    blocks = [block for block in found if not block.is_draft]
    sound = [block for block in blocks if block.is_sound]
    if not sound:
        return _excuse(text, finish_reason, is_cut, has_reasoning) or (
            _ONLY_THOUGHT
            if found and not blocks
            else Failure(FailureCode.UNPARSEABLE, "The reply has no readable <evaluation> block.")
        )
    scores = [score for block in blocks for score in block.values if block.is_sound or score is not None]
    if len(scores) != 1:
        return (
            Failure(FailureCode.CONFLICTING, f"The reply has {len(scores)} scores instead of one.")
            if scores
            else Failure(FailureCode.UNPARSEABLE, "The <evaluation> block has no <score>.")
        )
    score_text = (scores[0] or "").strip()
    if len(score_text) > _MAX_NUMBER_CHARS or not _DECIMAL.fullmatch(score_text):
        return Failure(FailureCode.UNPARSEABLE, f"The score {_quoted(score_text)} is not a decimal number.")
    score = float(score_text)
    if not 0 <= score <= 1:
        return Failure(FailureCode.OUT_OF_SCALE, f"The score {score_text} is outside 0 to 1.")
    return score, sound[0].prose


def _read_grade(blocks: list[Block], scale: Scale, excuse: Failure) -> Grade | Failure:
    sound = [block for block in blocks if block.is_sound]
    if not sound:
        if excuse.code in (FailureCode.TRUNCATED, FailureCode.REFUSED):
            return excuse
        return Failure(
            FailureCode.UNPARSEABLE,
            "The candidate's block is not to be trusted: the tags around it do not match."
            if any(block.is_doubtful for block in blocks)
            else "The candidate's block is never closed.",
        )
    grades: set[int] = set()
    for block in sound:
        if not block.values:
            return Failure(FailureCode.UNPARSEABLE, "The candidate's block has no <grade>.")
        for value in block.values:
            grade = _integer(value)
            if grade is None:
                return Failure(FailureCode.UNPARSEABLE, f"The grade {_quoted((value or '').strip())} is no integer.")
            grades.add(grade)
    # A half-written block grades nobody, yet a grade in it that differs is a second opinion.
    unclosed = (_integer(value) for block in blocks if not block.is_closed for value in block.values)
    grades.update(grade for grade in unclosed if grade is not None)
    if len(grades) > 1:
        shown = ", ".join(str(grade) for grade in sorted(grades)[:5])
        return Failure(FailureCode.CONFLICTING, f"The reply gives this candidate different grades: {shown}.")
    grade = grades.pop()
    if grade not in scale:
        return Failure(
            FailureCode.OUT_OF_SCALE, f"The grade {grade} is outside the scale ({scale.minimum} to {scale.maximum})."
        )
    return Grade(grade, next((block.prose for block in sound if block.prose), ""))


def _excuse(text: str, finish_reason: str, is_cut: bool, has_reasoning: bool) -> Failure | None:
    """Tell what happened to the reply as a whole, where that explains a block that is not there."""
    if is_refusal(finish_reason):
        return Failure(FailureCode.REFUSED, "The provider's content filter stopped the reply.")
    if not text.strip("\0 \t\r\n\v\f"):
        why = ": the model answered only in its reasoning." if has_reasoning else "."
        spent = " The model used up its output tokens before it answered." if is_cut else ""
        return Failure(FailureCode.EMPTY_REPLY, f"The reply is empty{why}{spent}")
    if is_cut:
        return Failure(
            FailureCode.TRUNCATED, "The reply was cut off: raise the judge's output tokens or lower its batch size."
        )
    return None


class _AskedIds:
    """Finds the asked id that a block means, though models escape ids, don't, or add white space."""

    def __init__(self, asked_ids: Sequence[str]) -> None:
        self._exact: dict[str, str] = {}
        self._stripped: dict[str, str | None] = {}
        for asked_id in asked_ids:
            if self._exact.setdefault(clean_text(asked_id), asked_id) == asked_id:
                stripped = clean_text(asked_id).strip()
                is_ambiguous = self._stripped.get(stripped, asked_id) != asked_id
                self._stripped[stripped] = None if is_ambiguous else asked_id

    def find(self, written: str) -> str | None:
        # As the prompt escapes ids comes first: of the ids "&" and "&amp;", a written &amp; means the former.
        for reading in (_unescaped(written), written, unescape_html(written)):
            reading = clean_text(reading)
            found = self._exact.get(reading) or self._stripped.get(reading.strip())
            if found is not None:
                return found
        return None


def _unescaped(text: str) -> str:
    """Undo XML escaping, once, and nothing that HTML knows beyond it."""
    return _ENTITY.sub(_character, text)


def _character(match: re.Match[str]) -> str:
    if match[1]:
        return _ENTITIES[match[1]]
    number = int(match[2]) if match[2] else int(match[3], 16)
    return chr(number) if number <= 0x10FFFF else match[0]


def _integer(text: str | None) -> int | None:
    text = (text or "").strip()
    if not _INTEGER.fullmatch(text):
        return None
    # A longer number is outside any scale; Python refuses to read really long ones.
    return int(text[:_MAX_NUMBER_CHARS])


def _quoted(text: str) -> str:
    text = clean_text(text)
    return f'"{text[:60]}…"' if len(text) > 60 else f'"{text}"'
