"""One query of two runs: both ranked lists document by document."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Literal

from judging.foundation.errors import NotFound
from judging.models import Candidate, EvaluationRun, Query, RunQuery, User

Mark = Literal["same", "moved", "new", "gone"]

# Deeper than anybody reads; the whole lists are in the exports.
MAX_SHOWN = 1000


@dataclass(frozen=True, slots=True)
class AlignedDocument:
    """A document of either list: its candidates there, with ranks, None where that run did not return it."""

    document_id: int
    rank_a: int | None
    rank_b: int | None
    candidate_a: int | None
    candidate_b: int | None

    @property
    def mark(self) -> Mark:
        """Say what became of it from a to b, over the whole lists."""
        if self.rank_a is None:
            return "new"
        if self.rank_b is None:
            return "gone"
        return "same" if self.rank_a == self.rank_b else "moved"


def query_of_both(a: EvaluationRun, b: EvaluationRun, key: str) -> tuple[RunQuery, RunQuery]:
    """Return the query that `key` names as each run has it. Raise NotFound."""
    # With the corpus, through its index. A hash in hexadecimal; databases refuse some of what else an address can hold.
    is_key = key.isascii() and key.isalnum()
    query = Query.objects.filter(corpus_id=b.evaluation.corpus_id, identity=key).first() if is_key else None
    found = {row.run_id: row for row in RunQuery.objects.filter(run__in={a.pk, b.pk}, query=query)} if query else {}
    if a.pk not in found or b.pk not in found:
        raise NotFound("no such query in both evaluation runs")
    return found[a.pk], found[b.pk]


def aligned_documents(in_a: RunQuery, in_b: RunQuery, *, depth: int) -> list[AlignedDocument]:
    """Return the documents among the first `depth` of either list, by rank in b, then those that only a has there."""
    of_a, of_b = (
        {
            document_id: (rank, pk)
            for document_id, rank, pk in Candidate.objects.filter(run_query=run_query, run__isnull=False)
            .order_by("rank")
            .values_list("document_id", "rank", "pk")
        }
        for run_query in (in_a, in_b)
    )
    top_b, top_a = list(of_b)[:depth], list(of_a)[:depth]
    none = (None, None)
    return [
        AlignedDocument(
            document_id,
            rank_a=of_a.get(document_id, none)[0],
            rank_b=of_b.get(document_id, none)[0],
            candidate_a=of_a.get(document_id, none)[1],
            candidate_b=of_b.get(document_id, none)[1],
        )
        for document_id in dict.fromkeys([*top_b, *top_a])
    ]


def shuffled_documents(documents: Sequence[AlignedDocument], person: User) -> list[AlignedDocument]:
    """Return documents in an order that tells nothing of their ranks: for one person always the same."""
    return sorted(documents, key=lambda each: sha256(person.pk.bytes + str(each.document_id).encode()).digest())


def differing_fields(a: Mapping[str, Any], b: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    """Return the fields that one document has otherwise in two runs, with both values; None where it has none."""
    names = dict.fromkeys([*a, *b])
    return {name: (a.get(name), b.get(name)) for name in names if a.get(name) != b.get(name)}
