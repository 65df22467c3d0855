"""What one person has graded in a run, and what is still open to them on the Evaluate page."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.db.models.expressions import Combinable

from judging.foundation.errors import NotFound
from judging.ledger import PersonGrade
from judging.models import Abstention, AuthorKind, Candidate, EvaluationRun, GradingHold, Judgment, User
from judging.records.blindness import evaluates_blind
from judging.review.shuffling import shuffled_place
from judging.review.team.offers import offered_to


@dataclass(frozen=True, slots=True)
class EvaluatingProgress:
    """A person's own work on a run: candidates graded, given up ("I can't tell"), and those still open to them."""

    graded_count: int
    abstained_count: int
    open_count: int

    @property
    def total_count(self) -> int:
        return self.graded_count + self.abstained_count + self.open_count

    @property
    def done_count(self) -> int:
        return self.graded_count + self.abstained_count


def candidate_of(run: EvaluationRun, candidate_pk: int) -> Candidate:
    """Return a candidate of a run. Raise NotFound."""
    candidate = Candidate.objects.filter(run=run, pk=candidate_pk).select_related("run").first()
    if candidate is None:
        raise NotFound("no such candidate in this evaluation run")
    return candidate


def open_candidates(run: EvaluationRun, user: User) -> QuerySet[Candidate]:
    """Return what `user` can grade next, by query and rank, shuffled within a query for who evaluates blind: not graded or given up by them, wanted by the run,
    and within what they are offered.
    """
    return (
        Candidate.objects.filter(run=run, people_count__lt=run.judgments_wanted)
        .filter(offered_to(user), ~Exists(_own(run, user)), ~Exists(_abstained(user)))
        .annotate(place=_place_in_query(run, user))
        .order_by("position", "place")
    )


def free_candidates(run: EvaluationRun, user: User, *, now: datetime) -> QuerySet[Candidate]:
    """Return the open candidates that nobody else holds at `now`, and nobody at all as part of a check sample."""
    held = GradingHold.objects.filter(candidate=OuterRef("pk"), until__gt=now).exclude(user=user)
    return open_candidates(run, user).filter(~Exists(held), not_leased(run, now=now))


def not_leased(run: EvaluationRun, *, now: datetime) -> Q:
    """Return what tells candidates apart from those leased of a check sample, in whatever run it has the pair from."""
    leases = GradingHold.objects.filter(sample__isnull=False, until__gt=now, candidate__run__scale=run.scale)
    same = leases.filter(candidate__query=OuterRef("query_id"), candidate__document=OuterRef("document_id"))
    return Q(~Exists(same))


def after_place(candidates: QuerySet[Candidate], last: Candidate, user: User) -> QuerySet[Candidate]:
    """Return those of a user's open candidates that come after `last` in their order."""
    place_of_last = Candidate.objects.filter(pk=last.pk).values_list(_place_in_query(last.of_run, user)).get()[0]
    # The first condition is redundant, but lets the databases start reading the index there.
    return candidates.filter(
        Q(position__gte=last.position) & (Q(position__gt=last.position) | Q(place__gt=place_of_last))
    )


def _place_in_query(run: EvaluationRun, user: User) -> Combinable:
    return shuffled_place(run, user) if evaluates_blind(run, user) else F("rank")


def progress_of(run: EvaluationRun, user: User) -> EvaluatingProgress:
    """Return a person's progress. Costs what they have done, and one pass over an index of the run."""
    pairs = Candidate.objects.filter(run=run, query=OuterRef("query_id"), document=OuterRef("document_id"))
    own = Judgment.objects.filter(author_kind=AuthorKind.MEMBER, member=user, scale=run.scale)
    given_up = Abstention.objects.filter(user=user, candidate__run=run).filter(
        ~Exists(
            own.filter(query=OuterRef("candidate__query_id"), document=OuterRef("candidate__document_id")).order_by()
        )
    )
    wanted = Q(people_count__lt=run.judgments_wanted) & offered_to(user)
    still_wanted = Candidate.objects.filter(wanted, run=run).count()
    graded_but_wanted = own.filter(Exists(pairs.filter(wanted))).count() if run.judgments_wanted > 1 else 0
    still_wanted_pairs = Candidate.objects.filter(wanted, run=run, pk=OuterRef("candidate_id"))
    given_up_but_wanted = given_up.filter(Exists(still_wanted_pairs)).count()
    return EvaluatingProgress(
        graded_count=own.filter(Exists(pairs)).count(),
        abstained_count=given_up.count(),
        open_count=still_wanted - graded_but_wanted - given_up_but_wanted,
    )


def own_grades(run: EvaluationRun, candidate_pks: Collection[int], user: User) -> dict[int, PersonGrade]:
    """Return the grade of `user` for each of these candidates of the run, by candidate_pk."""
    candidates = Candidate.objects.by_pk(run, candidate_pks).values_list("pk", "query_id", "document_id")
    pairs = {(query_id, document_id): pk for pk, query_id, document_id in candidates}
    own = {pk: PersonGrade(pk) for pk in pairs.values()}
    judgments = Judgment.objects.filter(
        author_kind=AuthorKind.MEMBER,
        member=user,
        scale=run.scale,
        query_id__in={query_id for query_id, _ in pairs},
        document_id__in={document_id for _, document_id in pairs},
    )
    for judgment in judgments:
        pk = pairs.get((judgment.query_id, judgment.document_id))
        if pk is not None:
            own[pk] = PersonGrade(pk, judgment.grade, judgment.reasoning, judgment.saw_ai_grade)
    return own


def graded_before(run: EvaluationRun, user: User, candidate: Candidate | None = None) -> Candidate | None:
    """Return what `user` graded in a run just before `candidate`, None without a candidate: last of all."""
    own = Judgment.objects.filter(author_kind=AuthorKind.MEMBER, member=user, scale=run.scale)
    pairs = Candidate.objects.filter(run=run, query=OuterRef("query_id"), document=OuterRef("document_id"))
    earlier = own.filter(Exists(pairs)).order_by("-updated_at", "-id")
    if candidate is not None:
        given = own.filter(query=candidate.query_id, document=candidate.document_id).first()
        if given is None:
            return None
        earlier = earlier.filter(Q(updated_at__lt=given.updated_at) | Q(updated_at=given.updated_at, id__lt=given.pk))
    found = earlier.first()
    if found is None:
        return None
    return Candidate.objects.filter(run=run, query=found.query_id, document=found.document_id).first()


def _own(run: EvaluationRun, user: User) -> QuerySet[Judgment]:
    return Judgment.objects.filter(
        author_kind=AuthorKind.MEMBER,
        member=user,
        scale=run.scale,
        query=OuterRef("query_id"),
        document=OuterRef("document_id"),
    )


def _abstained(user: User) -> QuerySet[Abstention]:
    return Abstention.objects.filter(candidate=OuterRef("pk"), user=user)
