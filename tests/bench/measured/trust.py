"""The Trust tab of 100,000 candidates, 5,000 of them graded by people, and a look at a check sample after a batch."""

import time

from judging.ledger import refresh_run
from judging.models import Candidate, EvaluationRun, Judgment, User
from judging.records.roles import SYSTEM
from judging.trust.reports import renew_report
from judging.trust.samples.acts import create_check_sample
from judging.trust.samples.states import sample_state
from tests.bench.figures import Figure, at_most, percentile
from tests.bench.rest import Visitor
from tests.bench.stack import Stack
from tests.factories import make_run

_SIZE, _SMALL_SIZE, _BY_PEOPLE, _PER_QUERY = 100_000, 1_000, 5_000, 100
_LOOK_MS = {_SMALL_SIZE: 50, _SIZE: 1_000}
_VISITS = 60


def measure(stack: Stack) -> list[Figure]:
    """Compute the figures of a large run once, visit their page, and look at samples of two sizes."""
    figures: list[Figure] = []
    for size, limit in _LOOK_MS.items():
        run = _graded_run(stack.user, size)
        if size == _SIZE:
            started = time.perf_counter()
            renew_report(run.pk)
            figures.append(
                at_most("trust figures of 100,000: computed in", time.perf_counter() - started, "s", 3, "< 3")
            )
            with stack.web() as api:
                visitor = Visitor(stack.user, api.port)
                times = [visitor.seconds(f"/evaluations/runs/{run.pk}/trust") for _ in range(_VISITS)]
            figures.append(
                at_most("trust tab of 100,000: page, p95", 1000 * percentile(times, 0.95), "ms", 300, "< 300")
            )
        figures.append(_look(run, size, limit))
    return figures


def _look(run: EvaluationRun, size: int, limit: int) -> Figure:
    """Take the CPU of a look at a sample of all candidates, from the database to its figures."""
    sample = create_check_sample(run=run, goal="agreement", actor=SYSTEM)
    times = []
    for _ in range(5):
        started = time.process_time()
        sample_state(sample)
        times.append(time.process_time() - started)
    label = f"a look at a check sample of {size:,} candidates: CPU"
    return at_most(label, 1000 * percentile(times, 0.5), "ms", limit, f"< {limit:,}")


def _graded_run(person: User, size: int) -> EvaluationRun:
    """Make a run whose candidates all have a grade of the AI, and some spread over all queries a blind one of a person."""
    documents = max(1_000, size // 5)
    run = make_run(
        {
            f"comfortable shoes, size {number}": [
                f"d{(number * 7 + rank * 13) % documents}" for rank in range(_PER_QUERY)
            ]
            for number in range(size // _PER_QUERY)
        }
    )
    pairs = list(Candidate.objects.filter(run=run).values_list("query_id", "document_id"))
    every = max(1, size // _BY_PEOPLE)
    common = {"corpus_id": run.evaluation.corpus_id, "scale": run.scale}
    ai = (
        Judgment(
            query_id=query_id, document_id=document_id, grade=(query_id * 31 + document_id) % 5, author_kind="ai",
            judge_label="Careful v1", **common,
        )
        for query_id, document_id in pairs
    )  # fmt: skip
    # Four of five agree with the AI.
    people = (
        Judgment(
            query_id=query_id, document_id=document_id, author_kind="member", member=person, saw_ai_grade=False,
            grade=(grade := (query_id * 31 + document_id + (place % 5 == 0)) % 5), blind_grade=grade, **common,
        )
        for place, (query_id, document_id) in enumerate(pairs[::every])
    )  # fmt: skip
    for judgments in (ai, people):
        Judgment.objects.bulk_create(judgments, batch_size=5_000)
    refresh_run(run.pk)
    return EvaluationRun.objects.select_related("evaluation__corpus").get(pk=run.pk)
