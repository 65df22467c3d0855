"""Whose grades are compared: people's, one person's, the AI's of record, a judge's, or several judges' as one."""

from dataclasses import dataclass
from typing import Literal
from uuid import UUID

import numpy as np

from judging.foundation.errors import Conflict, Invalid
from judging.models import JudgeVersion, JudgingRun
from judging.statistics.agreement.consensus import DEFAULT_METHOD, ConsensusMethod, consensus_grades
from judging.statistics.tables import Integers
from judging.trust.consensus import CONSENSUS, CONSENSUS_SIDE, Chosen, chosen_judges, consensus_label, side_name
from judging.trust.grades import NONE, RunGrades
from judging.trust.judged_items import items_of_judge_version, items_of_judging_run, read_items

SIDES = ("people", "ai", "judging_run:ID", "judge_version:ID", "author:NAME", CONSENSUS_SIDE)


@dataclass(frozen=True, eq=False)
class Side:
    """One side of a comparison: its grade of each candidate, NONE where it has none, and a name for people.

    `name` is the one in `SIDES`; `members` are the judges of a consensus, found by `method`.
    """

    kind: Literal["people", "ai"]
    name: str
    label: str
    grades: Integers
    members: tuple["Side", ...] = ()
    method: ConsensusMethod = DEFAULT_METHOD

    @property
    def is_empty(self) -> bool:
        return not bool((self.grades != NONE).any())


def read_side(grades: RunGrades, name: str, *, blind: bool = True, method: ConsensusMethod = DEFAULT_METHOD) -> Side:
    """Return the side of a run that a name in `SIDES` means; `blind=False` counts everybody's grades as they stand.

    `method` is that of a consensus. Raise Invalid (unknown_side), or Conflict (scales_differ) for a judging run on another
    scale.
    """
    word, _, rest = name.partition(":")
    if name == "people":
        return Side("people", name, "people", grades.people_mean(blind=blind))
    if name == "ai":
        return Side("ai", name, "the AI's grades of record", grades.ai)
    if word == "author" and rest in grades.people.names:
        return _author(grades, rest, blind=blind)
    if word == CONSENSUS:
        return _consensus(grades, name, chosen_judges(rest), method)
    if word == "judging_run" and (key := _uuid(rest)):
        run = JudgingRun.objects.select_related("judge_version", "evaluation_run__evaluation").filter(pk=key).first()
        return _judge(grades, run, name)
    if word == "judge_version" and (key := _uuid(rest)):
        return _judge(grades, JudgeVersion.objects.filter(pk=key).first(), name)
    raise _unknown(name)


def _author(grades: RunGrades, author: str, *, blind: bool) -> Side:
    people = grades.people
    own = people.people == people.names.index(author)
    given = people.blind if blind else people.grades
    return Side("people", f"author:{author}", author, grades.mean_of(people.candidates[own], given[own]))


def _judge(grades: RunGrades, judge: Chosen | None, name: str) -> Side:
    if judge is None:
        raise _unknown(name)
    if isinstance(judge, JudgeVersion):
        return Side("ai", name, judge.label, _placed(grades, read_items(items_of_judge_version(judge, grades.run))))
    if judge.evaluation_run.evaluation.corpus_id != grades.run.evaluation.corpus_id:
        raise _unknown(name)
    if judge.evaluation_run.scale != grades.run.scale:
        raise Conflict("this AI judging run graded on another scale", code="scales_differ")
    return Side("ai", name, judge.judge_version.label, _placed(grades, read_items(items_of_judging_run(judge))))


def _consensus(grades: RunGrades, name: str, judges: list[Chosen], method: ConsensusMethod) -> Side:
    members = tuple(_judge(grades, judge, side_name(judge)) for judge in judges)
    found = consensus_grades(np.stack([member.grades for member in members]), method=method)
    return Side("ai", name, consensus_label(method, [member.label for member in members]), found, members, method)


def _placed(grades: RunGrades, table: Integers) -> Integers:
    """Put rows that begin with query, document and grade to their candidates."""
    placed = np.full(len(grades.pks), NONE)
    found = grades.pairs.find(table[:, 0], table[:, 1])
    placed[found[found != NONE]] = table[found != NONE, 2]
    return placed


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _unknown(name: str) -> Invalid:
    message = f'"{name[:100]}" is none of {", ".join(SIDES)} on this run'
    return Invalid(message, errors={"a, b": [message]}, code="unknown_side")
