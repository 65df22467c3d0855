"""What goes over the wire, made of rows. The vendor's clients want every key there, null where there is nothing."""

from collections.abc import Collection, Iterable, Sequence
from typing import Any
from uuid import UUID

from django.db.models import F

from judging.models import (
    AIJudge,
    BatchEvaluator,
    BatchExecution,
    Evaluator,
    EvaluatorResult,
    EvaluatorVersion,
    ExecutionLog,
    InputName,
    JudgeVersion,
    ResponseJudge,
    ResultStatus,
    User,
    name_of_evaluators,
)
from judging.responses.judge_reads import newest_versions, stacks_of
from judging.responses.results.execution_reads import BatchSummary, ItemWithResults

_MIN_JUDGE_NAME, _STAND_IN = 3, " (judge)"
_ARRAYS = (InputName.CONTEXTS, InputName.TURNS)


def batch_answer(batch: BatchExecution) -> dict[str, Any]:
    return {
        "batch_execution_id": batch.pk,
        "status": batch.status,
        "total_count": batch.total_count,
        "completed_count": batch.completed_count,
        "failed_count": batch.failed_count,
        "created_at": batch.created_at,
        "started_at": batch.started_at,
        "completed_at": batch.completed_at,
        "judge": _judge_of(batch),
        "project_id": batch.project_id or None,
        "evaluators": [
            {"id": _evaluator_id(row), "name": row.name, "version_id": row.settings.pk}
            for row in batch.evaluators.all()
        ],
        "dataset": None,
        "dataset_range": None,
        "tags": batch.tags,
        "retried_from": batch.retried_from_id,
        "error_message": batch.error,
        "error_code": batch.error_code,
        "usage_estimated": batch.usage_estimated,
    }


def _judge_of(batch: BatchExecution) -> dict[str, Any]:
    version = batch.response_judge_version or batch.relevance_judge_version
    if version is not None:
        name = shown_name(version.name) if batch.relevance_judge_version is not None else version.name
        return {"id": batch.judge_id, "name": name, "version_id": version.pk}
    # Evaluators were chosen without a judge. The vendor's clients read no batch without one, nor a list that has it.
    evaluators = list(batch.evaluators.all())
    first = evaluators[0]
    return {"id": _evaluator_id(first), "name": name_of_evaluators(evaluators), "version_id": first.settings.pk}


def item_answer(row: ItemWithResults, batch: BatchExecution) -> dict[str, Any]:
    item = row.item
    return {
        "index": item.index,
        "status": item.status,
        "input": input_answer(item.input),
        "evaluator_results": results_answer(row, batch) or None,
        "error_message": item.error_message,
        "execution_log_id": row.execution_log_id,
        "started_at": item.started_at,
        "completed_at": item.completed_at,
    }


def input_answer(given: dict[str, Any]) -> dict[str, Any]:
    return {name: given.get(name) for name in ("request", "response", "contexts", "expected_output", "turns")}


def results_answer(row: ItemWithResults, batch: BatchExecution) -> list[dict[str, Any]]:
    """Return what the evaluators said; nothing where none was asked before the batch ended."""
    if all(result.status == ResultStatus.SKIPPED for result in row.results):
        return []
    return [result_answer(result, batch) for result in row.results]


def result_answer(result: EvaluatorResult, batch: BatchExecution) -> dict[str, Any]:
    reason = batch.error if result.status == ResultStatus.SKIPPED else result.failure_message
    return {
        "evaluator_name": result.evaluator.name,
        "score": result.score,
        "justification": result.justification if result.status == ResultStatus.SCORED else reason,
        "evaluator_id": _evaluator_id(result.evaluator),
        "evaluator_version_id": result.evaluator.settings.pk,
        "confidence": None,
    }


