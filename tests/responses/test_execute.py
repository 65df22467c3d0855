"""A judge applied to one input while somebody waits for the answer."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.conf import settings
from django.db import connections
from rest_framework.test import APIClient

from judging.models import BatchExecution, Call, ExecutionLog
from judging.responses import immediate
from tests.judging_runs.judging import wait_until
from tests.responses.conftest import MakeJudge, pairs
from tests.stub.fixtures import Stub

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_judge_runs_one_input_at_once(client: APIClient, make_judge: MakeJudge) -> None:
    judge = make_judge("One", "Two")
    answer = client.post(f"/v1/judges/{judge.pk}/execute/", {**pairs(1)[0], "tags": ["now"]}, format="json")
    assert answer.status_code == 200, answer.content
    assert [result["evaluator_name"] for result in answer.json()["evaluator_results"]] == ["One", "Two"]
    assert ExecutionLog.objects.get(pk=answer.json()["execution_log_id"]).tags == ["now"]
    assert client.get("/v1/judges/batch-executions/").json()["results"] == []
    by_name = client.post("/v1/judges/execute/by-name/?name=A+judge", pairs(1)[0], format="json")
    assert by_name.status_code == 200
    assert client.post("/v1/judges/execute/by-name/?name=nobody", pairs(1)[0], format="json").status_code == 404


def test_running_a_judge_tells_when_the_provider_refuses_the_key(
    client: APIClient, make_judge: MakeJudge, stub: Stub
) -> None:
    stub.script(fault="401")
    answer = client.post(f"/v1/judges/{make_judge().pk}/execute/", pairs(1)[0], format="json")
    assert (answer.status_code, answer.json()["code"]) == (502, "provider_failed")


def test_running_a_judge_tells_the_providers_last_error_when_time_is_up(
    client: APIClient, make_judge: MakeJudge, stub: Stub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(immediate, "LONGEST_SECONDS", 3.0)
    stub.script(fault="503")
    answer = client.post(f"/v1/judges/{make_judge(max_retries=20).pk}/execute/", pairs(1)[0], format="json")
    assert (answer.status_code, answer.json()["code"]) == (502, "provider_failed")
    assert "did not answer within 3 s; the last call failed: " in answer.json()["detail"]
    assert Call.objects.latest("pk").error in answer.json()["detail"]


@pytest.mark.slow(seconds=1)
def test_half_of_the_threads_run_judges_and_the_others_stay_free(
    client: APIClient, make_judge: MakeJudge, stub: Stub
) -> None:
    url = f"/v1/judges/{make_judge().pk}/execute/"

    def run(number: int) -> int:
        try:
            return client.post(url, pairs(number + 1)[number], format="json").status_code
        finally:
            connections.close_all()

    places = settings.WEB_THREADS // 2
    stub.script(fault="hang")
    with ThreadPoolExecutor(places) as threads:
        under_way = [threads.submit(run, number) for number in range(places)]
        wait_until(lambda: stub.in_flight == places)
        refused = client.post(url, pairs(1)[0], format="json")
        assert (refused.status_code, refused.json()["code"]) == (503, "busy")
        assert int(refused["Retry-After"]) > 0
        assert BatchExecution.objects.count() == places
        # The next attempts are answered.
        stub.script()
        stub.drop_connections()
        assert [each.result() for each in under_way] == [200] * places
    assert client.post(url, pairs(1)[0], format="json").status_code == 200
