"""The kinds of work, in one table. What else a new one needs: ARCHITECTURE.md, "Where do I add"."""

from typing import Any

from judging.golden.check_kind import GoldenCheckKind
from judging.judging_runs.kind import JudgingRunKind
from judging.probes.kind import ProbeKind
from judging.responses.kind import BatchKind
from judging.search.runs.search_kind import SearchKind
from judging.work.kind import Kind

KINDS: tuple[Kind[Any, Any, Any], ...] = (
    JudgingRunKind(),
    BatchKind(),
    ProbeKind(),
    SearchKind(),
    GoldenCheckKind(),
)
