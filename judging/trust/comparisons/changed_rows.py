"""The pairs behind a comparison of two judging runs, as people read them: what each said, and what people say."""

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from judging.models import PEOPLE, Candidate, EvaluationRun, JudgingItem, Judgment, LockedJudgment
from judging.trust.comparisons.judging_run_comparison import JudgingRunComparison

Pair = tuple[int, int]


@dataclass(frozen=True, slots=True)
class PersonSaid:
    """A person's grade as it counts now."""

    name: str
    grade: int


@dataclass(frozen=True, slots=True)
class ComparedRow:
    """One candidate of the new side with both items, and people's grades of the pair."""

    candidate: Candidate
    old: JudgingItem
    new: JudgingItem
    people: list[PersonSaid]


def read_rows(comparison: JudgingRunComparison, places: Iterable[int]) -> list[ComparedRow]:
    """Return these pairs of a comparison, in the order given. Three statements whatever their number."""
    pairs = comparison.pairs
    keys = [(int(pairs.old_items[place]), int(pairs.new_items[place])) for place in places]
    items = JudgingItem.objects.select_related(
        "candidate__run_query", "candidate__document", "candidate__document_version"
    ).in_bulk({key for both in keys for key in both})
    known = [(items[old], items[new]) for old, new in keys if old in items and new in items]
    said = _people_on(comparison.new.run, [_pair(new) for _, new in known])
    return [ComparedRow(new.candidate, old, new, said[_pair(new)]) for old, new in known]


def _pair(item: JudgingItem) -> Pair:
    return item.candidate.query_id, item.candidate.document_id


def _people_on(run: EvaluationRun, pairs: Collection[Pair]) -> dict[Pair, list[PersonSaid]]:
    """Return what people say of pairs; a locked run's people as they spoke then."""
    queries, documents = {pair[0] for pair in pairs}, {pair[1] for pair in pairs}
    found: dict[Pair, list[PersonSaid]] = defaultdict(list)
    if run.is_locked:
        locked = LockedJudgment.objects.filter(
            run=run, author_kind__in=PEOPLE, query_id__in=queries, document_id__in=documents
        )
        for row in locked.order_by("pk"):
            found[row.query_id, row.document_id].append(PersonSaid(row.author_label, row.grade))
        return found
    current = Judgment.objects.filter(
        author_kind__in=PEOPLE, scale=run.scale, query_id__in=queries, document_id__in=documents
    ).select_related("member", "rater")
    for judgment in current.order_by("pk"):
        name = str(judgment.member) if judgment.member else judgment.rater.name if judgment.rater else ""
        found[judgment.query_id, judgment.document_id].append(PersonSaid(name, judgment.grade))
    return found
