"""The sides of a comparison of judges: a judging run, all that a judge version said of a run, or several as one."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias
from uuid import UUID

from judging.foundation.errors import Conflict, Invalid, NotFound
from judging.models import EvaluationRun, JudgeVersion, JudgingRun
from judging.statistics.agreement.consensus import DEFAULT_METHOD, ConsensusMethod
from judging.statistics.tables import Integers
from judging.trust.consensus import (
    CONSENSUS,
    CONSENSUS_SIDE,
    Chosen,
    chosen_judges,
    consensus_label,
    consensus_name,
    side_name,
)
from judging.trust.judged_items import consensus_rows, items_of_judge_version, items_of_judging_run, read_items

SIDES = ("the id of an AI judging run", "judge_version:ID with run_id", CONSENSUS_SIDE)


@dataclass(frozen=True, slots=True)
class JudgedSide:
    """One judge: a judging run, or all that a judge version said on an evaluation run (`judging_run` is None then)."""

    version: JudgeVersion
    run: EvaluationRun
    judging_run: JudgingRun | None

    @property
    def label(self) -> str:
        return self.version.label

    @property
    def name(self) -> str:
        """Return the side as the interfaces name it."""
        return str(self.judging_run.pk) if self.judging_run else f"judge_version:{self.version.pk}"

    @property
    def versions(self) -> list[JudgeVersion]:
        return [self.version]

    def read(self) -> Integers:
        """Return rows of query, document, grade and item key, each pair once."""
        if self.judging_run is not None:
            return read_items(items_of_judging_run(self.judging_run))
        return self.read_on([self.run])

    def read_on(self, runs: Sequence[EvaluationRun]) -> Integers:
        """Return what the judge version said of some evaluation runs, whichever judging run it was in."""
        return read_items(items_of_judge_version(self.version, *runs))


@dataclass(frozen=True, slots=True)
class ConsensusSide:
    """Several judges as one; it has the run of the first, and of each pair the item of a judge who said the same."""

    members: tuple[JudgedSide, ...]
    method: ConsensusMethod
    judging_run: None = None
    version: None = None

    @property
    def run(self) -> EvaluationRun:
        return self.members[0].run

    @property
    def label(self) -> str:
        return consensus_label(self.method, [member.label for member in self.members])

    @property
    def name(self) -> str:
        """Return the side as the interfaces name it."""
        return consensus_name([side_name(member.judging_run or member.version) for member in self.members])

    @property
    def versions(self) -> list[JudgeVersion]:
        return [member.version for member in self.members]

    def read(self) -> Integers:
        """Return rows of query, document, grade and item key, each pair once."""
        return consensus_rows([member.read() for member in self.members], method=self.method)

    def read_on(self, runs: Sequence[EvaluationRun]) -> Integers:
        """Return the consensus of the judge versions on some evaluation runs, each of which counts once."""
        each_version = {member.version.pk: member for member in self.members}
        return consensus_rows([member.read_on(runs) for member in each_version.values()], method=self.method)


ComparedSide: TypeAlias = JudgedSide | ConsensusSide


def find_side(name: str, *, run: EvaluationRun | None = None, method: ConsensusMethod = DEFAULT_METHOD) -> ComparedSide:
    """Return the side that a name in `SIDES` means; `method` is that of a consensus.

    Raise Invalid (unknown_side), NotFound, or Conflict (scales_differ) between the judges of a consensus.
    """
    word, separator, rest = name.partition(":")
    if separator and word == CONSENSUS:
        members = tuple(_member(judge, run) for judge in chosen_judges(rest))
        if len({member.run.scale for member in members}) > 1:
            raise Conflict("the judges of a consensus graded on different scales", code="scales_differ")
        return ConsensusSide(members, method)
    try:
        key = UUID(rest if separator else word)
    except ValueError:
        raise _unknown(name) from None
    if separator and word == "judge_version":
        version = JudgeVersion.objects.filter(pk=key).first()
        if version is None:
            raise NotFound("no such judge version")
        return _member(version, run)
    if separator and word != "judging_run":
        raise _unknown(name)
    judging_run = (
        JudgingRun.objects.select_related("judge_version", "evaluation_run__evaluation").filter(pk=key).first()
    )
    if judging_run is None:
        raise NotFound("no such AI judging run")
    return _member(judging_run, run)


def _member(judge: Chosen, run: EvaluationRun | None) -> JudgedSide:
    if isinstance(judge, JudgingRun):
        return JudgedSide(judge.judge_version, judge.evaluation_run, judge)
    if run is None:
        message = "a judge version is compared on an evaluation run: name it with run_id"
        raise Invalid(message, errors={"run_id": [message]})
    return JudgedSide(judge, run, None)


def _unknown(name: str) -> Invalid:
    message = f'"{name[:100]}" is none of: {", ".join(SIDES)}'
    return Invalid(message, errors={"old, new": [message]}, code="unknown_side")
