"""Members, tokens, corpora, evaluations, AI providers and AI judges over REST."""

import json
from contextlib import ExitStack
from typing import Any

import pytest
from rest_framework.test import APIClient

from judging.asking.prompting import DEFAULT_PROMPT_TEMPLATE
from judging.foundation.waiting import waiting_for_a_service
from judging.models import AIJudge, Candidate, Corpus, Document, Evaluation, EvaluationRun, JudgingRun, Judgment, User
from tests.draining import drain
from tests.factories import make_evaluation, make_judge, make_provider, make_run, make_token
from tests.rest_clients import assert_problem
from tests.stub.fixtures import Stub


def test_me_tells_who_is_asking(as_rater: APIClient, rater: User) -> None:
    me = as_rater.get("/api/v1/me").json()
    assert (me["id"], me["email"], me["role"]) == (str(rater.pk), rater.email, "rater")
    assert "password" not in me


def test_an_invitation_s_link_is_answered_once(as_admin: APIClient, anonymous: APIClient) -> None:
    created = as_admin.post("/api/v1/members", {"email": "new@example.com", "role": "rater"})
    assert created.status_code == 201
    link = created.json()["link"]
    assert link.startswith("http://testserver/invitations/")
    assert anonymous.get(link).status_code == 200
    listed = as_admin.get("/api/v1/invitations").json()["results"]
    assert [row["email"] for row in listed] == ["new@example.com"]
    assert "link" not in listed[0]
    assert as_admin.delete(f"/api/v1/invitations/{listed[0]['id']}").status_code == 204
    assert anonymous.get(link).status_code == 404
    assert_problem(as_admin.post("/api/v1/members", {"email": "x"}), 400, "invalid", "email")
    assert_problem(as_admin.post("/api/v1/members", {"email": "a@b.cd", "role": "x"}), 400, "invalid", "role")


def test_members_change_roles_but_the_last_admin_stays(as_admin: APIClient, admin: User, member: User) -> None:
    changed = as_admin.patch(f"/api/v1/members/{member.pk}", {"role": "rater", "name": "Ann"}).json()
    assert (changed["role"], changed["name"]) == ("rater", "Ann")
    assert as_admin.delete(f"/api/v1/members/{member.pk}").status_code == 204
    assert not User.objects.get(pk=member.pk).is_active
    assert_problem(as_admin.delete(f"/api/v1/members/{admin.pk}"), 409, "last_admin")
    assert_problem(as_admin.patch(f"/api/v1/members/{admin.pk}", {"role": "member"}), 409, "last_admin")


def test_a_token_s_secret_is_answered_once_and_opens_until_revoked(as_rater: APIClient, anonymous: APIClient) -> None:
    created = as_rater.post("/api/v1/tokens", {"name": "CI", "expires_at": "2100-01-01T00:00:00Z"}).json()
    secret = created["token"]
    header: dict[str, Any] = {"HTTP_AUTHORIZATION": f"Bearer {secret}"}
    assert anonymous.get("/api/v1/me", **header).status_code == 200
    assert secret not in as_rater.get("/api/v1/tokens").content.decode()
    assert as_rater.delete(f"/api/v1/tokens/{created['id']}").status_code == 204
    assert anonymous.get("/api/v1/me", **header).status_code == 401
    assert_problem(as_rater.post("/api/v1/tokens", {"name": "x", "expires_at": "2000-01-01"}), 400)


def test_a_corpus_is_made_read_changed_and_deleted(as_member: APIClient) -> None:
    created = as_member.post("/api/v1/corpora", {"name": " Shop ", "match_mode": "oid"})
    assert created.status_code == 201
    corpus = created.json()
    assert (corpus["name"], corpus["match_mode"], corpus["description"]) == ("Shop", "oid", "")
    path = f"/api/v1/corpora/{corpus['id']}"
    assert as_member.get(path).json() == corpus
    assert as_member.patch(path, {"description": "d"}).json() == {**corpus, "description": "d"}
    assert_problem(as_member.patch(path, {"match_mode": "qid"}), 400, "invalid", "match_mode")
    assert as_member.delete(path).status_code == 204
    assert_problem(as_member.get(path), 404, "not_found")


