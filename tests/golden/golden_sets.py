"""What the tests of golden sets share: a run to draw from, a set whose baseline stands, and checks beside it."""

from collections.abc import Collection, Mapping
from typing import Any

from judging.golden.acts import create_golden_set, start_golden_check
from judging.golden.conclusions import conclude_check
from judging.models import Call, EvaluationRun, GoldenCheck, GoldenSet, ItemStatus, JudgingRunStatus, User
from tests.factories import make_judge, make_provider, make_run
from tests.stub.fixtures import Stub
from tests.stub.script import expected_grade

QUERIES, PER_QUERY = 10, 2
MODEL = "stub-model-2026-01-01"


def golden_run(queries: int = 12, candidates: int = 3, **fields: Any) -> EvaluationRun:
    return make_run({f"thing {q}": [f"d{q}-{c}" for c in range(candidates)] for q in range(queries)}, **fields)


def golden_set(stub: Stub | None, member: User, *, run: EvaluationRun | None = None, **fields: Any) -> GoldenSet:
    """Make a set of 20 pairs whose prompts hold two documents, its baseline queued."""
    provider = make_provider(stub.base_url) if stub else make_provider()
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


def watched_set(member: User, *, stub: Stub | None = None, **fields: Any) -> GoldenSet:
    """Make a set whose baseline has been answered."""
    made = golden_set(stub, member, **fields)
    answer(made.checks.get())
    return made


def answer(
    check: GoldenCheck, grades: Mapping[str, int] | None = None, *, failed: Collection[str] = (), model: str = MODEL
) -> GoldenCheck:
    """End a check as the stub's replies would, with these grades by document, without those that failed."""
    items = list(check.items.select_related("pair__run_query", "pair__document_version__document"))
    for item in items:
        document = item.pair.document_version.document.external_id
        if document in failed:
            item.status, item.failure_code = ItemStatus.FAILED, "unparseable"
        else:
            good = expected_grade(item.pair.run_query.text, document)
            item.status, item.grade = ItemStatus.JUDGED, (grades or {}).get(document, good)
    type(items[0]).objects.bulk_update(items, ["status", "grade", "failure_code"])
    Call.objects.create(golden_check=check, prompt_hash="x", model=model)
    failed_count = sum(item.status == ItemStatus.FAILED for item in items)
    GoldenCheck.objects.filter(pk=check.pk).update(
        status=JudgingRunStatus.COMPLETED, judged_count=len(items) - failed_count, failed_count=failed_count
    )
    check.lanes.update(is_done=True)
    conclude_check(check.pk)
    return GoldenCheck.objects.get(pk=check.pk)


def check(watched: GoldenSet, member: User, grades: Mapping[str, int] | None = None, **fields: Any) -> GoldenCheck:
    """Check a set, with these answers, and return the check as it ended."""
    return answer(start_golden_check(golden_set=watched, actor=member), grades, **fields)
