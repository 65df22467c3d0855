"""Evaluation runs and AI judging runs as pages: what they show, what they cost, what they refuse."""

from typing import Any
from uuid import uuid4

import pytest
from django.db.models import F
from django.test import Client
from django.utils import timezone
from pytest_django.fixtures import DjangoAssertNumQueries

from judging.judging_runs.starting import JudgingOptions, start_judging_run
from judging.models import (
    AIJudge,
    Call,
    Candidate,
    EvaluationRun,
    EvaluationRunStatus,
    ItemStatus,
    JudgingItem,
    JudgingRun,
    JudgingRunStatus,
    RunQuery,
    User,
    WorkerHeartbeat,
)
from tests.factories import make_evaluation, make_judge, make_provider, make_run, make_user
from tests.markup import one_line

HTMX = {"HX-Request": "true"}
EVIL = "<script>alert(1)</script>"


@pytest.fixture
def visit(member: User) -> Client:
    return client_of(member)


def client_of(user: User) -> Client:
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client


def text_of(client: Client, path: str, **options: Any) -> str:
    response = client.get(path, **options)
    assert response.status_code == 200, response.content
    return one_line(response.content.decode())


def page_of(run: EvaluationRun) -> str:
    return f"/evaluations/runs/{run.pk}"


def ended_run(run: EvaluationRun, user: User, *, judge: AIJudge | None = None, reply: str = "") -> JudgingRun:
    """Make a failed judging run: one item judged, two failed, the others never asked."""
    judging_run = start_judging_run(evaluation_run=run, judge=judge or make_judge(name="Careful"), actor=user)
    items = list(judging_run.items.order_by("pk").values_list("pk", flat=True))
    call = Call.objects.create(judging_run=judging_run, prompt_hash="0", raw_reply=reply or "no blocks")
    JudgingItem.objects.filter(pk=items[0]).update(status=ItemStatus.JUDGED, grade=3, reasoning=EVIL)
    JudgingItem.objects.filter(pk__in=items[1:3]).update(
        status=ItemStatus.FAILED, failure_code="unparseable", failure_message="no <candidate> block", call=call
    )
    JudgingItem.objects.filter(pk__in=items[3:]).update(status=ItemStatus.SKIPPED)
    JudgingRun.objects.filter(pk=judging_run.pk).update(
        status=JudgingRunStatus.FAILED,
        error="the provider's account has no quota left",
        error_code="no_quota",
        judged_count=1,
        failed_count=2,
        skipped_count=len(items) - 3,
        started_at=timezone.now(),
        completed_at=timezone.now(),
    )
    judging_run.refresh_from_db()
    return judging_run


# The page of a run


def test_a_run_shows_metrics_with_coverage_grades_and_its_queries_worst_first(visit: Client) -> None:
    run = make_run({"good": ["d1"], "bad": ["d2"], "unjudged": ["d3"]}, metrics=["NDCG@10"])
    for text, value in (("good", 1.0), ("bad", 0.25)):
        RunQuery.objects.filter(run=run, text=text).update(
            is_scored=True, metric_values={"NDCG@10": value}, coverage_values={"NDCG@10": [1, 1]}
        )
    Candidate.objects.filter(run=run, document__external_id="d1").update(effective_grade=3, people_count=1)
    EvaluationRun.objects.update(
        metric_values={"NDCG@10": 0.625}, coverage_values={"NDCG@10": 0.5}, judged_count=1, scored_query_count=2
    )
    page = text_of(visit, page_of(run))
    assert "0.6250" in page
    assert "50 % judged" in page
    assert "Scored 2 of 3 queries" in page
    assert "1 by people" in page
    assert page.index(">bad<") < page.index(">good<") < page.index(">unjudged<")
    turned = text_of(visit, f"{page_of(run)}?order=-NDCG@10", headers={**HTMX, "HX-Target": "queries"})
    assert "<html" not in turned
    assert turned.index(">good<") < turned.index(">bad<") < turned.index(">unjudged<")


def test_an_unknown_order_is_the_usual_one(visit: Client) -> None:
    run = make_run()
    assert 'aria-sort="ascending"><a href="?order=-NDCG%4010"' in text_of(visit, f"{page_of(run)}?order=evil")


def test_titles_queries_and_errors_are_shown_as_text(visit: Client, member: User) -> None:
    run = make_run({EVIL: ["d1", "d2", "d3", "d4"]}, name=EVIL, evaluation=make_evaluation(name=EVIL, description=EVIL))
    judging_run = ended_run(run, member, judge=make_judge(name=EVIL, prompt_template=EVIL), reply=EVIL)
    JudgingRun.objects.update(error=EVIL)
    for path in (page_of(run), f"/evaluations/{run.evaluation_id}", f"/ai-judging-runs/{judging_run.pk}"):
        page = text_of(visit, path)
        assert EVIL not in page, path
        assert "&lt;script&gt;" in page


