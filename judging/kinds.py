"""The kinds of work, in one table.

To add one (`tests/work/toy/` is a small example, failures and all):

1. Tables: a `Job` and a `WorkRow` (`judging/models/work.py`), with constraints and indexes as in
   `judging/models/judge_work/`, exported in `judging/models/__init__.py`; a migration. Where a judge is asked for
   grades: `JudgeJob` and `JudgeItem` of `judging/models/judge_work/jobs.py`.
2. A `Kind` and its `Handler` (`judging/work/kind.py`) in one file of the subject. `resources`: what is limited, as in
   `judging/records/provider_limits.py`. A timeout of its own for its calls: a line in `_ASKING` of
   `judging/checks.py` (a constant one: `longest_attempt` there). Where a judge is asked: `JudgeKind`
   (`judging/judge_work/judge_kind.py`; an example: `judging/probes/kind.py`); its job then wants a `judge_version`,
   and `Call` (`judging/models/calls.py`) a key called as its `job_field`. Pages count its tokens, and `/metrics`,
   under the first word of its name, which no other kind may have.
3. A line in the table below.
4. The act that creates, in one transaction, the job with its counts (`total_count`, `prompt_count`) and its rows, and
   calls `lay_lanes` (an example: `judging/probes/acts.py`), and the one that cancels it by `cancel_once` and starts
   the follow-up in its `record`: a page and a route for each, both named in `tests/house/test_parity.py`.
5. Rescue, or half of invariant 4 is missing: whatever reads its progress calls `rescue_if_stalled`
   (`judging/work/rescue.py`); a follow-up that got lost, as of metrics and golden checks, wants a line in
   `rescue_all` (`judging/management/rescuing.py`).
6. It goes with what is deleted: `_delete_run` in `judging/runs/evaluations.py`, `delete_judge` in
   `judging/judges/judges.py`; its rows about documents: `delete_corpus` in `judging/corpora/corpora.py`; about
   candidates: `_drop` in `judging/search/runs/remapping.py`.
7. A new subject stands in the layers of `pyproject.toml`, in `_SUBJECTS` of `judging/web/urls.py`, in
   `tests/house/test_parity.py`, among the rooms of `tests/house/test_acts.py` (and there, what the engine alone
   calls) and on the map of `ARCHITECTURE.md`.
"""

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
