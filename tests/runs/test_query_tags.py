"""Tags on queries: they come with files and query sets, filter lists, and go out again."""

import csv
import json
from typing import Any

import pytest
from rest_framework.test import APIClient

from judging.models import Evaluation, EvaluationRun, RunQuery
from judging.runs.importing.results import InlineResults
from judging.runs.importing.run_files import RunFiles
from tests.factories import make_evaluation, make_run
from tests.rest_clients import assert_problem
from tests.runs.importing import DOCUMENTS, RUN, as_file, do_import, do_import_inline, jsonl, problems_of, row


@pytest.fixture
def evaluation(db: None) -> Evaluation:
    return make_evaluation()


@pytest.fixture
def run(db: None) -> EvaluationRun:
    """Queries q1 (head, en), q2 (tail), q3 without tags."""
    run = make_run({"red shoes": ["d1"], "blue hat": ["d1"], "größe": ["d2"]})
    tag(run, {"red shoes": ["head", "en"], "blue hat": ["tail"]})
    return run


def tag(run: EvaluationRun, tags: dict[str, list[str]]) -> None:
    for text, given in tags.items():
        RunQuery.objects.filter(run=run, text=text).update(tags=given)


def tags_of(run: EvaluationRun) -> list[list[str]]:
    return list(run.run_queries.order_by("position").values_list("tags", flat=True))


def rest(run: EvaluationRun, more: str = "") -> str:
    return f"/api/v1/evaluations/runs/{run.pk}/queries{more}"


def labels(client: APIClient, run: EvaluationRun, **query: str) -> list[str]:
    return [each["label"] for each in client.get(rest(run), query).json()["results"]]


def content_of(response: Any) -> str:
    assert response.status_code == 200, response.content
    return b"".join(response.streaming_content).decode()


def test_tags_come_in_one_spelling_and_each_once(evaluation: Evaluation) -> None:
    rows = [row("a", "d1", tags=["Head", " head ", "Gro\u0308ße", "two  words"]), row("b", tags="tail|en"), row("c")]
    assert tags_of(do_import_inline(evaluation, *rows)) == [["head", "größe", "two words"], ["tail", "en"], []]


@pytest.mark.parametrize(
    ("tags", "said"),
    [
        ({"a": 1}, "tags must be a list of texts"),
        ([3.5], "a tag must be text"),
        (["a,b"], "a tag holds no comma and no |"),
        (["x" * 101], "a tag is longer than 100 characters"),
        ([f"t{number}" for number in range(51)], "a query has at most 50 tags"),
    ],
)
def test_what_are_no_tags_is_told_with_its_query(tags: Any, said: str) -> None:
    [(_, place, message)] = problems_of(InlineResults([row("a", "d1"), row("b", "d1", tags=tags)]))
    assert (place, message.startswith(said)) == (2, True), message


@pytest.mark.parametrize(
    "queries",
    [
        "query_id\tquery\ttags\nq1\tred shoes\tHead|en\nq2\tblue shirt\t\n",
        'query_id,query,tags\nq1,red shoes,"head, en"\nq2,blue shirt,\n',
        '{"query_id": "q1", "query": "red shoes", "tags": ["head", "en"]}\n{"query_id": "q2", "query": "blue shirt"}\n',
    ],
)
def test_files_of_queries_bring_their_tags(evaluation: Evaluation, queries: str) -> None:
    source = RunFiles(as_file(RUN), as_file(queries), as_file(DOCUMENTS))
    outcome = do_import(evaluation, source)
    assert tags_of(outcome.run) == [["head", "en"], []]
    assert not [warning for warning in outcome.warnings if "ignored" in warning]


def test_an_exported_run_brings_its_tags_back(as_member: APIClient, run: EvaluationRun) -> None:
    lines = content_of(as_member.get(f"/api/v1/evaluations/runs/{run.pk}/export", {"file_format": "jsonl"}))
    again = do_import(run.evaluation, jsonl(*lines.splitlines())).run
    assert tags_of(again) == [["head", "en"], ["tail"], []]


def test_queries_are_listed_with_their_tags_and_by_tag(as_rater: APIClient, run: EvaluationRun) -> None:
    assert [each["tags"] for each in as_rater.get(rest(run)).json()["results"]] == [["head", "en"], ["tail"], []]
    assert labels(as_rater, run, tag=" EN") == ["q1"]
    assert labels(as_rater, run, tag="tail", search="hat") == ["q2"]
    assert labels(as_rater, run, tag="tai") == []
    assert_problem(as_rater.get(rest(run), {"tag": "x" * 101}), 400, field="tag")


def test_exported_queries_have_their_tags(as_member: APIClient, run: EvaluationRun) -> None:
    tag(run, {"größe": ["=1+1", "ä"]})
    rows = list(csv.DictReader(content_of(as_member.get(rest(run, "/export"))).splitlines()))
    assert [each["tags"] for each in rows] == ["head|en", "tail", "'=1+1|ä"]
    listed = json.loads(content_of(as_member.get(rest(run, "/export"), {"file_format": "json", "tag": "ä"})))
    assert [each["tags"] for each in listed] == [["=1+1", "ä"]]
