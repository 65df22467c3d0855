"""Every way for a search to fail, and for a run to end, through whole runs against the engine that misbehaves."""

from typing import Any

import pytest
from django.test import Client
from rest_framework.test import APIClient

from judging.engines.presets import PRESETS
from judging.ledger import renew_metrics
from judging.models import (
    Candidate,
    Document,
    EvaluationRun,
    Judgment,
    RunQuery,
    SearchEndpoint,
    SearchItem,
    SearchStatus,
    User,
)
from judging.search.runs.starting import resume_search_run
from judging.work.slices import work_slice
from judging.work.words import Turn
from tests.draining import drain
from tests.engines.scripted_engine import ScriptedEngine, hits
from tests.search.runs.searching import (
    BODY,
    counts,
    engine,
    make_search_evaluation,
    reread,
    search_of,
    searched,
    start_run,
)
from tests.stub.script import Answer

pytestmark = pytest.mark.django_db(transaction=True)

# Half of the queries hold what a template for numbers makes no JSON of.
QUERIES = tuple({"query": f"red {number}", "broken": "x" * (number % 2)} for number in range(6))
BROKEN = BODY.replace("{{size}}", "{{#if broken}}{{broken}}{{else}}{{size}}{{/if}}")
# How the engine misbehaves, and what else brings the failure about.
FAILURES: dict[str, tuple[str, dict[str, Any]]] = {
    "timeout": ("drip:0.3", {"timeout": 1}),
    "connection": ("cut:0.5", {}),
    "http_status": ("500:0.5", {}),
    "rate_limited": ("429:0.3,429-silent:0.3", {}),
    "invalid_response": ("html:0.3,broken-json:0.3", {}),
    "mapping_failed": ("null-ids:0.5", {}),
    "duplicate_ids": ("repeated-ids:0.5", {}),
    "template_invalid": ("", {"body": BROKEN}),
    "too_large": ("huge:0.4", {"max_response_bytes": 10_000}),
}
# How a run ends when no search of it can be answered: settings of the endpoint, the run's code, words of its error.
ENDS: dict[str, tuple[str, dict[str, Any], str, str]] = {
    "every search failed": ("500:1", {}, "all_searches_failed", "All searches failed"),
    "credentials refused": ("401:1", {}, "authentication", "Authentication refused"),
    "nothing but trouble": ("429-silent:1", {"max_retries": 5}, "provider_outage", "every call failed"),
    "an address not to be asked": (
        "",
        {"url": "http://169.254.169.254/latest/_search"},
        "refused_address",
        "metadata services",
    ),
    "a host that is not known": ("", {"url": "http://no-such-host.invalid/_search"}, "host_unknown", "not known"),
}


def assert_counts_add_up(run: EvaluationRun) -> None:
    search = search_of(run)
    told = counts(run)
    assert sum(told.values()) == search.total_count == len(QUERIES)
    stored = SearchItem.objects.filter(search_run=search).values_list("status", flat=True)
    assert {status: list(stored).count(status) for status in set(stored)} == told


def grade_all(run: EvaluationRun, member: User) -> None:
    """Grade a document for every query, those included whose search failed."""
    document = Document.objects.order_by("pk")[0]
    rows = RunQuery.objects.filter(run=run)
    Judgment.objects.bulk_create(
        Judgment(
            corpus=run.evaluation.corpus,
            query_id=row.query_id,
            document=document,
            scale=run.scale,
            grade=3,
            author_kind="member",
            member=member,
        )
        for row in rows
    )
    rows.update(has_stale_metrics=True)
    renew_metrics(run.pk)


