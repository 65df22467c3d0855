"""Lists of /v1: pages as the vendor's clients walk them, filters, and a cost that does not grow."""

from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from rest_framework.test import APIClient

from judging.models import BatchEvaluator, BatchExecution, BatchStatus, Evaluator, ResponseJudge, User
from tests.factories import make_judge as make_relevance_judge
from tests.factories import make_user
from tests.responses.conftest import MakeJudge, create

pytestmark = pytest.mark.django_db
URL = "/v1/judges/batch-executions/"


def walk(client: APIClient, url: str, *, whole_url: bool) -> list[Any]:
    """Read all pages, taking as the cursor what stands behind "cursor=", or the whole next URL as the SDK does."""
    rows: list[Any] = []
    cursor: str | None = None
    while True:
        parameters = {"page_size": "3", **({"cursor": cursor} if cursor else {})}
        page = client.get(url, parameters).json()
        rows += page["results"]
        if not page["next"]:
            return rows
        assert list(parse_qs(urlsplit(page["next"]).query))[-1] == "cursor"
        cursor = page["next"] if whole_url else page["next"].rpartition("cursor=")[2]


@pytest.mark.on_both
def test_a_cursor_is_a_token_or_a_whole_url(client: APIClient, make_judge: MakeJudge) -> None:
    judge = make_judge()
    made = [create(client, judge) for _ in range(7)]
    for whole_url in (True, False):
        rows = walk(client, URL, whole_url=whole_url)
        assert [row["batch_execution_id"] for row in rows] == made[::-1], whole_url
        assert all("items" not in row for row in rows)


@pytest.mark.on_both
def test_batches_are_filtered(client: APIClient, make_judge: MakeJudge) -> None:
    judge, other = make_judge(), make_judge("Other")
    first, second = create(client, judge, project_id="p1"), create(client, other)
    now = timezone.now()
    BatchExecution.objects.filter(pk=first).update(created_at=now - timedelta(days=3))
    BatchExecution.objects.filter(pk=second).update(status="processing", created_by=make_user())
    day = (now - timedelta(days=3)).date().isoformat()
    for query, expected in {
        f"judge_id={judge.pk}": [first],
        "status=processing": [second],
        # A word of the vendor's that no batch here has.
        "status=partial": [],
        "ordering=-created_at": [second, first],
        "project_id=p1": [first],
        f"date_from={(now - timedelta(days=1)).isoformat()}".replace("+", "%2B"): [second],
        f"date_from={day}&date_to={day}": [first],
        "mine=true": [first],
        "mine=false": [second],
        "page_size=100000": [second, first],
    }.items():
        found = [row["batch_execution_id"] for row in client.get(f"{URL}?{query}").json()["results"]]
        assert found == expected, query


def test_judges_and_evaluators_are_filtered(client: APIClient, make_judge: MakeJudge) -> None:
    own = [str(make_judge("Only").pk), str(make_relevance_judge().pk)]
    presets = {str(pk) for pk in ResponseJudge.objects.exclude(preset="").values_list("pk", flat=True)}
    everything = {str(pk) for pk in Evaluator.objects.values_list("pk", flat=True)}
    assert presets
    for query, expected in {
        "judges/?is_preset=true": presets,
        "judges/?is_preset=false": set(own),
        f"judges/?project_id={uuid4()}": set(),
        "evaluators/?is_root_evaluator=true": set(),
        "evaluators/?is_root_evaluator=false": everything,
        f"evaluators/?project_id={uuid4()}": set(),
    }.items():
        found = {row["id"] for row in client.get(f"/v1/{query}").json()["results"]}
        assert found == expected, query
    for query in ("judges/?is_preset=x", "evaluators/?is_root_evaluator=x", "judges/?ordering=name"):
        refused = client.get(f"/v1/{query}")
        assert (refused.status_code, query.partition("?")[2].partition("=")[0] in refused.json()) == (400, True)


def test_many_batches_cost_no_more_queries_than_one(client: APIClient, make_judge: MakeJudge, member: User) -> None:
    judge = make_judge("One", "Two")
    create(client, judge)
    client.get(URL)  # the use of the token is noted once a minute
    with CaptureQueriesContext(connection) as few:
        client.get(URL)
    one = BatchExecution.objects.get()
    evaluators = list(one.evaluators.all())
    batches = BatchExecution.objects.bulk_create(
        [
            BatchExecution(
                response_judge_version=one.response_judge_version,
                judge_id=one.judge_id,
                status=BatchStatus.COMPLETED,
                max_concurrency=8,
                total_count=1,
                completed_count=1,
                created_by=member,
                created_at=timezone.now() - timedelta(seconds=number),
            )
            for number in range(120)
        ]
    )
    copied = ("name", "evaluator_version", "ai_provider", "provider_name", "provider_type", "model", "position")
    BatchEvaluator.objects.bulk_create(
        [
            BatchEvaluator(batch=batch, **{name: getattr(row, name) for name in copied})
            for batch in batches
            for row in evaluators
        ]
    )
    with CaptureQueriesContext(connection) as many:
        page = client.get(URL, {"page_size": 100}).json()
    assert len(page["results"]) == 100
    assert len(many) == len(few)
    plan = connection.cursor()
    if connection.vendor == "sqlite":
        plan.execute(
            "EXPLAIN QUERY PLAN SELECT id FROM judging_batchexecution WHERE NOT is_immediate"
            " ORDER BY created_at DESC, id DESC LIMIT 51"
        )
        assert "TEMP B-TREE" not in str(plan.fetchall())


@pytest.mark.on_both
def test_the_list_of_judges_walks_over_both_kinds(client: APIClient, make_judge: MakeJudge) -> None:
    made = []
    for _ in range(4):
        made += [str(make_judge().pk), str(make_relevance_judge().pk)]
    rows = walk(client, "/v1/judges/", whole_url=True)
    ids = [row["id"] for row in rows]
    assert [pk for pk in ids if pk in made] == made[::-1]
    assert len(ids) == len(set(ids)) == len(made) + 3
    assert {row["kind"] for row in rows} == {"response", "relevance"}
    page = client.get("/v1/judges/", {"page_size": "3"}).json()
    second = client.get(page["next"]).json()
    assert [row["id"] for row in client.get(second["previous"]).json()["results"]] == ids[:3]
