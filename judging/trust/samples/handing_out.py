"""Hand out the next items of a check sample: leased, so that no two people get the same, and blind."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import Max, Q
from django.utils import timezone

from judging import ledger
from judging.foundation.errors import Conflict
from judging.foundation.limits import LEASED_FOR
from judging.models import Abstention, AuthorKind, Candidate, CheckSample, GradingHold, Judgment, User
from judging.records.grading import check_open_to_samples
from judging.records.roles import require_person
from judging.trust.grades import NONE
from judging.trust.samples.items import Items
from judging.trust.samples.looks import Look
from judging.trust.samples.planning import BATCH
from judging.trust.samples.states import Reader, runs_of, sample_state

_CHUNK = 200


@dataclass(frozen=True, slots=True)
class HandedItem:
    """An item as its grader gets it: its position in the queue (from 1) and the candidate that carries it."""

    position: int
    candidate: Candidate


@dataclass(frozen=True, slots=True)
class Handed:
    """Items leased by one person, grouped by query, and until when; None where nothing is left."""

    items: list[HandedItem]
    leased_until: datetime | None


def next_items(*, sample: CheckSample, actor: User, count: int = BATCH) -> Handed:
    """Lease the next items of a sample to `actor` for half an hour, having taken back what they had not graded.

    Consecutive ones of the queue, grouped by query; last, those that others skipped. Nobody gets what somebody else
    holds. Raise Forbidden or Conflict (run_locked, run_not_completed, sample_void).
    """
    require_person(actor)
    for run in runs_of(sample):
        check_open_to_samples(run)
    state = sample_state(sample, Reader())
    if state.look is None:
        raise Conflict("the run's candidates have changed since the sample was started", code="sample_void")
    look = state.look
    with transaction.atomic():
        # After it no grade and no other lease of the corpus comes in between.
        unlocked = ledger.lock_unlocked_runs(sample.run.evaluation.corpus_id, sample.run.scale)
        if any(run.pk not in unlocked for run in runs_of(sample)):
            raise Conflict("the evaluation run is locked: no judgment on it can change", code="run_locked")
        GradingHold.objects.filter(sample=sample, user=actor).delete()
        chosen = _free_items(sample, actor, look, count)
        grouped = _by_query(look.plan.items, chosen)
        until = timezone.now() + LEASED_FOR
        carried = {item: int(look.plan.items.candidates[item]) for item in grouped}
        leased = _lease(sample, actor, list(carried.values()), until)
        grouped = [item for item in grouped if carried[item] in leased]
    pks = [carried[item] for item in grouped]
    candidates = Candidate.objects.select_related("run_query", "document", "document_version").in_bulk(pks)
    position = look.positions
    items = [HandedItem(int(position[item]), candidates[pk]) for item, pk in zip(grouped, pks, strict=True)]
    return Handed(items, until if items else None)


def postpone_item(*, sample: CheckSample, candidate: Candidate, actor: User) -> None:
    """Put an item at the end of what `actor` has leased of a sample. Raise Forbidden, or Conflict for a closed run."""
    require_person(actor)
    for run in runs_of(sample):
        check_open_to_samples(run)
    leases = GradingHold.objects.filter(sample=sample, user=actor)
    last = leases.aggregate(last=Max("place"))["last"]
    if last is not None:
        leases.filter(candidate=candidate).update(place=last + 1)
        leases.update(until=timezone.now() + LEASED_FOR)


def is_anything_left(sample: CheckSample, look: Look, person: User) -> bool:
    """Say whether `next_items` would have something for a person now."""
    return bool(_free_items(sample, person, look, 1))


def leased_candidates(sample: CheckSample, actor: User) -> list[int]:
    """Return the pks of what a person has leased of a sample and not yet done, in the order it was handed out."""
    leases = GradingHold.objects.filter(sample=sample, user=actor, until__gt=timezone.now())
    return list(leases.order_by("place").values_list("candidate_id", flat=True))


def _free_items(sample: CheckSample, actor: User, look: Look, count: int) -> list[int]:
    """Return items that nobody holds and that were not done since the look, in the order of the queue."""
    items = look.plan.items
    held = _held_pairs(sample, actor)
    found: list[int] = []
    for chunk, is_last in _chunks(look):
        pairs = {item: (int(items.query_ids[items.queries[item]]), int(items.documents[item])) for item in chunk}
        # Skipped ones go to people who have not said anything about them.
        done = _done_pairs(sample, set(pairs.values()), actor if is_last else None)
        found.extend(
            item
            for item, pair in pairs.items()
            if pair not in held and pair not in done and items.candidates[item] != NONE
        )
        if len(found) >= count:
            break
    return found[:count]


def _chunks(look: Look) -> Iterator[tuple[list[int], bool]]:
    for queue, is_last in ((look.to_do, False), (look.to_do_last, True)):
        for start in range(0, len(queue), _CHUNK):
            yield queue[start : start + _CHUNK].tolist(), is_last


def _held_pairs(sample: CheckSample, actor: User) -> set[tuple[int, int]]:
    """Return what others hold now, on the Evaluate page or of any sample: few, as people are."""
    holds = GradingHold.objects.filter(
        until__gt=timezone.now(),
        candidate__run__evaluation__corpus_id=sample.run.evaluation.corpus_id,
        candidate__run__scale=sample.run.scale,
    ).exclude(user=actor)
    return set(holds.values_list("candidate__query_id", "candidate__document_id"))


def _done_pairs(sample: CheckSample, pairs: set[tuple[int, int]], person: User | None) -> set[tuple[int, int]]:
    """Return which pairs have a blind grade by now; with a person, also those that person graded or skipped."""
    queries, documents = {pair[0] for pair in pairs}, {pair[1] for pair in pairs}
    is_done = Q(blind_grade__isnull=False)
    if person is not None:
        is_done |= Q(author_kind=AuthorKind.MEMBER, member=person)
    graded = Judgment.objects.filter(
        is_done, scale=sample.run.scale, query_id__in=queries, document_id__in=documents
    ).values_list("query_id", "document_id")
    done = set(graded)
    if person is not None:
        abstained = Abstention.objects.filter(
            user=person,
            candidate__run__scale=sample.run.scale,
            candidate__query_id__in=queries,
            candidate__document_id__in=documents,
        )
        done |= set(abstained.values_list("candidate__query_id", "candidate__document_id"))
    return done


def _by_query(items: Items, chosen: list[int]) -> list[int]:
    """Bring the items of a query together, where the first of them stands."""
    groups: dict[int, list[int]] = {}
    for item in chosen:
        groups.setdefault(int(items.queries[item]), []).append(item)
    return [item for group in groups.values() for item in group]


def _lease(sample: CheckSample, actor: User, pks: list[int], until: datetime) -> set[int]:
    """Lease candidates and return those that were free: the Evaluate page may have taken one a moment ago."""
    is_free = Q(user=actor) | Q(until__lte=timezone.now())
    GradingHold.objects.filter(is_free, candidate_id__in=pks).delete()
    GradingHold.objects.bulk_create(
        (
            GradingHold(candidate_id=pk, user=actor, until=until, sample=sample, place=place)
            for place, pk in enumerate(pks, start=1)
        ),
        ignore_conflicts=True,
    )
    return set(GradingHold.objects.filter(sample=sample, user=actor).values_list("candidate_id", flat=True))
