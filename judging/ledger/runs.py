"""The runs that a change of judgments affects."""

from collections.abc import Collection, Iterable, Mapping
from uuid import UUID

from django.db.models import F
from django.utils import timezone

from judging.models import EvaluationRun, RunQuery


def lock_unlocked_runs(corpus_id: UUID, scale: str) -> list[UUID]:
    """Return the corpus's unlocked runs on a scale, their rows held to the end of the transaction.

    Everything that writes judgments takes these first and in this order, so that writers of one corpus follow one
    another, a lock of the run falls wholly before or after, and no two of them can wait for each other.
    """
    return list(
        EvaluationRun.objects.select_for_update(no_key=True)
        .filter(evaluation__corpus_id=corpus_id, scale=scale, is_locked=False)
        .order_by("pk")
        .values_list("pk", flat=True)
    )


def mark_stale(query_ids: set[int], unlocked: Collection[UUID]) -> set[UUID]:
    """Mark the metrics of these queries stale in each of the runs; return the runs where any was up to date.

    In each: a document that a run did not return counts in its ideal ranking, too.
    """
    fresh = (
        RunQuery.objects.filter(query_id__in=query_ids, has_stale_metrics=False).order_by().values_list("pk", "run_id")
    )
    marked = {pk: run_id for pk, run_id in fresh if run_id in unlocked}
    ids = list(marked)
    for start in range(0, len(ids), 500):
        RunQuery.objects.filter(pk__in=ids[start : start + 500]).update(has_stale_metrics=True)
    return set(marked.values())


def note_change(run_ids: Iterable[UUID], newly_judged: Mapping[UUID, int] | None = None) -> None:
    """Note on runs that judgments on their candidates changed: what was computed from them is out of date.

    `newly_judged` is what to add to the numbers of candidates with an effective grade.
    """
    now, added = timezone.now(), newly_judged or {}
    unchanged = {run_id for run_id in run_ids if not added.get(run_id)}
    if unchanged:
        EvaluationRun.objects.filter(pk__in=unchanged).update(judgments_at=now)
    for run_id, count in sorted(added.items()):
        if count:
            EvaluationRun.objects.filter(pk=run_id).update(judged_count=F("judged_count") + count, judgments_at=now)
