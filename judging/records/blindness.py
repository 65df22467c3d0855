"""Who grades blind: rank, the AI's grade and other people's are hidden from raters, and from members on a blind run.

Decided here, once; every read of candidates asks for a `Sight`. Raters never see them. A member sees them of a candidate
that they have graded, or of the whole run after asking to (`BlindnessLift`), which is why their grades there don't count
as blind from then on.
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from django.db.models import BooleanField, Exists, ExpressionWrapper, OuterRef, Q, Value
from django.db.models.expressions import Combinable

from judging.foundation.errors import Forbidden
from judging.models import BlindnessLift, EvaluationRun, RunQuery, User
from judging.records.roles import Actor


@dataclass(frozen=True, slots=True)
class Sight:
    """What a person may see of a run's candidates. `opens_with_grade`: of those that they have graded, everything."""

    is_blind: bool = False
    opens_with_grade: bool = False

    def hides(self, *, has_own_grade: bool) -> bool:
        """Tell whether what others say of a candidate is hidden."""
        return self.is_blind and not (self.opens_with_grade and has_own_grade)


EVERYTHING: Final = Sight()


def sight_of(run: EvaluationRun, viewer: Actor | None) -> Sight:
    """Return what `viewer` may see of a run; without one, and for commands, everything. At most one statement."""
    if not isinstance(viewer, User):
        return EVERYTHING
    if not viewer.is_member:
        return Sight(is_blind=True)
    if not run.blind or has_lifted(run, viewer):
        return EVERYTHING
    return Sight(is_blind=True, opens_with_grade=True)


def sight_of_both(a: EvaluationRun, b: EvaluationRun, viewer: Actor | None) -> Sight:
    """Return what `viewer` may see of two runs side by side: a grade hidden in one is not to be read in the other."""
    sight = sight_of(a, viewer)
    return sight if sight.is_blind else sight_of(b, viewer)


def blind_to(viewer: Actor, run: str) -> Combinable:
    """Return whether `viewer` judges the run blind that the field `run` of a row names: to annotate rows with."""
    if not isinstance(viewer, User):
        return Value(False)
    if not viewer.is_member:
        return Value(True)
    lifted = BlindnessLift.objects.filter(user=viewer, run=OuterRef(run))
    return ExpressionWrapper(Q(**{f"{run}__blind": True}) & ~Exists(lifted), output_field=BooleanField())


def has_lifted(run: EvaluationRun, person: User) -> bool:
    """Tell whether a person asked to see the grades of a blind run."""
    return BlindnessLift.objects.filter(run=run, user=person).exists()


def is_query_blind(query_ids: Collection[int], viewer: Actor) -> bool:
    """Tell whether `viewer` judges a run blind that has one of these queries of a corpus."""
    if not isinstance(viewer, User):
        return False
    lifted = BlindnessLift.objects.filter(user=viewer).values("run")
    return RunQuery.objects.filter(query_id__in=query_ids, run__blind=True).exclude(run__in=lifted).exists()


def evaluates_blind(run: EvaluationRun, person: User) -> bool:
    """Tell whether grading one by one shows a person neither rank nor, once their own grade is given, the AI's."""
    return run.blind or not person.is_member


def check_sighted(run: EvaluationRun, viewer: Actor | None) -> None:
    """Raise Forbidden (blind) for whom a run is blind: of what is about all its candidates at once nothing is left."""
    if sight_of(run, viewer).is_blind:
        raise Forbidden("you judge this run blind: rank, AI and others' grades are hidden from you", code="blind")
