"""Whose grades are compared: people's, one person's, the AI's of record, a judging run's, a judge version's."""

from dataclasses import dataclass
from typing import Literal
from uuid import UUID

import numpy as np

from judging.foundation.errors import Conflict, Invalid
from judging.models import JudgeVersion, JudgingRun
from judging.statistics.tables import Integers
from judging.trust.grades import NONE, RunGrades
from judging.trust.judged_items import items_of_judge_version, items_of_judging_run, read_items

SIDES = ("people", "ai", "judging_run:ID", "judge_version:ID", "author:NAME")


@dataclass(frozen=True, eq=False)
class Side:
    """One side of a comparison: its grade of each candidate, NONE where it has none, and a name for people."""

    kind: Literal["people", "ai"]
    label: str
    grades: Integers

    @property
    def is_empty(self) -> bool:
        return not bool((self.grades != NONE).any())


def read_side(grades: RunGrades, name: str, *, blind: bool = True) -> Side:
    """Return the side of a run that a name in `SIDES` means; `blind=False` counts everybody's grades as they stand.

    Raise Invalid (unknown_side), or Conflict (scales_differ) for a judging run on another scale.
    """
    word, _, rest = name.partition(":")
    if name == "people":
        return Side("people", "people", grades.people_mean(blind=blind))
    if name == "ai":
        return Side("ai", "the AI's grades of record", grades.ai)
    if word == "author" and rest in grades.people.names:
        return _author(grades, rest, blind=blind)
    if word == "judging_run" and (key := _uuid(rest)):
        return _judging_run(grades, key, name)
    if word == "judge_version" and (key := _uuid(rest)):
        return _judge_version(grades, key, name)
    raise _unknown(name)


def _author(grades: RunGrades, name: str, *, blind: bool) -> Side:
    people = grades.people
    own = people.people == people.names.index(name)
    given = people.blind if blind else people.grades
    return Side("people", name, grades.mean_of(people.candidates[own], given[own]))


def _judging_run(grades: RunGrades, key: UUID, name: str) -> Side:
    run = JudgingRun.objects.select_related("judge_version", "evaluation_run__evaluation").filter(pk=key).first()
    if run is None or run.evaluation_run.evaluation.corpus_id != grades.run.evaluation.corpus_id:
        raise _unknown(name)
    if run.evaluation_run.scale != grades.run.scale:
        raise Conflict("this AI judging run graded on another scale", code="scales_differ")
    return Side("ai", run.judge_version.label, _placed(grades, read_items(items_of_judging_run(run))))


def _judge_version(grades: RunGrades, key: UUID, name: str) -> Side:
    version = JudgeVersion.objects.filter(pk=key).first()
    if version is None:
        raise _unknown(name)
    return Side("ai", version.label, _placed(grades, read_items(items_of_judge_version(version, grades.run))))


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
