"""From an engine's answer to ranked candidates of a run."""

from collections.abc import Sequence

from judging.engines.mapping import MappedCandidate
from judging.records.lists.corpus_rows import DocumentContent
from judging.records.lists.ranked_lists import RankedCandidate


def ranked_candidates(candidates: Sequence[MappedCandidate]) -> list[RankedCandidate]:
    """Return what an answer lists, in its order. A candidate without title, fields and image came without content."""
    return [RankedCandidate(external_id=each.id, content=_content(each), score=each.score) for each in candidates]


def _content(candidate: MappedCandidate) -> DocumentContent | None:
    # Presets map the whole source: a title that stands among its fields, too, would be shown, and judged, twice.
    fields = {name: value for name, value in candidate.fields.items() if (name, value) != ("title", candidate.title)}
    if not (candidate.title or fields or candidate.image):
        return None
    return DocumentContent(candidate.title, fields, candidate.image)
