"""Which queries a judge is tested on when it is tested on several, and how its grades lie beside those that count."""

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from django.db.models import QuerySet

from judging.models import Candidate, RunQuery

# A run can have 100,000; the first ones tell as much.
_SPREAD_OVER = 5_000


@dataclass(frozen=True, slots=True)
class TrialAgreement:
    """How many grades of a test equal other grades of the same candidates, lie one step apart, or further."""

    equal: int = 0
    one_apart: int = 0
    further: int = 0

    def __add__(self, other: "TrialAgreement") -> "TrialAgreement":
        return TrialAgreement(self.equal + other.equal, self.one_apart + other.one_apart, self.further + other.further)

    @property
    def compared(self) -> int:
        return self.equal + self.one_apart + self.further


def trial_agreement(pairs: Iterable[tuple[int | None, int | None]]) -> TrialAgreement:
    """Count how far the grades of each pair lie apart; a pair with a grade missing counts nowhere."""
    apart = [abs(ours - theirs) for ours, theirs in pairs if ours is not None and theirs is not None]
    return TrialAgreement(apart.count(0), apart.count(1), sum(distance > 1 for distance in apart))


def spread_queries(run_id: UUID, *, count: int, depth: int, graded_by_people: bool) -> list[UUID]:
    """Return up to `count` run queries spread evenly over a run's first 5,000, the same ones each time.

    With `graded_by_people`, only of those with a person's grade among their first `depth` candidates.
    """
    ids: QuerySet[RunQuery, UUID] | QuerySet[Candidate, UUID]
    if graded_by_people:
        graded = Candidate.objects.filter(
            run_id=run_id, rank__lte=depth, position__lte=_SPREAD_OVER, people_mean__isnull=False
        )
        ids = graded.order_by("position").values_list("run_query_id", flat=True).distinct()
    else:
        queries = RunQuery.objects.filter(run_id=run_id, candidate_count__gt=0, position__lte=_SPREAD_OVER)
        ids = queries.order_by("position").values_list("pk", flat=True)
    found = list(ids)
    count = min(count, len(found))
    return [found[number * len(found) // count] for number in range(count)]