@pytest.mark.parametrize("code", FAILURES)
def test_a_failed_search_says_why_and_has_no_list(code: str, member: User) -> None:
    faults, settings = FAILURES[code]
    with engine(faults) as server:
        evaluation = make_search_evaluation(server.url, queries=QUERIES, **{"max_retries": 0, **settings})
        run = searched(evaluation, member)
    assert_counts_add_up(run)
    told = counts(run)
    assert (run.status, set(told)) == ("completed", {"answered", "failed"})
    failed = SearchItem.objects.filter(search_run_id=run.pk, status=SearchStatus.FAILED)
    assert set(failed.values_list("failure_code", "returned")) == {(code, None)}
    assert all(len(message.split()) > 2 for message in failed.values_list("failure_message", flat=True))
    assert not Candidate.objects.filter(run_query__search__in=failed).exists()


def test_a_failed_search_is_not_scored(member: User, client: Client) -> None:
    with engine("500:0.5") as server:
        run = searched(make_search_evaluation(server.url, queries=QUERIES, max_retries=0), member)
    told = counts(run)
    failed = SearchItem.objects.filter(search_run_id=run.pk, status=SearchStatus.FAILED)
    assert failed
    grade_all(run, member)
    assert reread(run).scored_query_count == told["answered"]
    assert not RunQuery.objects.filter(search__in=failed, is_scored=True).exists()
    client.force_login(member)
    page = client.get(f"/evaluations/runs/{run.pk}").content.decode()
    assert "Failed searches are left out of the means" in page
    assert "Were they counted as 0, or as 1" in page


@pytest.mark.parametrize("case", ENDS)
def test_a_run_that_nobody_answers_fails_with_the_cause(
    case: str, member: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("judging.work.pacing.outage.OUTAGE_SECONDS", 0.0)
    faults, settings, code, words = ENDS[case]
    with engine(faults) as server:
        evaluation = make_search_evaluation(server.url, queries=QUERIES, max_retries=0)
        SearchEndpoint.objects.update(**{"max_concurrency": 4, **settings})
        run = searched(evaluation, member)
    assert (run.status, run.error_code) == ("failed", code)
    assert words in run.error
    assert_counts_add_up(run)
    assert counts(run).get("answered", 0) == run.scored_query_count == 0
    assert not Candidate.objects.filter(run=run).exists()


def test_a_run_tells_of_refused_credentials_and_goes_on_once_corrected(
    scripted: ScriptedEngine, as_member: APIClient, client: Client, member: User
) -> None:
    scripted.answers(Answer(403, body=b'{"error": "wrong key"}'))
    evaluation = make_search_evaluation(scripted.url, candidates_mapping=PRESETS["api"].candidates_mapping)
    run = searched(evaluation, member)
    told = as_member.get(f"/api/v1/evaluations/runs/{run.pk}").json()
    assert (told["status"], told["error_code"]) == ("failed", "authentication")
    assert told["error"].startswith("Authentication refused: the engine refuses the credentials (HTTP 403)")
    assert counts(run) == {"skipped": 4}
    client.force_login(member)
    assert "Correct the credentials" in client.get(f"/evaluations/runs/{run.pk}").content.decode()
    scripted.answers(hits("a", "b"))
    resume_search_run(run=run, actor=member)
    drain()
    assert (reread(run).status, reread(run).error_code, counts(run)) == ("completed", "", {"answered": 4})


def test_counts_add_up_after_every_turn_of_a_run(member: User, as_member: APIClient) -> None:
    queries = tuple(f"red {number}" for number in range(16))
    with engine("latency:100,500:0.2,repeated-ids:0.2") as server:
        evaluation = make_search_evaluation(server.url, queries=queries, max_retries=0, max_concurrency=2)
        run = start_run(evaluation, member)
        pending: list[int] = []
        while not pending or pending[-1]:
            # Over with the first flush, after half a second.
            work_slice(search_of(run).lanes.get().pk, turn=Turn(shared=0.0, longest=0.0))
            search = as_member.get(f"/api/v1/evaluations/runs/{run.pk}").json()["search"]
            told = [search[f"{name}_count"] for name in ("answered", "empty", "failed", "pending", "skipped")]
            assert sum(told) == search["total_count"] == 16
            pending.append(search["pending_count"])
    assert len(pending) > 1, "nothing was written before the end"
