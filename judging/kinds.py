"""The kinds of work, in one table. A new kind: a file in its subject, a line here, and its own tables."""

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
