"""What a batch is going to ask: the evaluators of a judge as they stand now, each with the model that it will call."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar
from uuid import UUID

from judging.foundation.errors import Invalid, NotFound
from judging.foundation.limits import DEFAULT_CONCURRENCY, MAX_EVALUATORS
from judging.models import (
    AIProvider,
    BatchExecution,
    EvaluatorReference,
    EvaluatorVersion,
    InputName,
    JudgeVersion,
    ResponseJudge,
    ResponseJudgeVersion,
)
from judging.records.roles import Actor
from judging.records.visibility import visible_judges
from judging.responses.default_model import default_model

_Version = TypeVar("_Version", ResponseJudgeVersion, JudgeVersion)
_RELEVANCE_REQUIRES = frozenset({InputName.REQUEST.value, InputName.RESPONSE.value})


@dataclass(frozen=True, slots=True)
class PlannedEvaluator:
    """One evaluator, or relevance judge, and the model that it will call."""

    version: EvaluatorVersion | JudgeVersion
    ai_provider: AIProvider
    model: str

    @property
    def requires(self) -> frozenset[str]:
        return frozenset(self.version.requires) if isinstance(self.version, EvaluatorVersion) else _RELEVANCE_REQUIRES


@dataclass(frozen=True, slots=True)
class BatchPlan:
    """A judge at a version, or (no judge) chosen evaluators, ready to be applied to inputs."""

    evaluators: tuple[PlannedEvaluator, ...]
    max_concurrency: int = DEFAULT_CONCURRENCY
    judge_id: UUID | None = None
    response_judge_version: ResponseJudgeVersion | None = None
    relevance_judge_version: JudgeVersion | None = None

    @property
    def takes_conversations(self) -> bool:
        return self.relevance_judge_version is None

    def requires(self) -> dict[str, str]:
        """Return what an input must hold, each with the name of an evaluator that needs it."""
        return {name: evaluator.version.name for evaluator in reversed(self.evaluators) for name in evaluator.requires}


def plan_judge(*, actor: Actor, judge_id: UUID, version_id: UUID | None = None) -> BatchPlan:
    """Plan a judge, response or relevance, at a version (None: its latest).

    Raise NotFound for the judge, Invalid for the version, Invalid (no_model_configured).
    """
    judge = ResponseJudge.objects.filter(pk=judge_id, archived_at=None).first()
    if judge is not None:
        versions = ResponseJudgeVersion.objects.filter(judge=judge)
        version = versions.filter(pk=version_id) if version_id else versions.filter(number=judge.version)
        return _plan_response_judge(_found(version.first()))
    relevance_judge = visible_judges(actor).filter(pk=judge_id).first()
    if relevance_judge is None:
        raise NotFound("no such judge")
    of_judge = JudgeVersion.objects.select_related("ai_provider").filter(judge=relevance_judge)
    chosen = of_judge.filter(pk=version_id) if version_id else of_judge.filter(number=relevance_judge.version)
    return _plan_relevance_judge(_found(chosen.first()))


def plan_evaluators(*, evaluator_ids: Sequence[UUID]) -> BatchPlan:
    """Plan chosen evaluators, each at its latest version, without a judge. Raise Invalid."""
    ids = list(dict.fromkeys(evaluator_ids))
    problem = ""
    if not 1 <= len(ids) <= MAX_EVALUATORS:
        problem = f"Choose 1 to {MAX_EVALUATORS} evaluators."
    versions = latest_versions(ids)
    if not problem and len(versions) < len(ids):
        problem = f"There is no evaluator {next(pk for pk in ids if pk not in versions)}."
    if problem:
        raise Invalid(problem, errors={"evaluator_ids": [problem]})
    return BatchPlan(_with_models([versions[pk] for pk in ids]))


def plan_again(*, actor: Actor, batch: BatchExecution) -> BatchPlan:
    """Plan what a batch asked, at the versions that it had, but with today's default model where it used the default.

    Raise NotFound for a relevance judge that is private to others: batches are the team's, its provider is not.
    """
    if batch.relevance_judge_version is not None:
        if not visible_judges(actor, with_archived=True).filter(pk=batch.relevance_judge_version.judge_id).exists():
            raise NotFound("no such judge")
        return _plan_relevance_judge(batch.relevance_judge_version)
    rows = batch.evaluators.select_related("evaluator_version__ai_provider")
    return BatchPlan(
        _with_models([row.evaluator_version for row in rows if row.evaluator_version is not None]),
        max_concurrency=batch.max_concurrency,
        judge_id=batch.judge_id,
        response_judge_version=batch.response_judge_version,
    )


def latest_versions(evaluator_ids: Iterable[UUID]) -> dict[UUID, EvaluatorVersion]:
    """Return the newest version of each evaluator that was not deleted."""
    versions = (
        EvaluatorVersion.objects.filter(evaluator_id__in=list(evaluator_ids), evaluator__archived_at=None)
        .select_related("ai_provider", "evaluator")
        .order_by("number")
    )
    return {version.evaluator_id: version for version in versions if version.number == version.evaluator.version}


def _plan_response_judge(version: ResponseJudgeVersion) -> BatchPlan:
    references = list(
        EvaluatorReference.objects.filter(judge_version=version)
        .select_related("pinned_version__ai_provider")
        .order_by("position")
    )
    latest = latest_versions(reference.evaluator_id for reference in references if reference.pinned_version is None)
    chosen = [reference.pinned_version or latest.get(reference.evaluator_id) for reference in references]
    versions = [version for version in chosen if version is not None]
    if len(versions) < len(references) or not versions:
        message = "An evaluator of this version of the judge was deleted."
        raise Invalid(message, errors={"judge_version_id": [message]})
    return BatchPlan(
        _with_models(versions),
        max_concurrency=version.max_concurrency,
        judge_id=version.judge_id,
        response_judge_version=version,
    )


def _plan_relevance_judge(version: JudgeVersion) -> BatchPlan:
    return BatchPlan(
        (PlannedEvaluator(version, version.ai_provider, version.model),),
        max_concurrency=version.max_concurrency,
        judge_id=version.judge_id,
        relevance_judge_version=version,
    )


def _with_models(versions: Sequence[EvaluatorVersion]) -> tuple[PlannedEvaluator, ...]:
    default = default_model() if any(version.ai_provider is None for version in versions) else None
    planned = []
    for version in versions:
        if version.ai_provider is not None:
            planned.append(PlannedEvaluator(version, version.ai_provider, version.model))
        elif default is not None:
            planned.append(PlannedEvaluator(version, *default))
        else:
            raise Invalid(
                f"the evaluator {version.name} names no AI provider and model, and the installation has no default; an"
                " admin sets one in the settings, or RELEVAL_DEFAULT_MODEL does",
                code="no_model_configured",
            )
    return tuple(planned)


def _found(version: _Version | None) -> _Version:
    if version is None:
        message = "The judge has no such version."
        raise Invalid(message, errors={"judge_version_id": [message]})
    return version
