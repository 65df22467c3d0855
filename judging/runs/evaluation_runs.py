"""Changes to evaluation runs that exist. Making them is `import_run`, deleting them `evaluations.delete_run`."""

from collections.abc import Sequence

from django.db import transaction

from judging import ledger
from judging.foundation.errors import Conflict
from judging.foundation.validation import clean
from judging.metrics import validate_metrics
from judging.models import EvaluationRun, RunQuery
from judging.records.audit import record_event
from judging.records.certificates import void_certificates
from judging.records.roles import Actor, require_member
from judging.work import queue

# With more queries than this, the metrics are renewed in the background.
_INLINE_QUERIES = 200


def update_run(
    *,
    run: EvaluationRun,
    actor: Actor,
    name: str | None = None,
    description: str | None = None,
    metrics: Sequence[str] | None = None,
    relevant_from: int | None = None,
    judgments_wanted: int | None = None,
    engine_model: str | None = None,
    blind: bool | None = None,
    scale: str | None = None,
) -> EvaluationRun:
    """Change what may change of a run, None leaves as it is; return it with its metrics renewed where they changed.

    Raise Forbidden, Invalid, or Conflict (run_locked): what a locked run says stands still.
    """
    require_member(actor)
    with transaction.atomic():
        current = (
            EvaluationRun.objects.select_for_update(no_key=True, of=("self",))
            .select_related("evaluation")
            .get(pk=run.pk)
        )
        if current.is_locked:
            raise Conflict("the evaluation run is locked; unlock it to change it", code="run_locked")
        before = (current.metrics, current.relevant_from)
        was_blind = current.blind
        current.name = current.name if name is None else name.strip()
        current.description = current.description if description is None else description.strip()
        current.metrics = current.metrics if metrics is None else validate_metrics(metrics)
        current.relevant_from = current.relevant_from if relevant_from is None else relevant_from
        current.judgments_wanted = current.judgments_wanted if judgments_wanted is None else judgments_wanted
        current.engine_model = current.engine_model if engine_model is None else engine_model.strip()
        current.blind = current.blind if blind is None else blind
        problems: dict[str, list[str]] = {}
        if scale not in (None, current.scale):
            problems["scale"] = ["The scale of a run can't be changed: its grades are on it."]
        grading_scale = current.grading_scale
        if current.relevant_from not in grading_scale:
            problems["relevant_from"] = [f"a grade of the scale {grading_scale.name} from 1 to {grading_scale.maximum}"]
        # What the ledger computed may be empty.
        clean(current, exclude=["metric_values", "coverage_values"], errors=problems)
        names = ("name", "description", "metrics", "relevant_from", "judgments_wanted", "engine_model", "blind")
        current.save(update_fields=names)
        if current.relevant_from != before[1]:
            void_certificates(current.pk, "relevant_from_changed")
        has_new_metrics = (current.metrics, current.relevant_from) != before
        if has_new_metrics:
            RunQuery.objects.filter(run=current).update(has_stale_metrics=True)
            if current.query_count > _INLINE_QUERIES:
                queue.enqueue_metrics(current.pk)
        record_event(actor=actor, action="run_changed", subject=current)
        if current.blind != was_blind:
            record_event(actor=actor, action="run_made_blind" if current.blind else "run_made_open", subject=current)
    if has_new_metrics and current.query_count <= _INLINE_QUERIES:
        ledger.renew_metrics(current.pk)
        current.refresh_from_db()
    return current