def test_a_run_is_locked_unlocked_and_deleted(visit: Client) -> None:
    run = make_run()
    assert visit.post(f"{page_of(run)}/lock").status_code == 302
    run.refresh_from_db()
    assert run.is_locked
    assert visit.post(f"{page_of(run)}/delete").status_code == 409
    visit.post(f"{page_of(run)}/unlock")
    assert visit.post(f"{page_of(run)}/delete")["Location"] == f"/evaluations/{run.evaluation_id}"
    assert not EvaluationRun.objects.exists()


def test_exports_are_downloads(visit: Client, member: User) -> None:
    run = make_run(name="bm25")
    judging_run = ended_run(run, member)
    for path, name in (
        (f"{page_of(run)}/export?file_format=trec_run", "bm25-run.run"),
        (f"{page_of(run)}/judgments/export?file_format=qrels", "bm25-judgments.qrels"),
        (f"/ai-judging-runs/{judging_run.pk}/export?file_format=jsonl", "bm25-Careful-v1-ai-judging-run.jsonl"),
    ):
        response = visit.get(path)
        assert name in response["Content-Disposition"]
    assert visit.get(f"{page_of(run)}/export?file_format=exe").status_code == 400


def test_a_rater_sees_the_run_and_nothing_of_what_members_do(rater: User) -> None:
    run, visit = make_run(), client_of(rater)
    page = text_of(visit, page_of(run))
    assert "Run AI Judge" not in page
    assert "Lock" not in page
    for path in (f"/evaluations/{run.evaluation_id}", f"{page_of(run)}/export", "/evaluations"):
        assert visit.get(path).status_code == 403
    for path in (f"{page_of(run)}/lock", f"{page_of(run)}/ai-judge", f"{page_of(run)}/delete", "/first-steps/sample"):
        assert visit.post(path).status_code == 403


def test_a_run_under_import_shows_how_far_it_is_and_then_the_page_anew(visit: Client) -> None:
    run = make_run(status=EvaluationRunStatus.RUNNING)
    EvaluationRun.objects.update(candidate_count=10)
    assert "<b>5</b> of 10 candidates written" in text_of(visit, f"{page_of(run)}?part=import", headers=HTMX)
    EvaluationRun.objects.update(status=EvaluationRunStatus.COMPLETED)
    assert visit.get(f"{page_of(run)}?part=import", headers=HTMX)["HX-Refresh"] == "true"


def test_results_are_asked_for_until_the_metrics_are_computed(visit: Client) -> None:
    run = make_run()
    RunQuery.objects.update(has_stale_metrics=True)
    assert "every 2s" not in text_of(visit, page_of(run)).split('id="results"')[1].split(">")[0]
    WorkerHeartbeat.objects.create(worker="w", seen_at=timezone.now())
    assert "every 2s" in text_of(visit, f"{page_of(run)}?part=results", headers=HTMX)
    RunQuery.objects.update(has_stale_metrics=False)
    response = visit.get(f"{page_of(run)}?part=results&waiting=1", headers=HTMX)
    assert "releval:metrics-renewed" in response["HX-Trigger-After-Settle"]


# The sidebar


def start_values(judge: AIJudge, **values: Any) -> dict[str, Any]:
    return {"ai_judge_id": str(judge.pk), "scope": "all", "key": str(uuid4()), **values}


def test_the_form_opens_without_javascript_and_names_the_judges_one_may_use(visit: Client) -> None:
    run = make_run()
    make_judge(name="Ours")
    make_judge(name="Hidden", owner=make_user())
    assert "AI Judge</label>" not in text_of(visit, page_of(run))
    page = text_of(visit, f"{page_of(run)}?judge=1")
    assert ">AI Judge</label>" in page
    assert "Ours (stub-model)" in page
    assert "Hidden" not in page


def test_a_judge_is_started_with_what_the_form_says_and_the_same_form_again_starts_nothing(visit: Client) -> None:
    run, judge = make_run(), make_judge()
    values = start_values(judge, depth="1", query_limit="1", max_concurrency="3", max_total_tokens="5000")
    for _ in range(2):
        response = visit.post(f"{page_of(run)}/ai-judge", values, headers=HTMX)
        assert "Queued" in response.content.decode()
        assert response["HX-Retarget"] == "#judging"
        assert "releval:watch" in response["HX-Trigger-After-Settle"]
    started = JudgingRun.objects.get()
    assert (started.depth, started.query_limit, started.max_concurrency, started.max_total_tokens) == (1, 1, 3, 5000)
    assert started.total_count == 1


