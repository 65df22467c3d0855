"""Whose grades are behind a run's values: whether any is the AI's, and which models gave those."""

from django.db.models import Exists, OuterRef, QuerySet

from judging.models import PEOPLE, AuthorKind, EvaluationRun, JudgeVersion, Judgment, LockedJudgment, RunQuery


def counts_ai_grades(run: EvaluationRun) -> bool:
    """Tell whether a run's values rest on any grade of the AI's that no person's stands before.

    Also on documents that the run did not return: metrics such as NDCG look at all that is known of a query.
    """
    if run.is_locked:
        locked = LockedJudgment.objects.filter(
            run=run, query_id=OuterRef("query_id"), document_id=OuterRef("document_id"), author_kind__in=PEOPLE
        )
        return _locked_ai(run).filter(~Exists(locked)).exists()
    people = Judgment.objects.filter(
        query_id=OuterRef("query_id"),
        document_id=OuterRef("document_id"),
        scale=OuterRef("scale"),
        author_kind__in=PEOPLE,
    )
    return _ai(run).filter(~Exists(people)).exists()


def judge_models(run: EvaluationRun) -> list[str]:
    """Return the models of the judges whose grades of a run's queries count as the AI's, by name; imported ones have
    none."""
    if run.is_locked:
        of_run = JudgeVersion.objects.filter(pk__in=_locked_ai(run).values("judge_version_id"))
    else:
        of_run = JudgeVersion.objects.filter(pk__in=_ai(run).values("judge_version_id"))
    return sorted(set(of_run.values_list("model", flat=True)))


def _ai(run: EvaluationRun) -> QuerySet[Judgment]:
    queries = RunQuery.objects.filter(run=run).values("query_id")
    return Judgment.objects.filter(query_id__in=queries, scale=run.scale, author_kind=AuthorKind.AI)


def _locked_ai(run: EvaluationRun) -> QuerySet[LockedJudgment]:
    return LockedJudgment.objects.filter(run=run, author_kind=AuthorKind.AI)
