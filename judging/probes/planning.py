"""Which documents a probe run asks about, for which queries, and in which prompts."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from uuid import UUID

from judging.asking.prompting import DEFAULT_PROMPT_TEMPLATE
from judging.judge_work.drawing import ListedCandidate, ReviewQueue, prompt_groups, read_review_queue
from judging.models import FIRST, Candidate, EvaluationRun, JudgeVersion, Judgment, Probe

REPEATED = 60
CANARIES = 30
MIN_QUERIES = CANARIES + 1
# Of the repeated candidates, so many of one query stand in a prompt at most: there are then at least ten queries.
MOST_IN_PROMPT = 6

OF_REPEATED = (Probe.REPEAT, Probe.SHUFFLE, Probe.PARAPHRASE)
OF_CANARIES = tuple(probe for probe in Probe if probe not in OF_REPEATED)
# What a probe is compared with; without it, it says nothing.
COMPARED_WITH = {
    Probe.SHUFFLE: Probe.REPEAT,
    Probe.STUFFED_TITLE: Probe.SWAPPED,
    Probe.STUFFED_TEXT: Probe.SWAPPED,
    Probe.INSTRUCTION: Probe.SWAPPED,
    Probe.PADDED: Probe.SWAPPED,
}


@dataclass(frozen=True, slots=True)
class Question:
    """A document (of a candidate) to be judged for a query, in a prompt with its neighbours of the same number."""

    probe: str
    run_query_id: UUID
    candidate_id: int
    prompt_number: int
    place: int = 0


@dataclass(frozen=True, slots=True)
class Plan:
    """The probes of a run, what they ask, and why some of them ask nothing."""

    probes: list[str]
    questions: list[Question]
    not_run: dict[str, str]


def plan_probes(run: EvaluationRun, version: JudgeVersion, chosen: Collection[str]) -> Plan:
    """Plan the chosen probes and those they are compared with, on a completed evaluation run."""
    wanted = set(chosen) | {COMPARED_WITH[Probe(name)] for name in chosen if name in COMPARED_WITH}
    probes = [probe for probe in Probe if probe in wanted]
    not_run: dict[str, str] = {}
    queue = read_review_queue(run)
    repeated = _take_repeated(queue, version.batch_size)
    canaries = _take_canaries(run, queue) if wanted & set(OF_CANARIES) else []
    for probe in probes:
        reason = _reason(probe, version, queue, canaries)
        if reason:
            not_run[probe] = reason
    asked = [probe for probe in probes if probe not in not_run]
    prompts = list(_prompts(asked, queue, repeated, canaries, min(version.batch_size, MOST_IN_PROMPT)))
    questions = [
        Question(probe, queue.queries[query].pk, candidate.pk, number, place)
        for number, (probe, query, group) in enumerate(prompts, start=1)
        for place, candidate in enumerate(group)
    ]
    return Plan([str(probe) for probe in probes], questions, not_run)


def _reason(
    probe: Probe, version: JudgeVersion, queue: ReviewQueue, canaries: Sequence[tuple[int, ListedCandidate]]
) -> str:
    """Say why a probe cannot be run, "" when it can."""
    if probe == Probe.SHUFFLE and version.batch_size == 1:
        return "The judge asks about one document at a time, so there is no order to change."
    if probe == Probe.PARAPHRASE and version.prompt_template == DEFAULT_PROMPT_TEMPLATE:
        return "The judge uses the default instructions, so there are no others to compare them with."
    if probe in OF_REPEATED:
        if len(queue.candidates) < REPEATED:
            return f"It takes {REPEATED} candidates; the run has {len(queue.candidates)}."
        return ""
    if len(queue.queries) < MIN_QUERIES:
        return f"It takes {MIN_QUERIES} queries; the run has {len(queue.queries)}."
    if len(canaries) < CANARIES:
        return f"It takes {CANARIES} documents that no run found for the query at hand; there are {len(canaries)}."
    return ""


def _take_repeated(queue: ReviewQueue, batch_size: int) -> list[ListedCandidate]:
    """Take the first of the queue; with prompts of several, whole prompts of queries in the queue's order."""
    if len(queue.candidates) < REPEATED:
        return []
    size = min(batch_size, MOST_IN_PROMPT)
    if size == 1:
        return queue.candidates[:REPEATED]
    seen: defaultdict[int, int] = defaultdict(int)
    keyed: list[tuple[int, float, int, ListedCandidate]] = []
    for candidate in queue.candidates:
        keyed.append((seen[candidate.query] // size, queue.query_numbers[candidate.query], len(keyed), candidate))
        seen[candidate.query] += 1
    return [candidate for *_, candidate in sorted(keyed, key=lambda each: each[:3])[:REPEATED]]


def _take_canaries(run: EvaluationRun, queue: ReviewQueue) -> list[tuple[int, ListedCandidate]]:
    """Choose a document for each of the first queries: another query's, which no run found for this one.

    Nor has anybody judged it for this one. Documents of queries without a word in common come first, as others may
    happen to answer this query, too.
    """
    in_order = sorted(range(len(queue.queries)), key=queue.query_numbers.__getitem__)
    asked = [number for number in in_order if queue.queries[number].text.strip()]
    if len(asked) < MIN_QUERIES:
        return []
    words = [frozenset(query.text.lower().split()) for query in queue.queries]
    found: list[tuple[int, ListedCandidate]] = []
    used: set[int] = set()
    for query in asked:
        known = _known_documents(run, queue.queries[query].query_id)
        others = [each for each in queue.candidates if each.query != query and each.document_id not in known | used]
        unlike = (each for each in others if not words[each.query] & words[query])
        donor = next(unlike, others[0] if others else None)
        if donor is not None:
            used.add(donor.document_id)
            found.append((query, donor))
        if len(found) == CANARIES:
            break
    return found


def _known_documents(run: EvaluationRun, query_id: int) -> set[int]:
    """Return the documents that any run of the corpus found for a query, or that were judged for it."""
    retrieved = Candidate.objects.filter(query_id=query_id).values_list("document_id", flat=True)
    judged = Judgment.objects.filter(corpus_id=run.evaluation.corpus_id, query_id=query_id)
    return {*retrieved, *judged.values_list("document_id", flat=True)}


def _prompts(
    asked: Sequence[Probe],
    queue: ReviewQueue,
    repeated: Sequence[ListedCandidate],
    canaries: Sequence[tuple[int, ListedCandidate]],
    size: int,
) -> Iterator[tuple[str, int, Sequence[ListedCandidate]]]:
    """Yield (probe, query, its documents in order) of each prompt: never two probes in one."""
    by_query: defaultdict[int, list[ListedCandidate]] = defaultdict(list)
    for candidate in repeated:
        by_query[candidate.query].append(candidate)
    passes = [probe for probe in asked if probe in OF_REPEATED]
    for name in [FIRST, *passes] if passes else []:
        for query, candidates in by_query.items():
            ranked = sorted(candidates, key=lambda each: each.rank)
            groups = _shuffled(ranked, size) if name == Probe.SHUFFLE else prompt_groups(ranked, size)
            yield from ((str(name), query, group) for group in groups)
    for probe in asked:
        if probe in OF_CANARIES:
            yield from ((str(probe), query, [donor]) for query, donor in canaries)


def _shuffled(ranked: Sequence[ListedCandidate], size: int) -> Iterable[Sequence[ListedCandidate]]:
    """Reverse the order, and deal the documents of several prompts out to others."""
    backwards = list(reversed(ranked))
    count = -(-len(ranked) // size)
    return (backwards[number::count] for number in range(count))
