"""Let the grades of an ended judging run count: the act, and what it would do."""

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Max

from judging.foundation.clock import shared_now
from judging.foundation.errors import Conflict
from judging.judging_runs.finishing_current import finish_making_current
from judging.ledger import Effect, effect_of_making_current, left_to_make_current, lock_unlocked_runs
from judging.models import AuditEvent, EvaluationRun, JudgingRun
from judging.records.audit import record_event
from judging.records.roles import Actor, require_member
from judging.work import queue

ACTION = "judging_run_made_current"
# How long a caller waits: 100,000 grades take a minute. The rest is for the workers.
PATIENCE_SECONDS = 8.0
_MOST_LABELS = 5


def preview_making_current(judging_run: JudgingRun) -> Effect:
    """Return what `make_judging_run_current` would change. Raise Conflict (judging_run_active, run_locked)."""
    check_can_count(judging_run)
    return effect_of_making_current(judging_run)


def check_can_count(judging_run: JudgingRun) -> None:
    """Raise Conflict when the grades of a judging run in this state can't be made to count."""
    if judging_run.is_active:
        raise Conflict("the AI judging run is still at work", code="judging_run_active")
    if judging_run.evaluation_run.is_locked:
        raise Conflict("the evaluation run is locked; unlock it first", code="run_locked")


def make_judging_run_current(*, judging_run: JudgingRun, actor: Actor) -> Effect:
    """Let the grades of an ended judging run count, as if it had been started last; return what that changes.

    Older runs still at work overwrite none of them from then on; a run started later does. A pair the run has no grade
    for keeps its own. Every unlocked run of the corpus on the scale follows, their metrics in the background; on its own
    candidates the run has the last word. Large runs go on in the background, too. Raise Forbidden, or Conflict
    (judging_run_active, run_locked): then nothing changes anywhere.
    """
    require_member(actor)
    with transaction.atomic():
        evaluation_run = EvaluationRun.objects.select_related("evaluation").get(pk=judging_run.evaluation_run_id)
        # Held first, as everything that writes judgments does: a lock falls wholly before or after this.
        unlocked = lock_unlocked_runs(evaluation_run.evaluation.corpus_id, evaluation_run.scale)
        run = JudgingRun.objects.select_for_update(no_key=True).get(pk=judging_run.pk)
        run.evaluation_run = evaluation_run
        evaluation_run.is_locked = evaluation_run.pk not in unlocked
        check_can_count(run)
        effect = effect_of_making_current(run)
        run.made_current_at = _latest_moment(evaluation_run)
        run.save(update_fields=["made_current_at"])
        name = str(run.judge_version.label)
        record_event(actor=actor, action=ACTION, subject=run, name=name, detail=_detail(effect))
    judging_run.made_current_at = run.made_current_at
    if not finish_making_current(run.pk, seconds=PATIENCE_SECONDS):
        queue.enqueue_making_current(run.pk)
    return effect


def _latest_moment(evaluation_run: EvaluationRun) -> datetime:
    """Return a moment after that of every other run it competes with, whatever the clocks of their hosts said."""
    of_corpus = JudgingRun.objects.filter(
        evaluation_run__evaluation__corpus_id=evaluation_run.evaluation.corpus_id,
        evaluation_run__scale=evaluation_run.scale,
    )
    found = of_corpus.aggregate(created=Max("created_at"), made=Max("made_current_at"))
    moments: list[datetime] = [moment for moment in found.values() if moment is not None]
    return max([shared_now(), *(moment + timedelta(microseconds=1) for moment in moments)])


def _detail(effect: Effect) -> dict[str, object]:
    labels = [f"{each.judge_label} ({each.count:,})" for each in effect.replaced[:_MOST_LABELS]]
    if len(effect.replaced) > _MOST_LABELS:
        labels.append("and others")
    return {
        "changed": effect.changed_count,
        "added": effect.added_count,
        "unchanged": effect.unchanged_count,
        "replaced": ", ".join(labels),
        "back_to": str(effect.back_to_id or ""),
        "imported": sum(each.count for each in effect.replaced if each.judging_run_id is None),
    }


def is_being_made_current(judging_run: JudgingRun) -> bool:
    """Tell whether a run was made current and not all of its grades are written yet: large ones take a minute."""
    return judging_run.made_current_at is not None and left_to_make_current(judging_run).exists()


def last_time_made_current(judging_run: JudgingRun) -> AuditEvent | None:
    """Return the event of the last time that a run's grades were made to count, with what it changed then."""
    events = AuditEvent.objects.filter(action=ACTION, subject_type="judging_run", subject_id=str(judging_run.pk))
    return events.select_related("actor").order_by("-id").first()