def test_a_corpus_goes_with_its_documents_once_no_evaluation_is_about_it(as_member: APIClient) -> None:
    run = make_run()
    corpus = run.evaluation.corpus
    query = run.run_queries.all()[0]
    Judgment.objects.create(
        corpus=corpus,
        query_id=query.query_id,
        document=corpus.documents.all()[0],
        scale="graded",
        grade=1,
        author_kind="ai",
        judge_label="j v1",
    )
    assert_problem(as_member.delete(f"/api/v1/corpora/{corpus.pk}"), 409, "corpus_in_use")
    assert as_member.delete(f"/api/v1/evaluations/{run.evaluation_id}").status_code == 204
    assert (EvaluationRun.objects.count(), Judgment.objects.count()) == (0, 1)
    assert as_member.delete(f"/api/v1/corpora/{corpus.pk}").status_code == 204
    assert (Corpus.objects.count(), Document.objects.count(), Judgment.objects.count()) == (0, 0, 0)


def test_an_evaluation_is_about_a_corpus_that_is_there(as_member: APIClient) -> None:
    corpus, other = (Corpus.objects.create(name=name) for name in "ab")
    created = as_member.post("/api/v1/evaluations", {"name": "E", "corpus_id": str(corpus.pk)}).json()
    assert created["corpus_id"] == str(corpus.pk)
    path = f"/api/v1/evaluations/{created['id']}"
    assert as_member.patch(path, {"corpus_id": str(other.pk)}).json()["corpus_id"] == str(other.pk)
    for corpus_id in (created["id"], "x", 7, None):
        assert_problem(as_member.patch(path, {"corpus_id": corpus_id}), 400, "invalid", "corpus_id")
    make_run(evaluation=Evaluation.objects.get(pk=created["id"]))
    assert_problem(as_member.patch(path, {"corpus_id": str(corpus.pk)}), 400, "invalid", "corpus_id")


def test_an_evaluation_with_a_locked_or_active_run_is_not_deleted(as_member: APIClient) -> None:
    evaluation = make_evaluation()
    make_run(evaluation=evaluation)
    run = make_run({"another": ["d1"]}, evaluation=evaluation)
    path = f"/api/v1/evaluations/{evaluation.pk}"
    EvaluationRun.objects.filter(pk=run.pk).update(is_locked=True, locked_at=run.created_at)
    assert_problem(as_member.delete(path), 409, "run_locked")
    EvaluationRun.objects.filter(pk=run.pk).update(is_locked=False)
    judging_run = JudgingRun.objects.create(
        evaluation_run=run, judge_version=make_judge().versions.get(), provider_name="x", max_concurrency=1
    )
    assert_problem(as_member.delete(path), 409, "run_being_judged")
    assert evaluation.runs.count() == 2
    JudgingRun.objects.filter(pk=judging_run.pk).update(status="cancelled")
    assert as_member.delete(path).status_code == 204


@pytest.mark.django_db(transaction=True)
def test_a_judged_run_is_deleted_whole_and_the_judgments_stay(as_member: APIClient, stub: Stub) -> None:
    run = make_run()
    judge = make_judge(make_provider(stub.base_url))
    started = as_member.post(f"/api/v1/evaluations/runs/{run.pk}/ai-judge", {"ai_judge_id": str(judge.pk)})
    assert started.status_code == 201
    drain()
    judged = Judgment.objects.count()
    assert judged
    assert as_member.delete(f"/api/v1/evaluations/{run.evaluation_id}").status_code == 204
    assert Judgment.objects.count() == judged
    assert not JudgingRun.objects.exists()


