"""Who judges a run: what each person is to grade, has graded and can't tell, and how fast they are.

The number of statements does not grow with people, queries or grades.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from statistics import median
from typing import Any
from uuid import UUID

from django.db.models import Count, Exists, F, Max, OuterRef, Q, QuerySet, Sum, Window
from django.db.models.functions import RowNumber

from judging.models import Abstention, Assignment, AuthorKind, Candidate, EvaluationRun, Judgment, RunQuery, User
from judging.review.abstentions import abstentions_of

# Of a person's newest grades: how fast they are now.
_PACED_GRADES = 200
# What takes longer was a pause, or began with one.
_LONGEST_GRADE = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class PersonAtWork:
    """A person's part in a run.

    `query_count` and `candidate_count` are assigned to them, of which `left_count` still want their grade; all 0 without
    an assignment. `seconds_per_grade` is the median time from one grade to the next, pauses of more than five minutes
    left out; None below two grades.
    """

    user: User
    query_count: int
    candidate_count: int
    left_count: int
    graded_count: int
    cant_tell_count: int
    last_graded_at: datetime | None
    seconds_per_grade: float | None


@dataclass(frozen=True, slots=True)
class Unassigned:
    """What of a run nobody has: queries, and those of their candidates that still want a grade."""

    query_count: int
    left_count: int


def people_at_work(run: EvaluationRun) -> list[PersonAtWork]:
    """Return everybody who can grade, and those who have before their account was closed, by e-mail address."""
    assigned = _assigned(run)
    left = dict(_left(run))
    graded = {pk: (count, last) for pk, count, last in _graded(run)}
    cant_tell = dict(abstentions_of(run, None).order_by().values_list("user").annotate(Count("pk")))
    seconds = _seconds(run)
    users = User.objects.filter(Q(is_active=True) | Q(pk__in=[*graded, *cant_tell])).order_by("email")
    return [
        PersonAtWork(
            user,
            *assigned.get(user.pk, (0, 0)),
            left.get(user.pk, 0),
            graded.get(user.pk, (0, None))[0],
            cant_tell.get(user.pk, 0),
            graded.get(user.pk, (0, None))[1],
            seconds.get(user.pk),
        )
        for user in users
    ]


def unassigned(run: EvaluationRun) -> Unassigned:
    """Return what nobody has; where nothing is assigned, that is all of the run."""
    free = RunQuery.objects.filter(~Exists(Assignment.objects.filter(run_query=OuterRef("pk"))), run=run)
    left = Candidate.objects.filter(run=run, people_count__lt=run.judgments_wanted, run_query__in=free.order_by())
    return Unassigned(free.count(), left.count())


def assignees(run_query_ids: Sequence[UUID]) -> dict[UUID, list[User]]:
    """Return the people to whom each of these queries is assigned, by e-mail address."""
    found: dict[UUID, list[User]] = defaultdict(list)
    rows = Assignment.objects.filter(run_query__in=run_query_ids).select_related("user").order_by("user__email")
    for row in rows:
        found[row.run_query_id].append(row.user)
    return found


def _assigned(run: EvaluationRun) -> dict[UUID, tuple[int, int]]:
    rows = Assignment.objects.filter(run=run).order_by().values_list("user")
    counted = rows.annotate(Count("pk"), Sum("run_query__candidate_count"))
    return {pk: (queries, candidates) for pk, queries, candidates in counted}


def _left(run: EvaluationRun) -> "QuerySet[Any, Any]":
    """Count what is open to each person of their assignment."""
    candidate = "run_query__candidates"
    graded = Judgment.objects.filter(
        author_kind=AuthorKind.MEMBER,
        member=OuterRef("user_id"),
        scale=run.scale,
        query=OuterRef(f"{candidate}__query_id"),
        document=OuterRef(f"{candidate}__document_id"),
    )
    given_up = Abstention.objects.filter(candidate=OuterRef(f"{candidate}__pk"), user=OuterRef("user_id"))
    wanted = {f"{candidate}__run": run, f"{candidate}__people_count__lt": run.judgments_wanted}
    # In one filter: each further one would join the candidates anew.
    rows = Assignment.objects.filter(~Exists(graded), ~Exists(given_up), run=run, **wanted)
    return rows.order_by().values_list("user").annotate(Count("pk"))


def _grades(run: EvaluationRun) -> QuerySet[Judgment]:
    """Return members' grades of a run's candidates."""
    pairs = Candidate.objects.filter(run=run, query=OuterRef("query_id"), document=OuterRef("document_id"))
    return Judgment.objects.filter(
        Exists(pairs),
        author_kind=AuthorKind.MEMBER,
        scale=run.scale,
        query__in=RunQuery.objects.filter(run=run).order_by().values("query_id"),
    )


def _graded(run: EvaluationRun) -> "QuerySet[Any, Any]":
    return _grades(run).order_by().values_list("member").annotate(Count("pk"), Max("updated_at"))


def _seconds(run: EvaluationRun) -> dict[UUID, float]:
    place = Window(RowNumber(), partition_by=F("member_id"), order_by=F("created_at").desc())
    newest = _grades(run).annotate(place=place).filter(place__lte=_PACED_GRADES)
    moments: dict[UUID, list[datetime]] = defaultdict(list)
    for member_id, moment in newest.order_by("member_id", "created_at").values_list("member_id", "created_at"):
        moments[member_id].append(moment)
    found = {}
    for member_id, given in moments.items():
        # Grades given at once, as by confirming several of the AI's, are one moment.
        spans = [later - earlier for earlier, later in pairwise(sorted(set(given)))]
        seconds = [span.total_seconds() for span in spans if span <= _LONGEST_GRADE]
        if seconds:
            found[member_id] = median(seconds)
    return found
