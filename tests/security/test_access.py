"""Who may call what, for every page and every route of /v1, as the resolver has them (/api/v1: tests/people/test_api_access.py).

A route that is not named here is for members: a new one that lets others in fails until it is named.
"""

from collections.abc import Iterator
from typing import Any

from django.db import transaction
from django.test import Client
from django.urls import reverse
from rest_framework.test import APIClient

from judging.models import BatchExecution, EvaluationRun, JudgingRun, Role, User
from judging.people.accounts import deactivate_member
from tests.factories import make_token, make_user
from tests.security.installation import Installation, browser_of
from tests.security.routes import Route, assert_policy, pages, routes

# What everyone on the network may call.
PUBLIC = {
    "/healthz",
    "/readyz",
    "/api/schema",
    "/api/docs",
    "/v1/schema/",
    "/login",
    "/logout",
    "/invitations/{secret}",
}
# From this machine, or with an admin's token: tests/operations/test_metrics.py.
GUARDED = {"/metrics"}
# What raters do: they see evaluation runs and grade.
RATERS = {
    "/",
    "/find",
    "/account",
    "/account/password",
    "/account/tokens",
    "/account/tokens/{token_id}/revoke",
    "/evaluations/runs/{run_id}",
    "/evaluations/runs/{run_id}/review",
    "/evaluations/runs/{run_id}/review/candidates/{candidate_pk}",
    "/evaluations/runs/{run_id}/review/grade",
    "/evaluations/runs/{run_id}/review/confirm",
    "/evaluations/runs/{run_id}/review/restore",
    "/evaluations/runs/{run_id}/evaluate",
    "/evaluations/runs/{run_id}/check-samples/open",
    "/check-samples/open",
    "/open-runs",
    "/check-samples/{sample_id}/grade",
}
ADMINS = {
    "/audit",
    "/batches/default-model",
    "/members",
    "/members/invitations",
    "/members/invitations/{invitation_id}/revoke",
    "/members/{member_id}",
}
# The evaluators and response judges of the installation are presets here, which nobody deletes.
PRESETS = {"/batches/evaluators/{evaluator_id}/delete", "/batches/judges/{judge_id}/delete"}
# What these name belongs to somebody; to others it does not exist.
PRIVATE = {"provider_id", "judge_id", "probe_run_id", "golden_set_id", "check_id", "token_id", "view_id"}


def is_private(route: Route) -> bool:
    return bool(PRIVATE & route.parameters) and not route.template.startswith("/batches/")


PAGES = [route for route in pages() if route.template not in PUBLIC]
BATCH_API = [route for route in routes("/v1/") if route.template not in PUBLIC]
MISSING = "This route has no method that anything but refuses."


def calls(client: Any, installation: Installation, some: list[Route], methods: str) -> Iterator[tuple[str, Route, Any]]:
    """Call each method that a route has with an empty body; what it did is rolled back.

    Whatever is answered, to whom ever, is no 500 and carries the policy.
    """
    for route in some:
        answered = 0
        for method in methods.split():
            with transaction.atomic():
                response = client.generic(method, installation.path(route), "{}", content_type="application/json")
                transaction.set_rollback(True)
            assert response.status_code != 500, (method, route.template)
            assert_policy(response, (method, route.template))
            if response.status_code != 405:
                answered += 1
                yield method, route, response
        assert answered, (route.template, MISSING)


def page_calls(client: Client, installation: Installation) -> Iterator[tuple[str, Route, Any]]:
    return calls(client, installation, PAGES, "GET POST")


def api_calls(client: APIClient, installation: Installation) -> Iterator[tuple[str, Route, Any]]:
    return calls(client, installation, BATCH_API, "GET POST PUT PATCH DELETE")


def api_client(user: User) -> APIClient:
    client = APIClient(raise_request_exception=False)
    client.credentials(HTTP_AUTHORIZATION=f"Api-Key {make_token(user)}")
    return client


def test_what_is_named_here_exists() -> None:
    templates = {route.template for route in routes()}
    assert templates >= PUBLIC | RATERS | ADMINS
    assert len(PAGES) > 30
    assert len(BATCH_API) > 15


def test_pages_send_visitors_without_an_account_to_sign_in(standing: Installation) -> None:
    for method, route, response in page_calls(Client(raise_request_exception=False), standing):
        assert response.status_code == 302, (method, route.template)
        assert response["Location"].startswith("/login?next=/"), (method, route.template)


def test_a_deactivated_member_has_no_access(standing: Installation) -> None:
    leaver = make_user(Role.MEMBER)
    browser, api = browser_of(leaver), api_client(leaver)
    admin = User.objects.get(email="admin@example.com")
    deactivate_member(actor=admin, member_id=leaver.pk)
    for method, route, response in page_calls(browser, standing):
        assert response.status_code == 302, (method, route.template)
    for method, route, response in api_calls(api, standing):
        assert response.status_code == 401, (method, route.template)
    assert api.get("/api/v1/me").status_code == 401


def test_a_rater_gets_no_page_but_those_of_raters(standing: Installation) -> None:
    rater = browser_of(make_user(Role.RATER))
    for method, route, response in page_calls(rater, standing):
        if route.template not in RATERS:
            assert response.status_code == 403, (method, route.template, response.status_code)
        elif is_private(route):
            assert response.status_code == 404, (method, route.template)
        else:
            assert response.status_code in (200, 302, 400, 404, 422), (method, route.template, response.status_code)


