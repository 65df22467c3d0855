"""Response judges and evaluators, as every interface reads them."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db.models import F, QuerySet

from judging.foundation.errors import NotFound
from judging.models import Evaluator, EvaluatorReference, EvaluatorVersion, ResponseJudge, ResponseJudgeVersion


def response_judges(*, with_archived: bool = False) -> QuerySet[ResponseJudge]:
    """Return the response judges of the team."""
    judges = ResponseJudge.objects.all()
    return judges if with_archived else judges.filter(archived_at=None)


def evaluators(*, with_archived: bool = False) -> QuerySet[Evaluator]:
    """Return the evaluators of the team."""
    found = Evaluator.objects.select_related("created_by")
    return found if with_archived else found.filter(archived_at=None)


def get_evaluator(evaluator_id: UUID) -> Evaluator:
    """Return an evaluator that was not deleted. Raise NotFound."""
    evaluator = evaluators().filter(pk=evaluator_id).first()
    if evaluator is None:
        raise NotFound("no such evaluator")
    return evaluator


@dataclass(frozen=True, slots=True)
class Stack:
    """A judge's newest version and the versions of its evaluators that a run would use now, in order."""

    version_id: UUID
    evaluators: tuple[EvaluatorVersion, ...]
    pinned: frozenset[UUID]


def stacks_of(judges: Collection[ResponseJudge]) -> dict[UUID, Stack]:
    """Return the stack of each judge, in a constant number of queries."""
    versions = {
        version.pk: version
        for version in ResponseJudgeVersion.objects.filter(judge__in=judges, number=F("judge__version"))
    }
    references: dict[UUID, list[EvaluatorReference]] = defaultdict(list)
    rows = EvaluatorReference.objects.filter(judge_version_id__in=list(versions)).select_related("pinned_version")
    for reference in rows.order_by("position"):
        references[reference.judge_version_id].append(reference)
    latest = newest_versions(reference.evaluator_id for group in references.values() for reference in group)
    return {
        version.judge_id: Stack(
            version_id=version.pk,
            evaluators=tuple(
                reference.pinned_version or latest[reference.evaluator_id] for reference in references[version.pk]
            ),
            pinned=frozenset(
                reference.pinned_version_id
                for reference in references[version.pk]
                if reference.pinned_version_id is not None
            ),
        )
        for version in versions.values()
    }


def newest_versions(evaluator_ids: Iterable[UUID]) -> dict[UUID, EvaluatorVersion]:
    """Return the newest version of each evaluator, deleted ones included."""
    versions = EvaluatorVersion.objects.filter(
        evaluator_id__in=set(evaluator_ids), number=F("evaluator__version")
    ).select_related("ai_provider")
    return {version.evaluator_id: version for version in versions}


def evaluator_names(judges: Sequence[ResponseJudge]) -> dict[UUID, list[str]]:
    """Return the names of each judge's evaluators, in their order, in one statement."""
    names: dict[UUID, list[str]] = {judge.pk: [] for judge in judges}
    newest = {(judge.pk, judge.version) for judge in judges}
    rows = EvaluatorReference.objects.filter(judge_version__judge__in=judges).order_by("position")
    for judge_id, number, name in rows.values_list(
        "judge_version__judge_id", "judge_version__number", "evaluator__name"
    ):
        if (judge_id, number) in newest:
            names[judge_id].append(name)
    return names
