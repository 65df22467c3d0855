"""What the tests of golden sets share: a run to draw from, a set whose baseline stands, and checks beside it."""

from typing import Any

from judging.golden.acts import create_golden_set, start_golden_check
from judging.models import EvaluationRun, GoldenCheck, GoldenSet, User
from tests.draining import drain
from tests.factories import make_judge, make_provider, make_run
from tests.stub.fixtures import Stub

QUERIES, PER_QUERY = 10, 2


def golden_run(queries: int = 12, candidates: int = 3, **fields: Any) -> EvaluationRun:
    return make_run({f"thing {q}": [f"d{q}-{c}" for c in range(candidates)] for q in range(queries)}, **fields)


def golden_set(stub: Stub, member: User, *, run: EvaluationRun | None = None, **fields: Any) -> GoldenSet:
    """Make a set of 20 pairs whose prompts hold two documents, its baseline queued."""
    provider = make_provider(stub.base_url)
    judge = make_judge(provider, batch_size=2, max_concurrency=8, max_retries=0, max_reasks=0)
    return create_golden_set(
        **{
            "name": "Watched",
            "evaluation_run": run or golden_run(),
            "judge": judge,
            "actor": member,
            "query_count": QUERIES,
            "per_query": PER_QUERY,
            **fields,
        }
    )


def check(watched: GoldenSet, member: User) -> GoldenCheck:
    """Check a set, all of it, and return the check as it ended."""
    started = start_golden_check(golden_set=watched, actor=member)
    drain()
    return GoldenCheck.objects.get(pk=started.pk)