def test_another_member_finds_nothing_that_is_private_and_no_admin_s_page(standing: Installation) -> None:
    stranger = browser_of(make_user(Role.MEMBER))
    for method, route, response in page_calls(stranger, standing):
        if route.template in ADMINS:
            assert response.status_code == 403, (method, route.template)
        elif is_private(route):
            assert response.status_code == 404, (method, route.template, response.status_code)
        elif route.template in PRESETS and method == "POST":
            assert response.status_code == 403, (method, route.template, response.status_code)
        else:
            assert response.status_code in (200, 201, 302, 400, 404, 409, 422), (method, route.template)
        # A judging run is the team's, and tells which service it called.
        if not response.streaming and "judging_run_id" not in route.parameters:
            assert standing.provider.name not in response.content.decode(), (method, route.template)


def test_the_owner_finds_their_own(standing: Installation) -> None:
    """On what is the team's, another member has called above; whoever reads, finds it: test_secrets.py."""
    owner = browser_of(standing.owner)
    own = [route for route in PAGES if is_private(route)]
    for method, route, response in calls(owner, standing, own, "GET POST"):
        if method == "GET":
            assert response.status_code in (200, 302), (method, route.template, response.status_code)


def test_the_batch_api_knows_nobody_without_a_key(standing: Installation) -> None:
    session = APIClient(raise_request_exception=False)
    session.force_login(standing.owner, backend="django.contrib.auth.backends.ModelBackend")
    for client in (APIClient(raise_request_exception=False), session):
        for method, route, response in api_calls(client, standing):
            assert response.status_code == 401, (method, route.template)
            assert response.json()["code"] == "not_authenticated"


def test_a_rater_gets_nothing_of_the_batch_api(standing: Installation) -> None:
    for method, route, response in api_calls(api_client(make_user(Role.RATER)), standing):
        assert response.status_code == 403, (method, route.template)
        assert response.json()["code"] == "permission_denied"


def test_another_s_relevance_judge_is_not_found_by_the_batch_api(standing: Installation) -> None:
    stranger = api_client(make_user(Role.MEMBER))
    for method, route, response in api_calls(stranger, standing):
        if "judge_id" in route.parameters and "execute" not in route.template:
            assert response.status_code == 404, (method, route.template)
    judge_id = standing.judge.pk
    one = {"request": "a", "response": "b"}
    for path, body in (
        (f"/v1/judges/{judge_id}/execute/", one),
        (f"/v1/judges/execute/by-name/?name={standing.judge.name}", one),
        (f"/v1/judges/{judge_id}/batch-execute/", {"inputs": [one]}),
        ("/v1/batch-executions/", {"inputs": [one], "judge_id": str(judge_id)}),
    ):
        refused = stranger.post(path, body, format="json")
        unknown = stranger.post(
            path.replace(str(judge_id), str(standing.run.pk)),
            {**body, "judge_id": str(standing.run.pk)} if "judge_id" in body else body,
            format="json",
        )
        assert refused.status_code in (400, 404), path
        if "by-name" not in path:
            assert refused.json()["detail"] == unknown.json()["detail"]
    assert standing.judge.name not in stranger.get("/v1/judges/").content.decode()


def test_a_batch_of_another_s_personal_judge_can_be_read_but_not_run_again(standing: Installation) -> None:
    batch = standing.batch
    owner, stranger = api_client(standing.owner), api_client(make_user(Role.MEMBER))
    assert owner.post(f"/v1/judges/batch-executions/{batch.pk}/cancel/").status_code == 200
    before = BatchExecution.objects.count()
    path = f"/v1/judges/batch-executions/{batch.pk}/"
    assert stranger.get(path).status_code == 200
    assert stranger.post(f"{path}retry-failed/").status_code == 404
    assert BatchExecution.objects.count() == before
    assert owner.post(f"{path}retry-failed/").status_code == 202


def test_another_s_judge_judges_nothing_for_a_stranger_by_any_door(standing: Installation) -> None:
    stranger = make_user(Role.MEMBER)
    browser, api = browser_of(stranger), api_client(stranger)
    api.credentials(HTTP_AUTHORIZATION=f"Bearer {make_token(stranger)}")
    judging_runs = JudgingRun.objects.count()
    browser.post(reverse("start_judging", args=[standing.run.pk]), {"ai_judge_id": standing.judge.pk, "scope": "all"})
    browser.post(reverse("start_judging", args=[standing.run.pk]), {"judge": standing.judge.pk, "scope": "all"})
    path = f"/api/v1/evaluations/runs/{standing.run.pk}/ai-judge"
    refused = api.post(path, {"ai_judge_id": str(standing.judge.pk)}, format="json")
    unknown = api.post(path, {"ai_judge_id": str(standing.run.pk)}, format="json")
    assert refused.status_code == unknown.status_code == 400
    assert str(standing.judge.pk) not in refused.content.decode()
    estimated = api.post(f"{path}/estimate", {"ai_judge_id": str(standing.judge.pk)}, format="json")
    assert estimated.status_code == 400
    evaluator = {
        "name": "x",
        "prompt_template": "{{request}}",
        "model": "m",
        "ai_provider_id": str(standing.provider.pk),
    }
    assert api.post("/v1/evaluators/", evaluator, format="json").status_code == 400
    judge = {"name": "j", "model": "m", "prompt_template": "{{#each candidates}}{{title}}{{/each}}"}
    assert api.post(
        "/api/v1/ai-judges", {**judge, "ai_provider_id": str(standing.provider.pk)}, format="json"
    ).status_code in (400, 404)
    assert JudgingRun.objects.count() == judging_runs


def test_deleting_by_another_method_or_role_leaves_everything_there(standing: Installation) -> None:
    rater = browser_of(make_user(Role.RATER))
    for path in (f"/evaluations/runs/{standing.run.pk}/delete", f"/evaluations/{standing.run.evaluation_id}/delete"):
        assert rater.post(path).status_code == 403
        assert browser_of(standing.owner).get(path).status_code in (200, 405)
    assert EvaluationRun.objects.filter(pk=standing.run.pk).exists()
