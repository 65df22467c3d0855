"""Batches of uploaded files: read like bodies of /v1, refused by line."""

import io
import json
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from judging.foundation.errors import Invalid
from judging.models import BatchExecution, User
from judging.responses.executions import cancel_batch
from judging.responses.input_files import read_inputs
from tests.responses.conftest import MakeJudge

JSON_LINES = """\
{"request": "Is it open?", "response": "yes", "contexts": ["Mon-Fri"], "more": 1}

{"turns": [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "hello"}], "user_id": "u1"}
"""
TABLE = """\
Request;response;contexts;turns
Is it open?;yes;"[""Mon-Fri"", ""Sat""]";
;;Only this;"[{""role"": ""user"", ""content"": ""hi""}]"
"""


def read(text: str, name: str = "inputs.jsonl") -> list[tuple[int, dict[str, Any]]]:
    return [(line, given.content()) for line, given in read_inputs(io.BytesIO(text.encode()), name)]


def problems_of(text: str, name: str = "inputs.jsonl") -> list[str]:
    with pytest.raises(Invalid) as refused:
        read(text, name)
    return refused.value.errors["file"]


def test_json_lines_are_read_as_bodies_are() -> None:
    assert read(JSON_LINES) == [
        (1, {"request": "Is it open?", "response": "yes", "contexts": ["Mon-Fri"]}),
        (3, {"turns": [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "hello"}]}),
    ]
    assert read(json.dumps([{"request": "a", "response": "b"}]), "inputs.json")[0][1]["request"] == "a"


def test_a_table_holds_lists_as_json_and_other_contexts_as_they_are() -> None:
    assert read(TABLE, "inputs.csv") == [
        (2, {"request": "Is it open?", "response": "yes", "contexts": ["Mon-Fri", "Sat"]}),
        (3, {"contexts": ["Only this"], "turns": [{"role": "user", "content": "hi"}]}),
    ]


@pytest.mark.parametrize(
    ("text", "name", "expected"),
    [
        ('{"request": "a", "response": "b"}\n{"request": 7}\n', "x.jsonl", 'line 2: request must be text, not "7"'),
        ('{"contexts": ["a", 7]}', "x.jsonl", "line 1: contexts must be a list of texts"),
        ('{"turns": ["a"]}', "x.jsonl", "line 1: turns must be a list of objects"),
        ('{"turns": [{"role": "user", "content": [1]}]}', "x.jsonl", 'line 1: content must be text, not "[1]"'),
        ('{"messages": []}', "x.jsonl", "line 1: messages must be an object"),
        ("[1]", "x.jsonl", "line 1: a JSON object is expected"),
        ('{"request": "\\ud800"}', "x.jsonl", "line 1: "),
        ("name,size\na,b\n", "x.csv", "line 1: columns of different names are expected"),
        ("request,response\na,b,c\n", "x.csv", "line 2: 3 columns, but the header has 2"),
        ("request,turns\n,[\n", "x.csv", "line 2: not valid JSON"),
        ("", "x.csv", "the file holds no input"),
        ("a", "x.xlsx", "The file's name must end in .jsonl or .csv."),
        ('{"request": "a", "response": "b"}\n' * 101, "x.jsonl", "line 101: a batch takes at most 100 inputs"),
    ],
)
def test_what_cannot_be_read_is_refused_by_line(text: str, name: str, expected: str) -> None:
    assert problems_of(text, name)[0].startswith(expected)


def post(user: User, text: str, name: str = "inputs.jsonl", **fields: str) -> Any:
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client.post(reverse("batch_upload"), {"file": SimpleUploadedFile(name, text.encode()), **fields})


def test_a_file_makes_one_batch_however_often_it_is_sent(member: User, make_judge: MakeJudge) -> None:
    fields = {"judge_id": str(make_judge().pk), "tags": "nightly, tried", "key": "one"}
    answers = [post(member, '{"request": "a", "response": "b"}', **fields) for _ in range(2)]
    batch = BatchExecution.objects.get()
    assert {answer["Location"] for answer in answers} == {reverse("batch", args=[batch.pk])}
    assert (batch.tags, batch.status, batch.created_by) == (["nightly", "tried"], "pending", member)
    assert batch.items.get().input == {"request": "a", "response": "b"}


def test_the_end_of_an_uploaded_batch_is_told_once_on_whichever_page(member: User, make_judge: MakeJudge) -> None:
    client = Client()
    client.force_login(member, backend="django.contrib.auth.backends.ModelBackend")
    file = SimpleUploadedFile("a.jsonl", b'{"request": "a", "response": "b"}')
    client.post(reverse("batch_upload"), {"file": file, "judge_id": str(make_judge().pk)})
    assert "every 2s" in client.get(reverse("batches")).content.decode()
    cancel_batch(actor=member, batch=BatchExecution.objects.get())
    pages = [client.get(reverse("watch"), headers={"HX-Request": "true"}) for _ in range(2)]
    assert "The batch of A judge v1 failed: cancelled" in pages[0]["HX-Trigger"]
    assert "HX-Trigger" not in pages[1]
    assert "every 2s" not in pages[1].content.decode()


def test_what_the_judge_refuses_is_told_by_line_and_nothing_is_made(member: User, make_judge: MakeJudge) -> None:
    judge = make_judge(requires=["contexts"])
    lines = ['{"request": "a", "response": "b", "contexts": ["c"]}', "", '{"request": "<b>", "response": "b"}']
    answer = post(member, "\n".join(lines), judge_id=str(judge.pk))
    assert answer.status_code == 400
    assert "Line 3: contexts: The evaluator Fit requires this field." in answer.content.decode()
    assert not BatchExecution.objects.exists()


def test_raters_upload_nothing(rater: User, make_judge: MakeJudge) -> None:
    answer = post(rater, '{"request": "a", "response": "b"}', judge_id=str(make_judge().pk))
    assert answer.status_code == 403
