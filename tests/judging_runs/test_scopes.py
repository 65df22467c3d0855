"""Which candidates an AI judging run is about."""

import pytest
from django.db import connection

from judging.foundation.errors import Invalid
from judging.judging_runs.scope import JudgingScope, plan_select
from judging.judging_runs.starting import JudgingOptions
from judging.models import JudgingRunStatus, Scope, User
from tests.draining import drain
from tests.judging_runs.judging import Start, items_by_document, reread, small_run
from tests.review.giving import GivenGrade, record_judgments
from tests.stub.fixtures import Stub


@pytest.mark.on_both
def test_scope_unjudged_leaves_out_what_anyone_judged(start: Start, member: User) -> None:
    evaluation_run = small_run()
    query = evaluation_run.run_queries.get(position=1)
    record_judgments(grades=[GivenGrade(query.pk, "d0-0", 4)], actor=member)
    run = start(evaluation_run, options=JudgingOptions(scope="unjudged"))
    assert run.total_count == 19
    assert "d0-0" not in items_by_document(run)


@pytest.mark.on_both
def test_scopes_failed_and_remaining_take_up_what_an_earlier_run_left(start: Start, stub: Stub) -> None:
    evaluation_run = small_run()
    stub.script(by_candidate={"d1-2": "prose", "d3-3": "json"})
    start(evaluation_run)
    drain()
    stub.script()
    again = start(evaluation_run, options=JudgingOptions(scope="failed"))
    drain()
    again = reread(again)
    assert sorted(items_by_document(again)) == ["d1-2", "d3-3"]
    assert (again.status, again.judged_count) == (JudgingRunStatus.COMPLETED, 2)
    assert evaluation_run.candidates.filter(last_item_status="failed").count() == 0
    nothing = start(evaluation_run, options=JudgingOptions(scope="remaining"))
    assert (nothing.status, nothing.total_count, nothing.progress) == (JudgingRunStatus.COMPLETED, 0, 1.0)


@pytest.mark.on_both
def test_depth_and_query_sample_bound_the_plan(start: Start) -> None:
    evaluation_run = small_run(10, 5)
    assert start(evaluation_run, options=JudgingOptions(depth=2)).total_count == 20
    run = start(evaluation_run, options=JudgingOptions(query_limit=3, depth=4))
    assert run.total_count == 12
    sampled = set(run.items.values_list("run_query_id", flat=True))
    assert len(sampled) == 3
    again = start(evaluation_run, options=JudgingOptions(query_limit=3))
    assert set(again.items.values_list("run_query_id", flat=True)) == sampled


@pytest.mark.parametrize(
    ("options", "field"),
    [
        (JudgingOptions(scope="failed"), "source_run_id"),
        (JudgingOptions(scope="some"), "scope"),
        (JudgingOptions(depth=0), "depth"),
        (JudgingOptions(max_concurrency=257), "max_concurrency"),
    ],
)
def test_wrong_options_are_refused_by_field(start: Start, options: JudgingOptions, field: str) -> None:
    with pytest.raises(Invalid) as caught:
        start(options=options)
    assert field in caught.value.errors


@pytest.mark.on_both
@pytest.mark.parametrize(("batch_size", "numbers"), [(1, [1, 2, 3, 4, 5, 6]), (2, [1, 1, 2, 3, 3, 4])])
def test_prompts_are_numbered_by_query_and_rank(db: None, batch_size: int, numbers: list[int]) -> None:
    evaluation_run = small_run(2, 3)
    with connection.cursor() as cursor:
        cursor.execute(*plan_select(evaluation_run, JudgingScope(Scope.ALL), batch_size))
        planned = [(candidate, number) for candidate, _, number in cursor.fetchall()]
    in_order = evaluation_run.candidates.order_by("position", "rank").values_list("pk", flat=True)
    assert planned == list(zip(in_order, numbers, strict=True))


@pytest.mark.on_both
def test_a_run_counts_its_prompts_and_keeps_its_items_in_their_order(start: Start) -> None:
    run = start(small_run(2, 3), batch_size=2)
    numbers = list(run.items.order_by("pk").values_list("prompt_number", flat=True))
    assert (run.prompt_count, numbers) == (4, [1, 1, 2, 3, 3, 4])