def test_a_key_goes_in_and_never_comes_out(as_member: APIClient) -> None:
    body = {"type": "custom", "name": "vLLM", "base_url": "http://127.0.0.1:9/v1", "api_key": "sk-very-secret"}
    created = as_member.post("/api/v1/ai-providers", body)
    path = f"/api/v1/ai-providers/{created.json()['id']}"
    answers = [
        created,
        as_member.get("/api/v1/ai-providers"),
        as_member.get(path),
        as_member.patch(path, {"name": "x"}),
        as_member.put(path, {k: v for k, v in body.items() if k != "api_key"}),
        as_member.patch(path, {"base_url": "http://evil.example/v1"}),
        as_member.post(f"{path}/test", {"model": "m"}),
        as_member.patch(path, {"api_key": None}),
    ]
    assert [answer.status_code for answer in answers] == [201, 200, 200, 200, 200, 400, 200, 200]
    assert all("very-secret" not in answer.content.decode() for answer in answers)
    assert_problem(answers[5], 400, "invalid", "api_key")
    assert as_member.get(path).json()["has_api_key"] is True
    assert as_member.patch(path, {"api_key": ""}).json()["has_api_key"] is False


def test_a_provider_tells_models_to_begin_with(as_member: APIClient) -> None:
    created = as_member.post("/api/v1/ai-providers", {"type": "anthropic", "name": "A", "api_key": "sk-x"}).json()
    assert all(name.startswith("claude-") for name in created["known_models"])
    assert created["known_models"]


def test_a_provider_s_limits_are_set_and_lifted(as_member: APIClient) -> None:
    body = {"type": "custom", "name": "vLLM", "base_url": "http://127.0.0.1:9/v1", "max_concurrency": 8}
    created = as_member.post("/api/v1/ai-providers", body).json()
    assert (created["max_concurrency"], created["requests_per_minute"]) == (8, None)
    path = f"/api/v1/ai-providers/{created['id']}"
    changed = as_member.patch(path, {"max_concurrency": None, "requests_per_minute": 120}).json()
    assert (changed["max_concurrency"], changed["requests_per_minute"]) == (None, 120)
    for field in ("max_concurrency", "requests_per_minute"):
        assert_problem(as_member.patch(path, {field: 0}), 400, "invalid", field)
    lifted = as_member.put(path, {k: v for k, v in body.items() if k != "max_concurrency"}).json()
    assert (lifted["max_concurrency"], lifted["requests_per_minute"]) == (None, None)


def test_put_wants_the_full_set_and_resets_what_is_left_out(as_member: APIClient, member: User) -> None:
    provider = make_provider(owner=member)
    path = f"/api/v1/ai-providers/{provider.pk}"
    assert_problem(as_member.put(path, {"name": "x"}), 400, "invalid", "type")
    assert_problem(as_member.put(path, {"name": "x", "type": "custom"}), 400, "invalid", "base_url")
    assert_problem(as_member.put(path, {"name": "x", "type": "ollama"}), 400, "invalid", "type")
    judge = make_judge(provider, owner=member, batch_size=9, description="d", temperature=None)
    path = f"/api/v1/ai-judges/{judge.pk}"
    full = {"name": "n", "model": "m", "ai_provider_id": str(provider.pk), "prompt_template": DEFAULT_PROMPT_TEMPLATE}
    for field in full:
        assert_problem(as_member.put(path, {k: v for k, v in full.items() if k != field}), 400, "invalid", field)
    put = as_member.put(path, full).json()
    assert (put["batch_size"], put["description"], put["temperature"], put["version"]) == (1, "", 0, 2)
    assert put["owner"] == str(member.pk)


def test_a_shared_provider_stays_shared_in_a_put_that_does_not_say(as_admin: APIClient) -> None:
    path = f"/api/v1/ai-providers/{make_provider().pk}"
    put = as_admin.put(path, {"type": "custom", "name": "x", "base_url": "http://127.0.0.1:9/v1"}).json()
    assert (put["shared"], put["owner"]) == (True, None)


