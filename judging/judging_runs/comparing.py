"""Which judging runs a judging run can be compared with, and with which one at first."""

from django.db.models import Count, F

from judging.judging_runs.run_reads import judging_runs
from judging.models import Candidate, EvaluationRun, JudgeVersion, JudgingRun

MOST_COMPARABLE = 50


def comparable_runs(evaluation_run: EvaluationRun) -> list[JudgingRun]:
    """Return the newest judging runs with grades on the scale and of the corpus of an evaluation run, its own first."""
    graded = judging_runs().filter(
        judged_count__gt=0,
        evaluation_run__scale=evaluation_run.scale,
        evaluation_run__evaluation__corpus_id=evaluation_run.evaluation.corpus_id,
    )
    own = list(graded.filter(evaluation_run=evaluation_run)[:MOST_COMPARABLE])
    return own + list(graded.exclude(evaluation_run=evaluation_run)[: MOST_COMPARABLE - len(own)])


def usual_other(judging_run: JudgingRun, others: list[JudgingRun]) -> JudgingRun | None:
    """Return what a judging run is compared with unless somebody says so: whose grades count, else the one before it.

    `others` are comparable runs as listed. The grades that count are those of record on most of its candidates.
    """
    by_id = {other.pk: other for other in others if other.pk != judging_run.pk}
    of_record = (
        Candidate.objects.filter(run_id=judging_run.evaluation_run_id, ai_judgment__judging_run_id__isnull=False)
        .order_by()
        .values(source=F("ai_judgment__judging_run_id"))
        .annotate(count=Count("pk"))
        .order_by("-count")
    )
    for source in of_record.values_list("source", flat=True)[:3]:
        if source in by_id:
            return by_id[source]
    on_same = [other for other in by_id.values() if other.evaluation_run_id == judging_run.evaluation_run_id]
    before = [other for other in on_same if other.created_at < judging_run.created_at]
    return next(iter([*before, *on_same, *by_id.values()]), None)


def newest_run_of_both(old: JudgeVersion, new: JudgeVersion) -> EvaluationRun | None:
    """Return the newest evaluation run on which both versions gave grades, trials included."""
    runs = EvaluationRun.objects.all()
    for version in (old, new):
        graded = JudgingRun.objects.filter(judge_version=version, judged_count__gt=0)
        runs = runs.filter(pk__in=graded.values("evaluation_run_id"))
    return runs.order_by("-created_at", "pk").first()
