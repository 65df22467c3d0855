"""The runs in which something is left for a person to grade."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db.models import Count, Exists, F, OuterRef, Q

from judging.models import (
    Abstention,
    Assignment,
    AuthorKind,
    Candidate,
    EvaluationRun,
    EvaluationRunStatus,
    Judgment,
    User,
)
from judging.records.lists.archiving import IN_USE
from judging.review.team.offers import offered_to

# The newest, and those where something is assigned: all candidates of each are looked at.
_MOST_RUNS = 20


@dataclass(frozen=True, slots=True)
class OpenRun:
    """A run with the number of candidates that the Evaluate page still offers a person."""

    run: EvaluationRun
    left_count: int
    is_assigned: bool


def open_runs(user: User) -> list[OpenRun]:
    """Return the runs that take grades and have something left for `user`: with an assignment first, then the newest."""
    runs = (
        EvaluationRun.objects.filter(
            IN_USE, status__in=(EvaluationRunStatus.COMPLETED, EvaluationRunStatus.CANCELLED), is_locked=False
        )
        .annotate(is_assigned=Exists(Assignment.objects.filter(run=OuterRef("pk"), user=user)))
        .select_related("evaluation")
        .order_by("-is_assigned", "-created_at", "pk")
    )
    found = list(runs[:_MOST_RUNS])
    left = _left(found, user)
    return [OpenRun(run, left[run.pk], run.is_assigned) for run in found if run.pk in left]


def _left(runs: Sequence[EvaluationRun], user: User) -> dict[UUID | None, int]:
    graded = Judgment.objects.filter(
        author_kind=AuthorKind.MEMBER,
        member=user,
        scale=OuterRef("run__scale"),
        query=OuterRef("query_id"),
        document=OuterRef("document_id"),
    )
    wanted = Candidate.objects.filter(
        Q(people_count__lt=F("run__judgments_wanted")),
        offered_to(user),
        ~Exists(graded),
        ~Exists(Abstention.objects.filter(candidate=OuterRef("pk"), user=user)),
        run__in=runs,
    )
    return dict(wanted.order_by().values_list("run").annotate(Count("pk")))
