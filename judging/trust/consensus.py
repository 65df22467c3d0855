"""Which judges a consensus is of: chosen by name, two or more judging runs or judge versions."""

from typing import TypeAlias
from uuid import UUID

from judging.foundation.errors import Invalid
from judging.foundation.limits import MAX_CONSENSUS_JUDGES
from judging.models import JudgeVersion, JudgingRun
from judging.statistics.agreement.consensus import CONSENSUS_METHODS, ConsensusMethod

CONSENSUS = "consensus"
CONSENSUS_SIDE = f"{CONSENSUS}:ID,ID[,ID]"

Chosen: TypeAlias = JudgingRun | JudgeVersion


def read_method(text: str) -> ConsensusMethod:
    """Return how a consensus is found, from its name. Raise Invalid."""
    for method in CONSENSUS_METHODS:
        if text == method:
            return method
    raise Invalid("unknown method", errors={"method": [f"one of {', '.join(CONSENSUS_METHODS)}"]})


def consensus_name(names: list[str]) -> str:
    """Name the consensus of sides named `judging_run:ID` or `judge_version:ID`, as an address has it."""
    return f"{CONSENSUS}:{','.join(names)}"


def chosen_judges(text: str) -> list[Chosen]:
    """Return the judges that a list names, `ID`, `judging_run:ID` or `judge_version:ID` each, with commas between them.

    Two statements at most. Raise Invalid (unknown_side) for anything that is none of these, for one named twice, and for
    fewer than two or more than MAX_CONSENSUS_JUDGES.
    """
    names = text.split(",")
    if not 2 <= len(names) <= MAX_CONSENSUS_JUDGES:
        raise _invalid(f"a consensus is of 2 to {MAX_CONSENSUS_JUDGES} judges")
    keys = [_key(name) for name in names]
    runs = JudgingRun.objects.select_related("judge_version", "evaluation_run__evaluation").in_bulk(
        [key for word, key in keys if word != "judge_version"]
    )
    versions = JudgeVersion.objects.in_bulk([key for word, key in keys if word != "judging_run" and key not in runs])
    found: list[Chosen] = []
    for name, (_, key) in zip(names, keys, strict=True):
        judge = runs.get(key) or versions.get(key)
        if judge is None:
            raise _invalid(f'"{name[:100]}" is neither an AI judging run nor a judge version')
        found.append(judge)
    if len({judge.pk for judge in found}) < len(found):
        raise _invalid("each judge of a consensus is named once")
    return found


def side_name(judge: Chosen) -> str:
    """Return a judge's name as a side."""
    return f"{'judging_run' if isinstance(judge, JudgingRun) else 'judge_version'}:{judge.pk}"


def consensus_label(method: ConsensusMethod, labels: list[str]) -> str:
    """Name a consensus for people."""
    return f"{method.capitalize()} of {', '.join(labels[:-1])} and {labels[-1]}"


def _key(name: str) -> tuple[str, UUID]:
    word, separator, rest = name.strip().partition(":")
    try:
        key = UUID(rest if separator else word)
    except ValueError:
        raise _invalid(f'"{name[:100]}" is neither an AI judging run nor a judge version') from None
    if separator and word not in ("judging_run", "judge_version"):
        raise _invalid(f'"{name[:100]}" is neither an AI judging run nor a judge version')
    return word if separator else "", key


def _invalid(message: str) -> Invalid:
    return Invalid(message, errors={CONSENSUS: [message]}, code="unknown_side")
