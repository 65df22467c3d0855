"""Which pairs make a golden set, and in which prompts they are asked about."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from judging.foundation.errors import Conflict
from judging.judge_work.drawing import prompt_groups, read_review_queue
from judging.models import Candidate, EvaluationRun, GoldenPair, GoldenSet


def drawn_pairs(run: EvaluationRun, golden_set: GoldenSet) -> list[GoldenPair]:
    """Draw a set's pairs, not saved yet: the first queries with documents enough, each with its first, as check samples do.

    The numbers are permanent: the same run gives the same pairs. Raise Conflict (too_few_candidates).
    """
    queue = read_review_queue(run)
    by_query: defaultdict[int, list[int]] = defaultdict(list)
    ranks: dict[int, int] = {}
    for candidate in queue.candidates:
        ranks[candidate.pk] = candidate.rank
        if len(by_query[candidate.query]) < golden_set.per_query:
            by_query[candidate.query].append(candidate.pk)
    full = [query for query, drawn in by_query.items() if len(drawn) == golden_set.per_query]
    if len(full) < golden_set.query_count:
        raise Conflict(
            f"it takes {golden_set.query_count} queries with {golden_set.per_query} documents each; "
            f"{len(full)} queries of the run have as many",
            code="too_few_candidates",
        )
    queries = sorted(full, key=queue.query_numbers.__getitem__)[: golden_set.query_count]
    # In the order of the ranks, as the judge sees them in a judging run.
    drawn = [(query, pk) for query in queries for pk in sorted(by_query[query], key=ranks.__getitem__)]
    versions = dict(Candidate.objects.filter(pk__in=[pk for _, pk in drawn]).values_list("pk", "document_version_id"))
    return [
        GoldenPair(
            golden_set=golden_set,
            position=position,
            run_query=queue.queries[query],
            document_version_id=versions[pk],
        )
        for position, (query, pk) in enumerate(drawn)
    ]


@dataclass(frozen=True, slots=True)
class Question:
    """A pair to be asked about in a prompt with its neighbours of the same number."""

    pair_id: int
    repeat: int
    prompt_number: int


def questions(pairs: Sequence[GoldenPair], *, repeats: int, batch_size: int) -> Iterator[Question]:
    """Yield what one job asks: every pair once in each repeat, always in the same prompts."""
    number = 0
    for repeat in range(repeats):
        for own in _by_query(pairs):
            for group in prompt_groups(own, batch_size):
                number += 1
                yield from (Question(pair.pk, repeat, number) for pair in group)


def _by_query(pairs: Iterable[GoldenPair]) -> Iterable[Sequence[GoldenPair]]:
    found: defaultdict[object, list[GoldenPair]] = defaultdict(list)
    for pair in pairs:
        found[pair.run_query_id].append(pair)
    return found.values()