def test_without_javascript_a_start_leads_back_to_the_run(visit: Client) -> None:
    run = make_run()
    response = visit.post(f"{page_of(run)}/ai-judge", start_values(make_judge()))
    assert response["Location"] == page_of(run)
    assert JudgingRun.objects.count() == 1


def test_a_refused_start_keeps_the_form_with_the_reason_beside_the_field(visit: Client) -> None:
    run, judge = make_run(), make_judge()
    for headers in (None, HTMX):
        page = visit.post(f"{page_of(run)}/ai-judge", start_values(judge, max_concurrency="999"), headers=headers)
        assert "less than or equal to 256" in page.content.decode()
        assert 'value="999"' in page.content.decode()
    foreign = make_judge(owner=make_user())
    assert "Select a valid choice" in visit.post(f"{page_of(run)}/ai-judge", start_values(foreign)).content.decode()
    assert not JudgingRun.objects.exists()


def test_a_key_used_for_something_else_is_renewed(visit: Client) -> None:
    run, judge = make_run(), make_judge()
    values = start_values(judge)
    visit.post(f"{page_of(run)}/ai-judge", values)
    page = visit.post(f"{page_of(run)}/ai-judge", {**values, "depth": "1"}, headers=HTMX).content.decode()
    assert "was used for another request" in page
    assert values["key"] not in page


def test_the_sidebar_says_why_no_judge_can_start(visit: Client) -> None:
    run, judge = make_run(), make_judge()
    for fields, reason in (
        ({"status": EvaluationRunStatus.FAILED}, "The evaluation run is failed"),
        ({"status": EvaluationRunStatus.PENDING}, "The evaluation run is pending"),
        ({"status": "completed", "is_locked": True, "locked_at": timezone.now()}, "The evaluation run is locked"),
    ):
        EvaluationRun.objects.update(**fields)
        assert reason in text_of(visit, f"{page_of(run)}?judge=1")
        response = visit.post(f"{page_of(run)}/ai-judge", start_values(judge), headers=HTMX)
        assert reason in response.content.decode()
    assert not JudgingRun.objects.exists()


def test_the_estimate_follows_the_form(visit: Client) -> None:
    run, judge = make_run(), make_judge(batch_size=2, input_price=1000.0)
    path = f"{page_of(run)}/ai-judge/estimate"
    page = text_of(visit, path, data=start_values(judge), headers=HTMX)
    assert "<b>5</b> candidates" in page
    assert "<b>3</b> calls" in page
    assert "cost <b>" in page
    assert "<b>2</b> candidates" in text_of(visit, path, data=start_values(judge, depth="1"), headers=HTMX)
    assert "No estimate" in text_of(visit, path, data=start_values(judge, depth="-1"), headers=HTMX)
    EvaluationRun.objects.update(is_locked=True, locked_at=timezone.now())
    assert "is locked" in text_of(visit, path, data=start_values(judge), headers=HTMX)


def test_without_a_judge_the_sidebar_offers_the_one_that_needs_no_key(visit: Client) -> None:
    run = make_run()
    assert "Use the local judge" in text_of(visit, f"{page_of(run)}?judge=1")
    next_url = f"{page_of(run)}?judge=1"
    assert visit.post("/first-steps/local-judge", {"next": next_url})["Location"] == next_url
    assert visit.post("/first-steps/local-judge", {"next": "https://evil.example"})["Location"] == "/"
    judge = AIJudge.objects.get()
    assert (judge.ai_provider.type, judge.shared) == ("local", False)


def test_the_list_polls_while_a_run_is_under_way_and_its_last_answer_does_not(visit: Client, member: User) -> None:
    run = make_run()
    started = start_judging_run(evaluation_run=run, judge=make_judge(), actor=member)
    path = f"{page_of(run)}/ai-judging-runs?known={started.pk}"
    JudgingRun.objects.update(judged_count=2, failed_count=1)
    page = text_of(visit, path, headers=HTMX)
    assert 'hx-trigger="every 1s"' in page
    assert "<title>60 % · " in page
    assert "No worker is running" in page
    JudgingRun.objects.update(judged_count=0, failed_count=0)
    visit.post(f"/ai-judging-runs/{started.pk}/cancel")
    response = visit.get(path, headers=HTMX)
    assert "every 1s" not in response.content.decode()
    assert "Cancelled" in response.content.decode()
    assert "releval:run-ended" in response["HX-Trigger-After-Settle"]


def test_what_polls_for_a_vanished_run_is_told_once(visit: Client) -> None:
    for path in (
        f"/evaluations/runs/{uuid4()}/ai-judging-runs",
        f"/evaluations/runs/{uuid4()}?part=results",
        f"/ai-judging-runs/{uuid4()}?part=live",
    ):
        page = text_of(visit, path, headers=HTMX)
        assert "This run is gone." in page
        assert "hx-get" not in page
    assert visit.get(f"/ai-judging-runs/{uuid4()}").status_code == 404


