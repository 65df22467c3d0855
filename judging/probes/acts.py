"""Start and cancel probes."""

import logging
from collections.abc import Sequence

from django.db import IntegrityError, transaction

from judging.foundation.errors import Conflict, Invalid
from judging.models import (
    AIJudge,
    EvaluationRun,
    EvaluationRunStatus,
    JudgeVersion,
    Probe,
    ProbeItem,
    ProbeRun,
)
from judging.probes.planning import plan_probes
from judging.probes.results import store_results
from judging.records.audit import record_event
from judging.records.idempotency import Once, find_earlier, make_once, once_of
from judging.records.lists.archiving import check_in_use
from judging.records.roles import Actor, require_member, user_of
from judging.records.visibility import get_judge
from judging.work import lifecycle
from judging.work.lanes import lay_lanes

logger = logging.getLogger(__name__)


def start_probes(
    *,
    judge: AIJudge,
    evaluation_run: EvaluationRun,
    actor: Actor,
    version: int | None = None,
    probes: Sequence[str] = (),
    idempotency_key: str = "",
) -> ProbeRun:
    """Queue probes of a judge version (its current one, all probes) with queries and documents of a completed run.

    A locked run will do: nothing is written to it. Probes that can't be asked there say why. With an idempotency key,
    the same request again returns the probes it started. Raise Forbidden, NotFound, Invalid or Conflict
    (judge_archived, run_not_completed, probes_under_way, idempotency_key_reused).
    """
    require_member(actor)
    get_judge(actor, judge.pk)
    unknown = [name for name in probes if name not in Probe.values]
    if unknown:
        message = f"one or more of {', '.join(Probe.values)}"
        raise Invalid("unknown probe", errors={"probes": [message]})
    asked_for = {
        "judge": str(judge.pk),
        "run": str(evaluation_run.pk),
        "version": version,
        "probes": sorted(probes),
    }
    once = once_of(idempotency_key, asked_for)
    earlier = find_earlier(ProbeRun, actor=actor, once=once)
    if earlier is not None:
        return earlier

    def make() -> ProbeRun:
        with transaction.atomic():
            return _start(judge, evaluation_run, actor, version, probes or Probe.values, once)

    try:
        return make_once(ProbeRun, make, actor=actor, once=once)
    except IntegrityError:
        raise Conflict(
            "this version's probes are under way; wait for them, or cancel them", code="probes_under_way"
        ) from None


def _start(
    judge: AIJudge, evaluation_run: EvaluationRun, actor: Actor, number: int | None, chosen: Sequence[str], once: Once
) -> ProbeRun:
    # Both held, so that they are deleted before or after.
    run = EvaluationRun.objects.select_for_update(no_key=True).get(pk=evaluation_run.pk)
    if run.status != EvaluationRunStatus.COMPLETED:
        raise Conflict(
            f"the evaluation run is {run.status}; probes take documents of completed runs only",
            code="run_not_completed",
        )
    check_in_use(run)
    current = AIJudge.objects.select_for_update(no_key=True).get(pk=judge.pk)
    if current.archived_at is not None:
        raise Conflict("the judge was deleted; it is kept for its runs", code="judge_archived")
    version = JudgeVersion.objects.filter(judge=judge, number=number or current.version).first()
    if version is None:
        message = "the judge has no such version"
        raise Invalid(message, errors={"ai_judge_version": [message]})
    plan = plan_probes(run, version, chosen)
    probe_run = ProbeRun.objects.create(
        judge_version=version,
        evaluation_run=run,
        probes=plan.probes,
        not_run=plan.not_run,
        total_count=len(plan.questions),
        prompt_count=len({question.prompt_number for question in plan.questions}),
        idempotency_key=once.key,
        request_hash=once.request_hash,
        created_by=user_of(actor),
    )
    ProbeItem.objects.bulk_create(
        [
            ProbeItem(
                probe_run=probe_run,
                probe=question.probe,
                run_query_id=question.run_query_id,
                candidate_id=question.candidate_id,
                prompt_number=question.prompt_number,
                place=question.place,
            )
            for question in plan.questions
        ],
        batch_size=500,
    )
    record_event(
        actor=actor, action="probes_started", subject=probe_run, name=version.label, detail={"evaluation_run": run.name}
    )
    if plan.questions:
        lay_lanes(probe_run, version.max_concurrency)
    else:
        lifecycle.start(probe_run.kind, probe_run.pk)
        lifecycle.complete(probe_run.kind, probe_run.pk)
        store_results(probe_run.pk)
        probe_run.refresh_from_db()
    logger.info("probe run %s queued: %s questions, judge %s", probe_run.pk, len(plan.questions), version.label)
    return probe_run


def cancel_probes(*, probe_run: ProbeRun, actor: Actor) -> ProbeRun:
    """Cancel probes at once; cancelled ones stay as they are. Raise Forbidden, NotFound or Conflict (already_ended)."""
    require_member(actor)
    get_judge(actor, probe_run.judge_version.judge_id)

    def record() -> None:
        store_results(probe_run.pk)
        record_event(actor=actor, action="probes_cancelled", subject=probe_run, name=probe_run.judge_version.label)

    lifecycle.cancel_once(probe_run, what="the probe run", record=record)
    return probe_run
