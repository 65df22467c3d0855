"""Bodies, uploads, nesting, templates and requests have bounds, and who crosses one is told which."""

import http.client
import io
import json
import time
from typing import Any

import pytest
from django.core.cache import cache
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client, override_settings
from rest_framework.test import APIClient

from judging.models import Corpus, EvaluationRun, Role
from tests.factories import make_token, make_user
from tests.security.installation import Installation, browser_of
from tests.security.routes import pages

SMALL = override_settings(MAX_JSON_BYTES=2_000, MAX_UPLOAD_BYTES=5_000, DATA_UPLOAD_MAX_MEMORY_SIZE=2_000)


def big(size: int) -> SimpleUploadedFile:
    return SimpleUploadedFile("results.jsonl", b"x" * size, content_type="application/octet-stream")


def test_a_page_refuses_what_is_too_large_before_it_reads_it(standing: Installation) -> None:
    browser, import_page = browser_of(standing.owner), f"/evaluations/{standing.run.evaluation_id}/import"
    runs = EvaluationRun.objects.count()
    with SMALL:
        response = browser.post(import_page, {"name": "x", "results": big(6_000)})
        assert response.status_code == 413
        assert "That is too large" in response.content.decode()
        assert "0.005 MB" in response.content.decode()
        assert browser.post(import_page, {"name": "x", "results": big(3_000)}).status_code != 413
        form = "application/x-www-form-urlencoded"
        # Nobody is asked who they are, and a stranger's page of an error is soon drawn.
        stranger = Client()
        for route in pages():
            response = stranger.post(standing.path(route), b"a=" + b"x" * 3_000, content_type=form)
            assert response.status_code == 413, route.template
        assert browser.post("/account", b"a=" + b"x" * 3_000, content_type=form).status_code == 413
        assert Client().post("/login", {"file": big(3_000)}).status_code == 413
        huge = browser.generic(
            "POST", import_page, b"", content_type="multipart/form-data; boundary=x", CONTENT_LENGTH="9" * 15
        )
        assert huge.status_code == 413
    assert EvaluationRun.objects.count() == runs


def test_both_apis_answer_413_in_their_own_shape(standing: Installation) -> None:
    token = make_token(standing.owner)
    client = APIClient(HTTP_AUTHORIZATION=f"Bearer {token}")
    upload = f"/api/v1/evaluations/{standing.run.evaluation_id}/runs/import"
    with SMALL:
        for path in ("/api/v1/corpora", "/v1/evaluators/", f"/v1/judges/{standing.judge.pk}/batch-execute/"):
            response = client.post(path, {"name": "x" * 3_000}, format="json")
            assert response.status_code == 413, path
            assert response["Content-Type"] == "application/problem+json"
            assert response.json()["code"] == "too_large"
        response = client.post(upload, {"name": "x", "results": big(6_000)}, format="multipart")
        assert (response.status_code, response.json()["code"]) == (413, "too_large")
        stranger = APIClient().post(upload, {"name": "x", "results": big(6_000)}, format="multipart")
        assert stranger.status_code == 401


@pytest.mark.django_db(transaction=True)
def test_a_body_in_chunks_is_refused_and_not_taken_for_an_empty_one(live_server: Any) -> None:
    owner = make_user(Role.ADMIN)
    corpus = Corpus.objects.create(name="Before")
    headers = {"Authorization": f"Bearer {make_token(owner)}", "Content-Type": "application/json"}
    for method, path in (("PATCH", f"/api/v1/corpora/{corpus.pk}"), ("POST", "/v1/evaluators/")):
        link = http.client.HTTPConnection(live_server.thread.host, live_server.thread.port, timeout=60)
        # http.client sends what it can only iterate over in chunks.
        link.request(method, path, body=iter([b'{"name": "After"}']), headers=headers)
        answer = link.getresponse()
        assert (answer.status, json.load(answer)["code"]) == (411, "length_required"), path
        link.close()