def test_cancelling_what_has_ended_says_so_and_changes_nothing(visit: Client, member: User) -> None:
    judging_run = ended_run(make_run(), member)
    response = visit.post(f"/ai-judging-runs/{judging_run.pk}/cancel", headers={**HTMX, "HX-Target": "judging-runs"})
    assert "has failed already" in response["HX-Trigger"]
    judging_run.refresh_from_db()
    assert judging_run.status == JudgingRunStatus.FAILED


# The page of an AI judging run


def test_failures_are_grouped_with_reply_remedy_and_what_to_do_next(visit: Client, member: User) -> None:
    run = make_run()
    judging_run = ended_run(run, member, reply='{"grade": 3}')
    page = text_of(visit, f"/ai-judging-runs/{judging_run.pk}")
    for words in ("Refine the prompt template", "{&quot;grade&quot;: 3}", "Raise the quota", "Judge what failed"):
        assert words in page
    assert "Fill the gaps" in page
    filtered = text_of(
        visit, f"/ai-judging-runs/{judging_run.pk}?code=unparseable", headers={**HTMX, "HX-Target": "items"}
    )
    assert filtered.count("<tr>") == 3
    assert "Not judged" not in filtered


def test_what_failed_is_judged_again_by_the_same_judge(visit: Client, member: User) -> None:
    run = make_run()
    judge = make_judge()
    source = ended_run(run, member, judge=judge)
    values = start_values(judge, scope="failed", source_run_id=str(source.pk), follow="1")
    response = visit.post(f"{page_of(run)}/ai-judge", values)
    again = JudgingRun.objects.exclude(pk=source.pk).get()
    assert response["Location"] == f"/ai-judging-runs/{again.pk}"
    assert (again.scope, again.source_run_id, again.total_count) == ("failed", source.pk, 2)
    prefilled = text_of(visit, f"{page_of(run)}?judge=1&scope=remaining&source_run_id={source.pk}")
    assert '<option value="remaining" selected>' in prefilled
    assert f'<option value="{source.pk}" selected>' in prefilled


def test_a_source_run_is_ignored_where_the_scope_needs_none(visit: Client, member: User) -> None:
    run, judge = make_run(), make_judge()
    source = ended_run(run, member, judge=judge)
    visit.post(f"{page_of(run)}/ai-judge", start_values(judge, scope="all", source_run_id=str(source.pk)))
    assert JudgingRun.objects.filter(scope="all", source_run=None).count() == 2


def test_the_last_look_at_a_run_under_way_tells_the_page(visit: Client, member: User) -> None:
    started = start_judging_run(evaluation_run=make_run(), judge=make_judge(), actor=member)
    path = f"/ai-judging-runs/{started.pk}?part=live"
    assert 'hx-trigger="every 1s"' in text_of(visit, path, headers=HTMX)
    JudgingRun.objects.update(status=JudgingRunStatus.CANCELLED, skipped_count=5)
    response = visit.get(path, headers=HTMX)
    assert "hx-get" not in response.content.decode()
    assert "releval:run-ended" in response["HX-Trigger-After-Settle"]


# What pages cost


def test_pages_cost_no_query_per_row(
    visit: Client, member: User, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    def grow(count: int, start: int) -> EvaluationRun:
        run = make_run(
            {f"q{n}": [f"d{n}-{c}" for c in range(3)] for n in range(start, start + count)}, evaluation=evaluation
        )
        RunQuery.objects.filter(run=run).update(is_scored=True, metric_values={"NDCG@10": 0.5, "P@10": 0.5})
        EvaluationRun.objects.filter(pk=run.pk).update(metric_values={"NDCG@10": 0.5, "P@10": 0.5})
        for _ in range(count):
            start_judging_run(evaluation_run=run, judge=judge, actor=member, options=JudgingOptions(query_limit=1))
        cancelled = JudgingRun.objects.exclude(status=JudgingRunStatus.FAILED)
        cancelled.update(status=JudgingRunStatus.CANCELLED, skipped_count=F("total_count"))
        return run

    evaluation, judge = make_evaluation(), make_judge(make_provider())
    limits = {
        "/evaluations": 12,
        "/evaluations/{e}": 15,
        "/evaluations/runs/{r}?judge=1": 30,
        "/ai-judging-runs/{j}": 22,
    }
    for count, start in ((2, 0), (6, 100)):
        run = grow(count, start)
        grow(1, start + 50)
        judging_run = ended_run(run, member, judge=judge)
        for path, limit in limits.items():
            address = path.format(e=evaluation.pk, r=run.pk, j=judging_run.pk)
            visit.get(address)
            with django_assert_max_num_queries(limit):
                visit.get(address)