def test_a_provider_in_use_answers_409_and_a_test_tells_what_came_back(as_admin: APIClient, stub: Stub) -> None:
    provider = make_judge(make_provider(stub.base_url)).ai_provider
    path = f"/api/v1/ai-providers/{provider.pk}"
    assert_problem(as_admin.delete(path), 409, "provider_in_use")
    answer = as_admin.post(f"{path}/test", {"model": "stub-model"}).json()
    assert answer.keys() == {"ok", "message", "latency_ms", "models"}
    assert (answer["ok"], answer["models"]) == (True, ["stub-large", "stub-model"])
    assert as_admin.get(path).json()["known_models"] == ["stub-large", "stub-model"]
    assert as_admin.patch(path, {"name": "Renamed"}).json()["known_models"] == ["stub-large", "stub-model"]
    moved = as_admin.patch(path, {"base_url": "http://127.0.0.1:9/v1", "api_key": ""}).json()
    assert moved["known_models"] == []


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"prompt_template": "{{#each candidates}}\n{{/if}}"}, "prompt_template"),
        ({"batch_size": 51}, "batch_size"),
        ({"batch_size": 10**30}, "batch_size"),
        ({"batch_size": "5"}, "batch_size"),
        ({"temperature": "hot"}, "temperature"),
        ({"timeout": True}, "timeout"),
        ({"include_images": "yes"}, "include_images"),
        ({"name": 5}, "name"),
        ({"ai_provider_id": "00000000-0000-0000-0000-000000000000"}, "ai_provider_id"),
    ],
)
def test_a_judge_that_cannot_be_is_refused_and_the_field_named(
    as_member: APIClient, member: User, change: dict[str, Any], field: str
) -> None:
    judge = make_judge(owner=member)
    body = assert_problem(as_member.patch(f"/api/v1/ai-judges/{judge.pk}", change), 400, field=field)
    if field == "prompt_template":
        assert "Line 2" in body["errors"][field][0]
    assert AIJudge.objects.get().version == 1


def test_an_archived_judge_can_be_read_but_is_in_no_list(as_member: APIClient, member: User) -> None:
    judge = make_judge(owner=member)
    JudgingRun.objects.create(
        evaluation_run=make_run(), judge_version=judge.versions.get(), provider_name="x", max_concurrency=1
    )
    path = f"/api/v1/ai-judges/{judge.pk}"
    assert as_member.delete(path).status_code == 204
    assert as_member.get("/api/v1/ai-judges").json()["results"] == []
    assert as_member.get(path).json()["archived_at"]
    assert_problem(as_member.patch(path, {"batch_size": 2}), 409, "judge_archived")


def test_a_judge_is_tried_on_a_run_s_query_or_on_what_is_given(as_member: APIClient, stub: Stub) -> None:
    run = make_run({"red shoes": ["d1", "d2"]})
    judge = make_judge(make_provider(stub.base_url), batch_size=2)
    path = f"/api/v1/ai-judges/{judge.pk}/test"
    ids = {"evaluation_run_id": str(run.pk), "query_id": str(run.run_queries.get().pk)}
    answer = as_member.post(path, ids).json()
    assert [(row["candidate_id"], row["status"]) for row in answer["outcomes"]] == [("d1", "judged"), ("d2", "judged")]
    assert answer["prompt"][0]["role"] == "user"
    assert (len(answer["calls"]), answer["error_code"]) == (1, "")
    assert answer["input_tokens"] == answer["calls"][0]["input_tokens"] > 0
    given = {"query": {"query": "q"}, "candidates": [{"id": "a", "fields": {"brand": "Acme"}}], "scale": "binary"}
    answer = as_member.post(path, given).json()
    assert [row["candidate_id"] for row in answer["outcomes"]] == ["a"]
    assert "Acme" in json.dumps(answer["prompt"])
    for body, field in (
        ({}, "query"),
        ({"query_id": ids["query_id"]}, "evaluation_run_id"),
        ({**ids, "scale": "trec"}, "non_field_errors"),
        ({**given, "candidates": []}, "candidates"),
        ({**given, "candidates": [{"title": "x"}]}, "candidates.0.id"),
        ({**given, "candidates": [{"id": "a", "fields": []}]}, "candidates.0.fields"),
        ({**given, "query": {"text": "q"}}, "query"),
        ({**given, "scale": "stars"}, "scale"),
        ({**ids, "query_id": str(run.pk)}, "query_id"),
    ):
        assert_problem(as_member.post(path, body), 400, "invalid", field)


