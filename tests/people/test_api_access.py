"""Who may do what, for every route: a route that is missing from the table fails the first test."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import transaction
from django.urls import URLPattern
from rest_framework.test import APIClient

from judging.api.urls import urlpatterns
from judging.models import ApiToken, Invitation, JudgingRun, User
from judging.review.own_views import save_view
from judging.trust.samples.acts import create_check_sample
from tests.factories import (
    make_analysis,
    make_certificate,
    make_evaluation,
    make_golden_check,
    make_judge,
    make_probe_run,
    make_provider,
    make_run,
    make_search_item,
)
from tests.rest_clients import assert_problem
from tests.search.runs.searching import make_search_evaluation
from tests.security.routes import assert_policy

# Who may come in: "all" with an account, "members" (and admins), "admins". `{provider}` and `{judge}` are personal.
ROUTES: dict[str, dict[str, str]] = {
    "me": {"GET": "all"},
    "me/open-runs": {"GET": "all"},
    "me/review-views": {"GET": "members", "POST": "members"},
    "me/review-views/{view}": {"DELETE": "members"},
    "members": {"GET": "admins", "POST": "admins"},
    "members/{member}": {"GET": "admins", "PATCH": "admins", "DELETE": "admins"},
    "audit": {"GET": "admins"},
    "invitations": {"GET": "admins"},
    "invitations/{invitation}": {"DELETE": "admins"},
    "tokens": {"GET": "all", "POST": "all"},
    "tokens/{token}": {"DELETE": "all"},
    "search": {"GET": "all"},
    "usage": {"GET": "members"},
    "corpora": {"GET": "members", "POST": "members"},
    "corpora/{corpus}": {"GET": "members", "PATCH": "members", "DELETE": "members"},
    "endpoints": {"GET": "members", "POST": "members"},
    "endpoints/test": {"POST": "members"},
    "endpoints/suggest-mapping": {"POST": "members"},
    "endpoints/{endpoint}": {"GET": "members", "PUT": "members", "PATCH": "members", "DELETE": "members"},
    "endpoints/{endpoint}/test": {"POST": "members"},
    "evaluations": {"GET": "members", "POST": "members"},
    "evaluations/{evaluation}": {"GET": "members", "PATCH": "members", "DELETE": "members"},
    "analysis": {"GET": "members", "POST": "members"},
    "analysis/{analysis}": {"GET": "members", "DELETE": "members"},
    "analysis/{analysis}/stop": {"POST": "members"},
    "analysis/{analysis}/resume": {"POST": "members"},
    "query-sets": {"GET": "members", "POST": "members"},
    "query-sets/upload": {"POST": "members"},
    "query-sets/sample": {"POST": "members"},
    "query-sets/{query_set}": {"GET": "members", "PUT": "members", "PATCH": "members", "DELETE": "members"},
    "query-sets/{query_set}/queries": {"GET": "members", "POST": "members"},
    "query-lab": {"POST": "members"},
    "query-templates": {"GET": "members", "POST": "members", "DELETE": "members"},
    "query-templates/test": {"POST": "members"},
    "query-templates/test/{query_set}": {"POST": "members"},
    "query-templates/{query_template}": {"GET": "members", "PUT": "members", "PATCH": "members", "DELETE": "members"},
    "query-templates/{query_template}/versions": {"GET": "members"},
    "ai-providers": {"GET": "members", "POST": "members"},
    "ai-providers/{provider}": {"GET": "members", "PUT": "members", "PATCH": "members", "DELETE": "members"},
    "ai-providers/{provider}/test": {"POST": "members"},
    "ai-judges": {"GET": "members", "POST": "members"},
    "ai-judges/templates": {"GET": "members"},
    "ai-judges/{judge}": {"GET": "members", "PUT": "members", "PATCH": "members", "DELETE": "members"},
    "ai-judges/{judge}/versions": {"GET": "members"},
    "ai-judges/{judge}/test": {"POST": "members"},
    "ai-judges/{judge}/probes": {"GET": "members", "POST": "members"},
    "probes/{probe_run}": {"GET": "members"},
    "probes/{probe_run}/cancel": {"POST": "members"},
    "golden-sets": {"GET": "members", "POST": "members"},
    "golden-sets/{golden_set}": {"GET": "members", "PATCH": "members", "DELETE": "members"},
    "golden-sets/{golden_set}/checks": {"GET": "members", "POST": "members"},
    "golden-checks/{check}": {"GET": "members"},
    "golden-checks/{check}/cancel": {"POST": "members"},
    "corpora/{corpus}/judgments/import": {"POST": "members"},
    "evaluations/{evaluation}/runs": {"GET": "all", "POST": "members"},
    "evaluations/{evaluation}/runs/import": {"POST": "members"},
    "evaluations/runs/{run}": {"GET": "all", "PATCH": "members", "DELETE": "members"},
    "evaluations/runs/{run}/results": {"POST": "members"},
    "evaluations/runs/{run}/show-grades": {"POST": "members"},
    "evaluations/runs/{run}/lock": {"POST": "members"},
    "evaluations/runs/{run}/unlock": {"POST": "members"},
    "evaluations/runs/{run}/start": {"POST": "members"},
    "evaluations/runs/{run}/stop": {"POST": "members"},
    "evaluations/runs/{run}/clone": {"POST": "members"},
    "evaluations/runs/{run}/resume": {"POST": "members"},
    "evaluations/runs/{run}/remap": {"POST": "members"},
    "evaluations/runs/{run}/searches": {"GET": "members"},
    "evaluations/runs/{searched}/searches/{searched_query}/exchange": {"GET": "members"},
    "evaluations/runs/{run}/queries": {"GET": "all"},
    "evaluations/runs/{run}/tags": {"GET": "members", "POST": "members"},
    "evaluations/runs/{run}/candidates": {"GET": "all"},
    "evaluations/runs/{run}/assignments": {"GET": "members", "PUT": "members", "DELETE": "members"},
    "evaluations/runs/{run}/assignments/queries": {"GET": "members"},
    "evaluations/runs/{run}/candidates/confirm": {"POST": "members"},
    "evaluations/runs/{run}/candidates/take-back": {"POST": "members"},
    "evaluations/runs/{run}/export": {"GET": "members"},
    "evaluations/runs/{run}/queries/export": {"GET": "members"},
    "evaluations/runs/{run}/judgments/export": {"GET": "members"},
    "judgments": {"POST": "all"},
    "evaluations/runs/{run}/ai-judge": {"POST": "members"},
    "evaluations/runs/{run}/ai-judge/estimate": {"POST": "members"},
    "evaluations/runs/{run}/ai-judging-runs": {"GET": "members"},
    "ai-judging-runs/{judging_run}": {"GET": "members"},
    "ai-judging-runs/{judging_run}/export": {"GET": "members"},
    "ai-judging-runs/{judging_run}/items": {"GET": "members"},
    "ai-judging-runs/{judging_run}/cancel": {"POST": "members"},
    "agreement": {"GET": "members"},
    "ai-judging-runs/{judging_run}/make-current": {"GET": "members", "POST": "members"},
    "judging-runs/compare": {"GET": "members"},
    "evaluations/runs/{run}/compare/{run}": {"GET": "members"},
    "evaluations/runs/{run}/compare/{run}/queries/{query}": {"GET": "members"},
    "evaluations/runs/{run}/compare/{run}/ai-judge": {"POST": "members"},
    "evaluations/runs/{run}/trust": {"GET": "members"},
    "check-samples": {"GET": "members", "POST": "members"},
    "check-samples/{sample}": {"GET": "members", "DELETE": "members"},
    "check-samples/{sample}/next": {"GET": "all"},
    "check-samples/{sample}/skip": {"POST": "all"},
    "check-samples/{sample}/items": {"GET": "members"},
    "check-samples/{sample}/certificate": {"POST": "members"},
    "certificates/{certificate}": {"GET": "members"},
}
PRIVATE = ("{provider}", "{judge}", "{token}", "{view}", "{probe_run}", "{golden_set}", "{check}")
CALLS = [(method, route, who) for route, methods in ROUTES.items() for method, who in methods.items()]


@pytest.fixture
def paths(member: User, admin: User) -> dict[str, Any]:
    """The ids that stand in routes: everything private belongs to `member`."""
    run = make_run()
    provider = make_provider(owner=member)
    judge = make_judge(provider, owner=member)
    judging_run = JudgingRun.objects.create(
        evaluation_run=run,
        judge_version=judge.versions.get(),
        provider_name="x",
        provider_type="custom",
        max_concurrency=1,
    )
    item = make_search_item()
    searching = make_search_evaluation("http://127.0.0.1:9")
    golden_check = make_golden_check(judge, run)
    sample = create_check_sample(run=run, goal="certify", metric="P@10", actor=member)
    return {
        "member": member.pk,
        "invitation": Invitation.objects.create(
            email="new@example.com", token_hash="x", created_by=admin, expires_at="2100-01-01T00:00Z"
        ).pk,
        "token": ApiToken.objects.create(user=member, name="private", prefix="rlv_", token_hash="y").pk,
        "view": save_view(name="Failed", query="status=failed", actor=member).pk,
        "corpus": run.evaluation.corpus_id,
        "evaluation": make_evaluation(run.evaluation.corpus).pk,
        "run": run.pk,
        "endpoint": searching.endpoint_id,
        "analysis": make_analysis().pk,
        "query_set": searching.query_set_id,
        "query_template": searching.query_template_id,
        "searched": item.search_run_id,
        "searched_query": item.run_query_id,
        "query": run.run_queries.all()[0].query.identity,
        "provider": provider.pk,
        "judge": judge.pk,
        "judging_run": judging_run.pk,
        "probe_run": make_probe_run(judge, run).pk,
        "golden_set": golden_check.golden_set_id,
        "check": golden_check.pk,
        "sample": sample.pk,
        "certificate": make_certificate(sample).pk,
    }


def is_private(route: str) -> bool:
    return any(name in route for name in PRIVATE)


def each_answer(
    client: APIClient, paths: dict[str, Any], *, only_private: bool = False
) -> Iterator[tuple[str, str, str, Any]]:
    """Call every method of every route with an empty body; what it did is rolled back."""
    for method, route, who in CALLS:
        if only_private and not is_private(route):
            continue
        with transaction.atomic():
            path = f"/api/v1/{route.format(**paths)}"
            response = client.generic(method, path, "{}", content_type="application/json")
            assert_policy(response, (method, route))
            yield method, route, who, response
            transaction.set_rollback(True)


def test_the_table_names_every_route_and_method() -> None:
    def routes() -> Iterator[tuple[str, str]]:
        for pattern in urlpatterns[:-1]:
            assert isinstance(pattern, URLPattern)
            parts = str(pattern.pattern).split("/")
            route = "/".join("{}" if part.startswith("<") else part for part in parts)
            view = pattern.callback.cls  # type: ignore[attr-defined]
            for method in ("get", "post", "put", "patch", "delete"):
                if hasattr(view, method):
                    yield route, method.upper()

    def blank(route: str) -> str:
        return "/".join("{}" if part.startswith("{") else part for part in route.split("/"))

    assert sorted(routes()) == sorted((blank(route), method) for method, route, _ in CALLS)


def test_without_a_token_every_route_answers_401(anonymous: APIClient, paths: dict[str, Any]) -> None:
    for method, route, _, response in each_answer(anonymous, paths):
        assert response.status_code == 401, (method, route)
        assert_problem(response, 401, "not_authenticated")
        assert response["WWW-Authenticate"].startswith("Bearer")


def test_a_rater_gets_403_but_for_what_raters_do(as_rater: APIClient, paths: dict[str, Any]) -> None:
    for method, route, who, response in each_answer(as_rater, paths):
        if who == "all":
            assert response.status_code in (200, 400, 404), (method, route)
        else:
            assert response.status_code == 403, (method, route)
            assert_problem(response, 403, "permission_denied")


@pytest.mark.slow(seconds=2)
def test_members_get_403_for_admin_routes_and_404_for_private_rows(
    as_stranger: APIClient, paths: dict[str, Any]
) -> None:
    for method, route, who, response in each_answer(as_stranger, paths):
        if who == "admins":
            assert response.status_code == 403, (method, route)
        elif is_private(route):
            assert response.status_code == 404, (method, route)
            assert_problem(response, 404, "not_found")
        else:
            # Nothing answers at the endpoint: 502.
            assert response.status_code in (200, 201, 204, 400, 409, 415, 502), (method, route)


@pytest.mark.slow(seconds=2)
def test_the_owner_and_admins_come_in_wherever_they_should(
    as_member: APIClient, as_admin: APIClient, paths: dict[str, Any]
) -> None:
    # On what is not private the owner is a member as the stranger above.
    for method, route, _, response in each_answer(as_member, paths, only_private=True):
        assert response.status_code in (200, 201, 204, 400, 409, 415, 502), (method, route)
    for method, route, _, response in each_answer(as_admin, paths):
        expected = (404,) if "{token}" in route or "{view}" in route else (200, 201, 204, 400, 409, 415, 502)
        assert response.status_code in expected, (method, route)


def test_admins_reach_personal_rows_but_not_others_tokens_or_views(as_admin: APIClient, paths: dict[str, Any]) -> None:
    assert as_admin.patch(f"/api/v1/ai-providers/{paths['provider']}", {"name": "renamed"}).status_code == 200
    assert as_admin.patch(f"/api/v1/ai-judges/{paths['judge']}", {"description": "x"}).status_code == 200
    assert_problem(as_admin.delete(f"/api/v1/tokens/{paths['token']}"), 404)
    assert_problem(as_admin.delete(f"/api/v1/me/review-views/{paths['view']}"), 404)


def test_shared_ones_are_everybody_s_to_see_and_admins_to_change(as_member: APIClient, as_admin: APIClient) -> None:
    judge = make_judge()
    for path in (f"/api/v1/ai-judges/{judge.pk}", f"/api/v1/ai-providers/{judge.ai_provider_id}"):
        assert as_member.get(path).json()["owner"] is None
        assert_problem(as_member.patch(path, {"name": "mine"}), 403, "permission_denied")
        assert_problem(as_member.delete(path), 403, "permission_denied")
        assert as_admin.patch(path, {"name": "ours"}).status_code == 200
