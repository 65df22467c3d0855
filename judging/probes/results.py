"""What the probes of a run came to: readings with bounds and marks, and the worst answers to read."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any
from uuid import UUID

from judging.asking.prompting import PromptCandidate
from judging.foundation.text import cut_text
from judging.judge_work.judge_kind import document_of
from judging.models import ACTIVE_STATUSES, FIRST, ItemStatus, Probe, ProbeItem, ProbeRun
from judging.probes.alterations import altered
from judging.probes.planning import CANARIES, OF_REPEATED, REPEATED
from judging.statistics.probes import (
    ANSWERED_AT_LEAST,
    Reading,
    outcome_of,
    read_above_minimum,
    read_instruction,
    read_padded,
    read_paraphrase,
    read_relevant,
    read_repeat,
    read_shuffle,
    read_stuffed,
)

MAX_EXAMPLES = 5
_MAX_TITLE, _MAX_SAID, _MAX_QUERY = 300, 500, 300

_Key = tuple[UUID, int]


@dataclass(frozen=True, slots=True)
class _Compared:
    """An answer of a probe beside the one that it is compared with, None where it stands alone."""

    query: int
    grade: int
    item: ProbeItem
    before: int | None = None
    again: int | None = None
    moved: int = 0


def store_results(probe_run_id: UUID) -> None:
    """Compute and store what an ended run's probes came to; run again, it does the same. Part of the run's end."""
    run = ProbeRun.objects.select_related("evaluation_run").filter(pk=probe_run_id).first()
    if run is None or run.is_active:
        return
    ProbeRun.objects.filter(pk=run.pk).exclude(status__in=ACTIVE_STATUSES).update(results=results_of(run))


def results_of(run: ProbeRun) -> list[dict[str, Any]]:
    """Compute the result of each of a run's probes, in their order, as JSON."""
    by_probe: dict[str, dict[_Key, ProbeItem]] = defaultdict(dict)
    judged = ProbeItem.objects.filter(probe_run=run, status=ItemStatus.JUDGED).select_related(
        "run_query", "candidate__document", "candidate__document_version__document"
    )
    for item in judged.order_by("prompt_number", "place"):
        by_probe[item.probe][item.run_query_id, item.candidate_id] = item
    queries: dict[UUID, int] = {}
    for items in by_probe.values():
        for query_id, _ in items:
            queries.setdefault(query_id, len(queries))
    return [_result(run, probe, by_probe, queries) for probe in run.probes]


def _result(
    run: ProbeRun, probe: str, by_probe: Mapping[str, dict[_Key, ProbeItem]], queries: Mapping[UUID, int]
) -> dict[str, Any]:
    wanted = REPEATED if probe in OF_REPEATED else CANARIES
    result = {
        "probe": probe,
        "outcome": "not_run",
        "reason": run.not_run.get(probe, ""),
        "wanted_count": wanted,
        "graded_count": 0,
        "readings": [],
        "examples": [],
    }
    if result["reason"]:
        return result
    compared = _compared(probe, by_probe, queries)
    readings = _readings(run, probe, compared) if compared else []
    result |= {"graded_count": len(compared), "readings": [_reading(each) for each in readings]}
    if len(compared) < ANSWERED_AT_LEAST * wanted:
        return {**result, "reason": f"Only {len(compared)} of {wanted} questions were answered."}
    return {**result, "outcome": outcome_of(readings), "examples": _examples(run, probe, compared)}


def _reading(reading: Reading) -> dict[str, Any]:
    return {**asdict(reading), "is_met": reading.is_met}


def _compared(
    probe: str, by_probe: Mapping[str, dict[_Key, ProbeItem]], queries: Mapping[UUID, int]
) -> list[_Compared]:
    """Put each answer beside what it is compared with; those that miss one are left out."""
    basis = {
        **dict.fromkeys(map(str, OF_REPEATED), FIRST),
        **dict.fromkeys(("stuffed_title", "stuffed_text", "instruction", "padded"), str(Probe.SWAPPED)),
    }.get(probe)
    found = []
    for key, item in by_probe.get(probe, {}).items():
        before = by_probe.get(basis, {}).get(key) if basis else None
        again = by_probe.get(Probe.REPEAT, {}).get(key) if probe == Probe.SHUFFLE else None
        if (basis and before is None) or (probe == Probe.SHUFFLE and again is None):
            continue
        found.append(
            _Compared(
                queries[key[0]],
                item.grade or 0,
                item,
                before.grade if before else None,
                again.grade if again else None,
                item.place - before.place if before else 0,
            )
        )
    return found


def _readings(run: ProbeRun, probe: str, compared: Sequence[_Compared]) -> list[Reading]:
    query = [each.query for each in compared]
    grades = [each.grade for each in compared]
    before = [each.before or 0 for each in compared]
    scale = run.evaluation_run.grading_scale
    relevant_from = run.evaluation_run.relevant_from
    if probe == Probe.REPEAT:
        return read_repeat(query, before, grades, grade_count=scale.maximum + 1)
    if probe == Probe.SHUFFLE:
        again, moved = [each.again or 0 for each in compared], [each.moved for each in compared]
        return read_shuffle(query, before, again, grades, moved)
    if probe == Probe.PARAPHRASE:
        return read_paraphrase(query, before, grades, grade_count=scale.maximum + 1)
    if probe in (Probe.STUFFED_TITLE, Probe.STUFFED_TEXT):
        return read_stuffed(before, grades, relevant_from=relevant_from)
    if probe == Probe.INSTRUCTION:
        return read_instruction(before, grades)
    if probe == Probe.PADDED:
        return read_padded(query, before, grades)
    if probe == Probe.EMPTY:
        return read_above_minimum(grades)
    return read_relevant(grades, relevant_from=relevant_from)


def _examples(run: ProbeRun, probe: str, compared: Sequence[_Compared]) -> list[dict[str, Any]]:
    """Return the worst answers: what moved most, or was graded highest of what deserves nothing."""
    if probe in (Probe.SWAPPED, Probe.NONSENSE):
        bad = [each for each in compared if each.grade >= run.evaluation_run.relevant_from]
    elif probe == Probe.EMPTY:
        bad = [each for each in compared if each.grade]
    elif probe in (Probe.STUFFED_TITLE, Probe.STUFFED_TEXT):
        relevant_from = run.evaluation_run.relevant_from
        bad = [each for each in compared if each.grade > (each.before or 0) or each.grade >= relevant_from]
    elif probe == Probe.INSTRUCTION:
        bad = [each for each in compared if each.grade > (each.before or 0)]
    else:
        bad = [each for each in compared if each.grade != each.before]
    bad.sort(key=lambda each: (-abs(each.grade - (each.before or 0)), -each.grade, each.item.pk))
    return [_example(each) for each in bad[:MAX_EXAMPLES]]


def _example(each: _Compared) -> dict[str, Any]:
    item = each.item
    return {
        "query_id": str(item.run_query_id),
        "query": cut_text(item.run_query.text, _MAX_QUERY),
        "candidate_id": item.candidate.document.external_id,
        "title": cut_text(asked_document(item).title, _MAX_TITLE),
        "grade": each.grade,
        "compared_grade": each.before,
        "reasoning": cut_text(item.reasoning, _MAX_SAID),
    }


def asked_document(item: ProbeItem) -> PromptCandidate:
    """Return the document of an item as it is asked about. Needs its query and its candidate's document and version."""
    return altered(item.probe, item.run_query.text, document_of(item.candidate.document_version))
