"""Who can't tell how relevant a candidate is, and why."""

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass

from django.db.models import Exists, OuterRef, QuerySet

from judging.models import Abstention, AuthorKind, EvaluationRun, Judgment, User
from judging.records.blindness import sight_of


@dataclass(frozen=True, slots=True)
class CantTell:
    """One person's "I can't tell" about a candidate. `person` is the e-mail address."""

    person: str
    reason: str
    is_viewer: bool


def abstentions_of(run: EvaluationRun, viewer: User | None) -> QuerySet[Abstention]:
    """Return who can't tell in a run as `viewer` may see it: the blind their own. Whoever has graded since, can tell."""
    graded = Judgment.objects.filter(
        author_kind=AuthorKind.MEMBER,
        member=OuterRef("user_id"),
        scale=run.scale,
        query=OuterRef("candidate__query_id"),
        document=OuterRef("candidate__document_id"),
    )
    abstentions = Abstention.objects.filter(~Exists(graded), candidate__run=run)
    return abstentions.filter(user=viewer) if sight_of(run, viewer).is_blind else abstentions


def cant_tell_count(run: EvaluationRun, viewer: User) -> int:
    """Count the candidates that somebody can't tell of, as `viewer` may see it."""
    return abstentions_of(run, viewer).values("candidate_id").distinct().count()


def cant_tell(run: EvaluationRun, candidate_pks: Collection[int], viewer: User | None) -> dict[int, list[CantTell]]:
    """Return everybody who can't tell, by candidate_pk, the first to say so first; `viewer` marks their own."""
    found: dict[int, list[CantTell]] = defaultdict(list)
    rows = abstentions_of(run, None).filter(candidate__in=candidate_pks).order_by("pk")
    for candidate_pk, user_id, email, reason in rows.values_list("candidate_id", "user_id", "user__email", "reason"):
        found[candidate_pk].append(CantTell(email, reason, viewer is not None and user_id == viewer.pk))
    return found