def summary_answer(batch: BatchExecution, summary: BatchSummary) -> dict[str, Any]:
    return {
        "batch_execution_id": batch.pk,
        "status": batch.status,
        "total_count": batch.total_count,
        "completed_count": batch.completed_count,
        "failed_count": batch.failed_count,
        "mean": summary.mean,
        "evaluators": [
            {
                "evaluator_id": _evaluator_id(each.evaluator),
                "evaluator_name": each.evaluator.name,
                "evaluator_version_id": each.evaluator.settings.pk,
                "scored_count": each.scored_count,
                "failed_count": each.failed_count,
                "mean": each.mean,
                "histogram": list(each.histogram),
            }
            for each in summary.evaluators
        ],
        "failures": list(summary.failures),
        "call_count": batch.call_count,
        "input_tokens": batch.input_tokens,
        "output_tokens": batch.output_tokens,
        "usage_estimated": batch.usage_estimated,
        "cost": summary.cost,
    }


def judge_answers(judges: Sequence[ResponseJudge | AIJudge]) -> list[dict[str, Any]]:
    """Return judges of both kinds, in a constant number of queries."""
    stacks = stacks_of([judge for judge in judges if isinstance(judge, ResponseJudge)])
    relevance = [judge for judge in judges if isinstance(judge, AIJudge)]
    newest = JudgeVersion.objects.filter(judge__in=relevance, number=F("judge__version"))
    versions = dict(newest.values_list("judge_id", "pk"))
    return [
        _response_judge_answer(judge, stacks[judge.pk].version_id, stacks[judge.pk].evaluators)
        if isinstance(judge, ResponseJudge)
        else _relevance_judge_answer(judge, versions[judge.pk])
        for judge in judges
    ]


def _response_judge_answer(
    judge: ResponseJudge, version_id: UUID, evaluators: Sequence[EvaluatorVersion]
) -> dict[str, Any]:
    return {
        **_judge_answer(judge, version_id),
        "intent": judge.intent,
        "kind": "response",
        "inputs": inputs_answer({name for version in evaluators for name in version.requires}),
        "evaluators": [
            {
                "id": version.evaluator_id,
                "name": version.name,
                "version_id": version.pk,
                "objective": {"id": version.evaluator_id, "intent": version.intent},
                "is_root_evaluator": False,
                "model": version.model,
            }
            for version in evaluators
        ],
        "is_preset": bool(judge.preset),
    }


def _relevance_judge_answer(judge: AIJudge, version_id: UUID) -> dict[str, Any]:
    return {
        **_judge_answer(judge, version_id),
        "name": shown_name(judge.name),
        "intent": judge.description,
        "kind": "relevance",
        "inputs": inputs_answer({InputName.REQUEST, InputName.RESPONSE}),
        "evaluators": [
            {
                "id": judge.pk,
                "name": judge.name,
                "version_id": version_id,
                "objective": {"id": judge.pk, "intent": judge.description},
                "is_root_evaluator": False,
                "model": judge.model,
            }
        ],
        "is_preset": False,
    }


def _judge_answer(judge: ResponseJudge | AIJudge, version_id: UUID) -> dict[str, Any]:
    return {
        "id": judge.pk,
        "name": judge.name,
        "created_at": judge.created_at,
        "version_id": version_id,
        "visibility": "private",
        "max_concurrency": judge.max_concurrency,
        "project_id": None,
        "stage": None,
        "files": [],
        "_meta": {},
    }


def shown_name(name: str) -> str:
    """Return the name of a relevance judge as the vendor's clients can read it: with three characters at least."""
    return name if len(name) >= _MIN_JUDGE_NAME else f"{name}{_STAND_IN}"


def original_name(shown: str) -> str:
    """Return the name of a relevance judge that is shown like this."""
    name = shown.removesuffix(_STAND_IN)
    return name if len(name) < _MIN_JUDGE_NAME else shown


def inputs_answer(requires: Collection[str]) -> dict[str, Any]:
    """Describe what an input must hold, in the vendor's words."""
    return {
        name: {"type": "array", "items": {"type": "string"}} if name in _ARRAYS else {"type": "string"}
        for name in InputName.values
        if name in requires
    }


