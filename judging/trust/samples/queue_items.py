"""The queue of a check sample, item by item: what will be asked, in which order, with which probability."""

from dataclasses import dataclass
from uuid import UUID

from judging.models import Candidate, CheckSample, Document, RunQuery
from judging.trust.grades import NONE
from judging.trust.samples.looks import Look
from judging.trust.samples.plans import DocumentPlan


@dataclass(frozen=True, slots=True)
class QueueItem:
    """One item: its position (from 1), size, and the probability of being among those graded by now."""

    position: int
    run_query_id: UUID | None
    document_key: str
    size: float
    probability: float


def queue_items(sample: CheckSample, look: Look, *, after: int, count: int) -> list[QueueItem]:
    """Return the `count` items that follow position `after` (0: from the start)."""
    plan = look.plan
    items = plan.items
    chosen = plan.order[after : after + count].tolist()
    pks = [int(items.candidates[item]) for item in chosen]
    carried = {
        pk: (run_query_id, document_key)
        for pk, run_query_id, document_key in Candidate.objects.filter(pk__in=pks).values_list(
            "pk", "run_query_id", "document__external_id"
        )
    }
    if NONE in pks:
        # Only a locked run's snapshot knows these.
        alone = [item for item, pk in zip(chosen, pks, strict=True) if pk == NONE]
        documents = {int(items.documents[item]) for item in alone}
        keys = dict(Document.objects.filter(pk__in=documents).values_list("pk", "external_id"))
        queries = RunQuery.objects.filter(
            run=sample.run, query_id__in={int(items.query_ids[items.queries[item]]) for item in alone}
        )
        named = dict(queries.values_list("query_id", "pk"))
    found = []
    for position, (item, pk) in enumerate(zip(chosen, pks, strict=True), start=after + 1):
        if pk == NONE:
            query_id = int(items.query_ids[items.queries[item]])
            run_query_id, document_key = named.get(query_id), keys.get(int(items.documents[item]), "")
        else:
            run_query_id, document_key = carried[pk]
        size = float(plan.sizes[item]) if isinstance(plan, DocumentPlan) else 1.0
        found.append(QueueItem(position, run_query_id, document_key, size, float(look.probabilities[item])))
    return found
