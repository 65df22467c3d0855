"""From an engine's answer to ranked candidates of a run."""

from collections.abc import Sequence

from judging.engines.mapping import MappedCandidate
from judging.records.lists.corpus_rows import DocumentContent
from judging.records.lists.ranked_lists import RankedCandidate


def ranked_candidates(candidates: Sequence[MappedCandidate]) -> list[RankedCandidate]:
    """Return what an answer lists, in its order. A candidate without title, fields and image came without content."""
    return [
        RankedCandidate(
            external_id=each.id,
            content=DocumentContent(each.title, each.fields, each.image)
            if each.title or each.fields or each.image
            else None,
            score=each.score,
        )
        for each in candidates
    ]