def test_a_judge_can_be_made_from_every_template(as_member: APIClient, member: User) -> None:
    provider = make_provider(owner=member)
    listed = as_member.get("/api/v1/ai-judges/templates").json()["results"]
    assert [row["key"] for row in listed] == ["product_search", "help_pages", "rag_passages", "jobs", "media"]
    for row in listed:
        body = {"model": "m", "ai_provider_id": str(provider.pk), **row["settings"]}
        made = as_member.post("/api/v1/ai-judges", body)
        assert made.status_code == 201, row["key"]
        assert made.json()["prompt_template"] == row["settings"]["prompt_template"]


def test_a_test_tells_the_grades_that_count_beside_its_own(as_member: APIClient, stub: Stub) -> None:
    run = make_run({"red shoes": ["d1", "d2", "d3"]})
    stub.script(grades={"d1": 3, "d2": 4})
    Candidate.objects.filter(rank=1).update(people_mean=2.5, people_count=2, effective_grade=3, ai_grade=2)
    body = {"evaluation_run_id": str(run.pk), "query_id": str(run.run_queries.get().pk), "depth": 2}
    path = f"/api/v1/ai-judges/{make_judge(make_provider(stub.base_url)).pk}/test"
    answer = as_member.post(path, body).json()
    names = ("grade", "people_mean", "people_grade", "ai_grade")
    assert [tuple(row[name] for name in names) for row in answer["outcomes"]] == [
        (3, 2.5, 3, 2),
        (4, None, None, None),
    ]
    assert answer["with_people"] == {"compared": 1, "equal": 1, "one_apart": 0, "further": 0}
    assert answer["with_record"] == {"compared": 1, "equal": 0, "one_apart": 1, "further": 0}
    assert_problem(as_member.post(path, {**body, "depth": 51}), 400, "invalid", "depth")


def test_a_member_s_own_token_is_no_way_around_a_deactivated_account(as_admin: APIClient, member: User) -> None:
    client = APIClient(HTTP_AUTHORIZATION=f"Bearer {make_token(member)}")
    assert client.get("/api/v1/me").status_code == 200
    as_admin.delete(f"/api/v1/members/{member.pk}")
    assert_problem(client.get("/api/v1/me"), 401)


def test_trials_take_at_most_half_of_the_threads(as_member: APIClient, stub: Stub, settings: Any) -> None:
    provider = make_provider(stub.base_url)
    judge = make_judge(provider)
    given = {"query": "q", "candidates": [{"id": "a"}], "scale": "binary"}
    tests = {f"/api/v1/ai-providers/{provider.pk}/test": {"model": "m"}, f"/api/v1/ai-judges/{judge.pk}/test": given}
    with ExitStack() as places:
        for _ in range(settings.WEB_THREADS // 2):
            places.enter_context(waiting_for_a_service())
        for path, body in tests.items():
            refused = as_member.post(path, body)
            assert_problem(refused, 503, "busy")
            assert int(refused["Retry-After"]) > 0
    assert stub.calls == 0
    for path, body in tests.items():
        assert as_member.post(path, body).status_code == 200