def test_a_malicious_line_is_refused_by_its_number(standing: Installation) -> None:
    lines = [
        b"[" * 100_000,
        b'{"query": ' + b'{"a":' * 5_000 + b"1" + b"}" * 5_000 + b', "candidates": []}',
        b'{"query": "q", "candidates": [' + b"[" * 200 + b"]" * 200 + b"]}",
        b'{"query": "q", "candidates": [{"id": "d", "title": "t", "fields": '
        + b'{"a":' * 60
        + b"1"
        + b"}" * 60
        + b"}]}",
        b'{"query": "q", "candidates": [{"id": "d", "title": "' + b"x" * 1_000_000 + b'"}]}',
        b'{"query": "' + b"q" * 1_000_000 + b'", "candidates": []}',
        b'{"query": "q", "candidates": [{"id": "' + b"d" * 1_000 + b'", "title": "t"}]}',
        b'{"query": "q", "candidates": '
        + json.dumps([{"id": str(n), "title": ""} for n in range(10_001)]).encode()
        + b"}",
        b'{"query": "q", "score": ' + b"9" * 100_000 + b', "candidates": []}',
        b"\x1f\x8b\x08\x00" + b"\x00" * 100,
        b"PK\x03\x04" + b"\x00" * 100,
        b"\xff\xfe{\x00}\x00",
    ]
    browser = browser_of(standing.owner)
    runs = EvaluationRun.objects.count()
    for line in lines:
        file = io.BytesIO(b'{"query": "fine", "candidates": [{"id": "d", "title": "t"}]}\n' + line + b"\n")
        file.name = "results.jsonl"
        started = time.process_time()
        response = browser.post(
            f"/api/v1/evaluations/{standing.run.evaluation_id}/runs/import",
            {"name": "x", "scale": "graded", "metrics": "P@1", "results": file},
        )
        assert time.process_time() - started < 5, line[:40]
        assert response.status_code == 400, (line[:40], response.content)
        assert "line 2" in response.content.decode(), line[:40]
        assert len(response.content) < 10_000, line[:40]
    assert EvaluationRun.objects.count() == runs


BOMBS = [
    "{{#each candidates}}" * 20 + "x" + "{{/each}}" * 20,
    "{{#each candidates}}{{#each ../candidates}}{{#each ../../candidates}}{{toJson this}}{{/each}}{{/each}}{{/each}}",
    "{{#each candidates}}" + "{{toJson ../candidates}}" * 500 + "{{/each}}",
    "{{title}}" * 50_000 + "{{#each candidates}}{{/each}}",
    "{{#with candidates}}" * 300 + "{{/with}}" * 300,
    "{{" * 40_000,
]


@pytest.mark.parametrize("template", BOMBS, ids=range(len(BOMBS)))
def test_a_template_bomb_ends_with_a_message_and_soon(standing: Installation, template: str) -> None:
    client = browser_of(standing.owner)
    json_type: dict[str, Any] = {"content_type": "application/json"}
    started = time.process_time()
    saved = client.patch(
        f"/api/v1/ai-judges/{standing.judge.pk}", {"prompt_template": template, "batch_size": 50}, **json_type
    )
    if saved.status_code == 200:
        candidates = [{"id": str(n), "title": "t" * 200, "fields": {"a": "x" * 5_000}} for n in range(50)]
        body = {"query": "q" * 10_000, "candidates": candidates, "scale": "graded"}
        tried = client.post(f"/api/v1/ai-judges/{standing.judge.pk}/test", body, **json_type)
        assert tried.status_code in (200, 400), tried.content
        assert len(tried.content) < 30_000_000
    else:
        assert saved.status_code == 400
        assert "prompt_template" in saved.json()["errors"]
    assert time.process_time() - started < 10


@override_settings(API_THROTTLE_RATES={"user": "3/min", "anonymous": "2/min"})
@pytest.mark.django_db
def test_both_apis_share_a_throttle_that_says_when_to_come_back() -> None:
    cache.clear()
    client = APIClient(HTTP_AUTHORIZATION=f"Bearer {make_token(make_user(Role.MEMBER))}")
    answers = [client.get(path) for path in ("/api/v1/me", "/v1/judges/", "/api/v1/me", "/v1/judges/", "/api/v1/me")]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429, 429]
    for answer in answers[3:]:
        assert 0 < int(answer["Retry-After"]) <= 61
        assert answer["Content-Type"] == "application/problem+json"
        assert answer.json()["code"] == "throttled"
    guesses = [APIClient(HTTP_AUTHORIZATION=f"Api-Key wrong-{n}").get("/v1/judges/").status_code for n in range(3)]
    assert guesses == [401, 401, 429]
    cache.clear()