def evaluator_answers(evaluators: Iterable[Evaluator]) -> list[dict[str, Any]]:
    evaluators = list(evaluators)
    versions = newest_versions(evaluator.pk for evaluator in evaluators)
    return [_evaluator_answer(evaluator, versions[evaluator.pk]) for evaluator in evaluators]


def _evaluator_answer(evaluator: Evaluator, version: EvaluatorVersion) -> dict[str, Any]:
    owner = owner_answer(evaluator.created_by)
    return {
        **evaluator.settings_dict(),
        "id": evaluator.pk,
        "version_id": version.pk,
        "is_preset": bool(evaluator.preset),
        "created_at": evaluator.created_at,
        "updated_at": evaluator.updated_at,
        "updated_by": None,
        "owner": owner,
        "objective": {
            "id": evaluator.pk,
            "intent": evaluator.intent,
            "test_set": None,
            "created_at": evaluator.created_at,
            "owner": owner,
            "version_id": version.pk,
            "_meta": {},
        },
        "scoring_criteria": evaluator.prompt_template,
        "prompt": evaluator.prompt_template,
        "models": [evaluator.model] if evaluator.model else [],
        "inputs": inputs_answer(evaluator.requires),
        "visibility": "private",
        "is_root_evaluator": False,
        "project_id": None,
        "_meta": {},
    }


def log_answer(log: ExecutionLog) -> dict[str, Any]:
    return {
        "id": log.pk,
        "created_at": log.created_at,
        "execution_type": log.execution_type,
        "executed_item_id": log.executed_item_id,
        "executed_item_name": log.executed_item_name,
        "executed_item_version_id": log.executed_item_version_id,
        "score": log.score,
        "cost": log.known_cost,
        "input_tokens": log.input_tokens,
        "output_tokens": log.output_tokens,
        "usage_estimated": log.usage_estimated,
        "latency_ms": log.latency_ms,
        "tags": log.tags,
        "user_id": log.user_id,
        "session_id": log.session_id,
        "project_id": log.project_id or None,
        "request_preview": log.request_preview,
        "response_preview": log.response_preview,
        "owner": owner_answer(log.created_by),
        "parent_execution_log_id": None,
        "evaluation_context": None,
        "llm_output": None,
        "variables": None,
    }


def log_detail_answer(log: ExecutionLog, row: ItemWithResults) -> dict[str, Any]:
    given = row.item.input
    results = [result for result in row.results if result.status != ResultStatus.SKIPPED]
    said = [result.justification or result.failure_message for result in results]
    return {
        **log_answer(log),
        "batch_execution_id": log.item.batch_id,
        "item_index": log.item.index,
        "input": input_answer(given),
        "turns": [{**turn, "content": turn.get("content") or ""} for turn in given.get("turns", [])] or None,
        "evaluation_context": {name: given.get(name) for name in ("contexts", "expected_output")},
        "justification": "\n\n".join(text for text in said if text),
        "llm_output": given.get("response", ""),
        "model": ", ".join(dict.fromkeys(result.evaluator.model for result in results)),
        "model_call_duration": log.latency_ms / 1000,
        "scoring_criteria": "",
        "prompt_template": "",
        "rendered_prompt": "",
        "system_prompt": given.get("system_prompt", ""),
        "evaluator_results": [
            {
                "evaluator_id": _evaluator_id(result.evaluator),
                "evaluator_name": result.evaluator.name,
                "result": result.score,
                "threshold": 0.0,
                "status": "finished",
                "justification": result.justification or result.failure_message,
            }
            for result in results
        ],
        "evaluator_latencies": None,
        "classification": None,
        "confidence": None,
    }


def owner_answer(user: User | None) -> dict[str, str]:
    return {"email": user.email, "full_name": user.get_full_name()} if user else {"email": "", "full_name": "Releval"}


def _evaluator_id(row: BatchEvaluator) -> UUID:
    if row.evaluator_version is not None:
        return row.evaluator_version.evaluator_id
    assert row.judge_version is not None  # a constraint
    return row.judge_version.judge_id
