"""Assign a run's queries to people: these queries to these people, or a fair share to each."""

from collections.abc import Collection, Sequence
from heapq import heapify, heappop, heappush
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, OuterRef

from judging.foundation.errors import Invalid, NotFound
from judging.foundation.limits import MAX_ASSIGNED_PEOPLE, MAX_ASSIGNED_QUERIES
from judging.models import Assignment, EvaluationRun, RunQuery, User
from judging.records.audit import record_event
from judging.records.grading import check_open
from judging.records.roles import Actor, require_member

_CHUNK = 5000


def assign_queries(
    *, run: EvaluationRun, run_query_ids: Collection[UUID], people: Collection[UUID], actor: Actor
) -> None:
    """Make these queries the assignment of these people and of nobody else; of no people: take the queries back.

    Raise Forbidden, NotFound (a query of another run), Invalid, Conflict (run_locked, run_not_completed).
    """
    require_member(actor)
    check_open(run)
    wanted = set(run_query_ids)
    if not 0 < len(wanted) <= MAX_ASSIGNED_QUERIES:
        raise Invalid("choose the queries", errors={"query_ids": [f"1 to {MAX_ASSIGNED_QUERIES} queries at once"]})
    if RunQuery.objects.filter(run=run, pk__in=wanted).count() != len(wanted):
        raise NotFound("no such query in this evaluation run")
    chosen = _checked(people)
    with transaction.atomic():
        _locked(run)
        Assignment.objects.filter(run_query__in=wanted).exclude(user__in=chosen).delete()
        _store(run, [(run_query_id, person) for run_query_id in sorted(wanted) for person in chosen])
        _record(run, actor, query_count=len(wanted), people=chosen)


def share_out(*, run: EvaluationRun, people: Collection[UUID], actor: Actor, only_unassigned: bool = False) -> None:
    """Give each of these people a fair share of the run's queries, in place of what was assigned before.

    Fair by candidates; each query goes to as many people as the run wants judgments of. The same people get the same
    shares each time; no people: nothing is assigned any more. `only_unassigned`: what people have stays theirs, and
    the rest is shared out. Raise Forbidden, Invalid, Conflict (run_locked, run_not_completed).
    """
    require_member(actor)
    check_open(run)
    chosen = _checked(people)
    if only_unassigned and not chosen:
        raise Invalid("choose people", errors={"people": ["choose who is to have the queries that nobody has"]})
    with transaction.atomic():
        _locked(run)
        queries = RunQuery.objects.filter(run=run).order_by("position")
        if only_unassigned:
            queries = queries.filter(~Exists(Assignment.objects.filter(run_query=OuterRef("pk"))))
        else:
            Assignment.objects.filter(run=run).delete()
        counted = list(queries.values_list("pk", "candidate_count")) if chosen else []
        _store(run, _fair_shares(counted, chosen, each=run.judgments_wanted))
        _record(run, actor, query_count=len(counted), people=chosen)


def _fair_shares(queries: Sequence[tuple[UUID, int]], people: Sequence[UUID], *, each: int) -> list[tuple[UUID, UUID]]:
    """Return (query, person): each query to the `each` people who have the fewest candidates so far."""
    loads = [(0, place) for place in range(len(people))]
    heapify(loads)
    shares = []
    for run_query_id, candidate_count in queries:
        taken = [heappop(loads) for _ in range(min(each, len(people)))]
        for load, place in taken:
            shares.append((run_query_id, people[place]))
            heappush(loads, (load + candidate_count, place))
    return shares


def _checked(people: Collection[UUID]) -> list[UUID]:
    chosen = sorted(set(people))
    if len(chosen) > MAX_ASSIGNED_PEOPLE:
        raise Invalid("too many people", errors={"people": [f"at most {MAX_ASSIGNED_PEOPLE} people"]})
    if User.objects.filter(pk__in=chosen, is_active=True).count() != len(chosen):
        raise Invalid("unknown people", errors={"people": ["somebody has no account, or a closed one"]})
    return chosen


def _locked(run: EvaluationRun) -> None:
    # One assigns at a time, and nobody while the run is locked or deleted.
    if not EvaluationRun.objects.select_for_update(no_key=True).filter(pk=run.pk).exists():
        raise NotFound("no such evaluation run")


def _store(run: EvaluationRun, shares: Sequence[tuple[UUID, UUID]]) -> None:
    rows = (Assignment(run=run, run_query_id=run_query_id, user_id=person) for run_query_id, person in shares)
    Assignment.objects.bulk_create(rows, batch_size=_CHUNK, ignore_conflicts=True)


def _record(run: EvaluationRun, actor: Actor, *, query_count: int, people: Sequence[UUID]) -> None:
    emails = list(User.objects.filter(pk__in=people).order_by("email").values_list("email", flat=True))
    record_event(actor=actor, action="queries_assigned", subject=run, detail={"queries": query_count, "people": emails})
