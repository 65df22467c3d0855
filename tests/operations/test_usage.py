"""Tokens and cost of a month, by judge and provider."""

from datetime import UTC, datetime
from typing import Any

import pytest
from django.test import Client
from pytest_django.fixtures import DjangoAssertNumQueries
from rest_framework.test import APIClient

from judging.judging_runs.starting import start_judging_run
from judging.models import (
    AIJudge,
    BatchEvaluator,
    BatchExecution,
    BatchItem,
    ExecutionLog,
    JudgeVersion,
    JudgingRun,
    ProbeRun,
    User,
)
from judging.operations.usage import SEVERAL, monthly_usage
from tests.factories import make_judge, make_probe_run, make_provider, make_run, make_user
from tests.rest_clients import assert_problem

IN_MAY = datetime(2026, 5, 31, 23, 59, tzinfo=UTC)


def judged(judge: AIJudge, actor: User, moment: datetime, *, read: int, written: int, **fields: Any) -> JudgingRun:
    run = start_judging_run(evaluation_run=make_run({"q": ["d"]}), judge=judge, actor=actor)
    JudgingRun.objects.filter(pk=run.pk).update(created_at=moment, input_tokens=read, output_tokens=written, **fields)
    return run


def batch_of(name: str, providers: list[str], version: JudgeVersion, *, cost: float | None) -> None:
    batch = BatchExecution.objects.create(max_concurrency=1, total_count=1)
    for position, provider in enumerate(providers):
        BatchEvaluator.objects.create(
            batch=batch, position=position, name="e", judge_version=version, provider_name=provider, model="m"
        )
    item = BatchItem.objects.create(batch=batch, index=0, input={})
    ExecutionLog.objects.create(
        item=item, executed_item_name=name, input_tokens=100, output_tokens=1, cost=cost, created_at=IN_MAY
    )


def usage(client: APIClient, month: str = "2026-05") -> dict[str, Any]:
    answer: dict[str, Any] = client.get("/api/v1/usage", {"month": month}).json()
    return answer


@pytest.mark.on_both
def test_tokens_are_summed_by_judge_and_by_provider(as_member: APIClient, member: User) -> None:
    alpha, beta = make_provider(name="Alpha"), make_provider(name="Beta")
    careful = make_judge(alpha, name="Careful", input_price=2.0, output_price=10.0)
    quick = make_judge(beta, name="Quick")
    judged(careful, member, IN_MAY, read=1_000_000, written=100_000)
    judged(careful, member, IN_MAY, read=500_000, written=0, usage_estimated=True)
    judged(quick, member, IN_MAY, read=10, written=1)
    judged(quick, member, datetime(2026, 6, 1, tzinfo=UTC), read=7, written=7)
    probes = make_probe_run(careful, make_run())
    ProbeRun.objects.filter(pk=probes.pk).update(created_at=IN_MAY, input_tokens=500_000)
    batch_of("Support answers", ["Alpha", "Beta"], careful.versions.get(), cost=0.5)
    batch_of("Support answers", ["Beta", "Beta"], careful.versions.get(), cost=None)
    found = usage(as_member)
    assert found["month"] == "2026-05-01"
    assert [(row["judge"], row["provider"], row["input_tokens"], row["cost"]) for row in found["by_judge"]] == [
        ("Careful", "Alpha", 2_000_000, 5.0),
        ("Support answers", "Beta", 100, None),
        ("Support answers", SEVERAL, 100, 0.5),
        ("Quick", "Beta", 10, None),
    ]
    assert found["by_judge"][0]["is_estimated"]
    assert not found["by_judge"][0]["is_partial"]
    assert [(row["provider"], row["input_tokens"]) for row in found["by_provider"]] == [
        ("Alpha", 2_000_000), ("Beta", 110), (SEVERAL, 100),
    ]  # fmt: skip
    assert found["total"] == {
        "input_tokens": 2_000_210, "output_tokens": 100_003, "cost": 5.5, "is_partial": True, "is_estimated": True,
    }  # fmt: skip
    assert usage(as_member, "2026-06")["total"]["input_tokens"] == 7
    assert usage(as_member, "2025-12")["by_judge"] == []


@pytest.mark.on_both
def test_probes_of_others_private_judges_stay_private(as_member: APIClient, as_admin: APIClient) -> None:
    other = make_user()
    probes = make_probe_run(make_judge(make_provider(owner=other), owner=other, name="Private"), make_run())
    ProbeRun.objects.filter(pk=probes.pk).update(created_at=IN_MAY, input_tokens=5)
    assert usage(as_member)["by_judge"] == []
    assert usage(as_admin)["by_judge"][0]["judge"] == "Private"


def test_a_month_that_is_none_is_refused(as_member: APIClient) -> None:
    for month in ("2026-13", "May", "2026-05-01", "0000-01"):
        assert_problem(as_member.get("/api/v1/usage", {"month": month}), 400)


def test_the_page_shows_it_and_home_leads_there(client: Client, member: User) -> None:
    client.force_login(member, backend="django.contrib.auth.backends.ModelBackend")
    judged(make_judge(name="<b>Careful", input_price=2.0), member, IN_MAY, read=1_234_567, written=0)
    page = client.get("/usage", {"month": "2026-05"}).content.decode()
    for words in ("1,234,567", "2.47", "&lt;b&gt;Careful", "?month=2026-04", "?month=2026-06"):
        assert words in page
    assert client.get("/usage", {"month": "x"}).status_code == 400
    assert "<html" not in client.get("/usage", headers={"HX-Request": "true"}).content.decode()
    assert 'hx-get="/usage"' in client.get("/").content.decode()


@pytest.mark.on_both
@pytest.mark.parametrize("count", [1, 4])
def test_it_takes_four_queries(member: User, count: int, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    for _ in range(count):
        judged(make_judge(), member, IN_MAY, read=1, written=1)
    with django_assert_num_queries(4):
        assert monthly_usage(IN_MAY.date().replace(day=1), member).total.total_tokens == 2 * count
