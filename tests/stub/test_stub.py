"""The stub provider: what tests and benches rely on."""

import asyncio
import json
import urllib.request
from typing import Any

import pytest

from judging.asking.parsing import Grade, parse_evaluation, parse_reply
from judging.asking.prompting import (
    DEFAULT_PROMPT_TEMPLATE,
    EvaluationContext,
    PromptCandidate,
    PromptSettings,
    build_messages,
)
from judging.foundation.answers import Failure, FailureCode
from judging.foundation.scales import SCALES
from tests.stub.fixtures import Stub, StubProcess
from tests.stub.script import (
    Mix,
    Script,
    answer_to,
    expected_grade,
    expected_score,
    expected_tokens,
    fault_of,
    read_prompt,
)

SCALE = SCALES["detailed"]
QUERY = 'red <shoes> & "boots"'
IDS = ["a&b", 'c"d', "e"]


def prompt_of(query: str = QUERY, ids: list[str] = IDS) -> list[dict[str, Any]]:
    return build_messages(
        query,
        [PromptCandidate(candidate_id, "a title") for candidate_id in ids],
        settings=PromptSettings(DEFAULT_PROMPT_TEMPLATE),
        evaluation=EvaluationContext("Shoes", "Be strict", SCALE),
    )


def reply_of(script: Script, messages: list[dict[str, Any]], fault: str = "") -> tuple[str, str]:
    answer = answer_to(script, read_prompt(messages), fault, call_number=1, model="m")
    choice = json.loads(answer.body)["choices"][0]
    return choice["message"]["content"], choice["finish_reason"]


def test_a_good_reply_grades_every_candidate_of_the_default_prompt() -> None:
    text, finish_reason = reply_of(Script(), prompt_of())

    outcomes = parse_reply(text, IDS, scale=SCALE, finish_reason=finish_reason).outcomes

    assert {key: outcome.grade for key, outcome in outcomes.items() if isinstance(outcome, Grade)} == {
        candidate_id: expected_grade(QUERY, candidate_id, SCALE.maximum) for candidate_id in IDS
    }


@pytest.mark.parametrize(
    ("fault", "codes"),
    [
        ("prose", [FailureCode.UNPARSEABLE] * 3),
        ("json", [FailureCode.UNPARSEABLE] * 3),
        ("wrong_ids", [FailureCode.MISSING] * 3),
        ("too_few", [None, None, FailureCode.MISSING]),
        ("out_of_scale", [FailureCode.OUT_OF_SCALE] * 3),
        ("conflicting", [FailureCode.CONFLICTING] * 3),
        ("truncated", [None, None, FailureCode.TRUNCATED]),
        ("nul", [None] * 3),
        ("huge", [None] * 3),
        ("no_usage", [None] * 3),
    ],
)
def test_each_fault_of_a_reply_reads_as_what_it_is_called(fault: str, codes: list[FailureCode | None]) -> None:
    text, finish_reason = reply_of(Script(), prompt_of(), fault)

    outcomes = parse_reply(text, IDS, scale=SCALE, finish_reason=finish_reason).outcomes

    assert [outcome.code if isinstance(outcome, Failure) else None for outcome in outcomes.values()] == codes


def test_an_evaluator_gets_a_score_instead_of_grades() -> None:
    prompt = "Judge <request>a</request>. Reply <evaluation><score>S</score></evaluation>"

    text, _ = reply_of(Script(), [{"role": "user", "content": [{"type": "text", "text": prompt}]}])

    read = parse_evaluation(text)
    assert not isinstance(read, Failure)
    assert read[0] == expected_score(prompt)


def test_a_mix_hits_its_share_of_prompts_on_their_first_attempt() -> None:
    script = Script(mix={"429": 0.1, "prose": 0.2}, seed=7, fault_attempts=2)
    prompts = [read_prompt(prompt_of(f"query {number}", ["a"])) for number in range(300)]

    forward = [fault_of(script, prompt, call_number=1, attempt=2) for prompt in prompts]
    backward = [fault_of(script, prompt, call_number=9, attempt=1) for prompt in reversed(prompts)][::-1]

    assert forward == backward == [Mix(7, script.mix).fault_for(prompt.query, ["a"]) for prompt in prompts]
    assert 15 < forward.count("429") < 50
    assert 35 < forward.count("prose") < 90
    assert not any(fault_of(script, prompt, call_number=1, attempt=3) for prompt in prompts)


def test_faults_by_call_precede_those_by_candidate_and_the_rest() -> None:
    prompt = read_prompt(prompt_of())
    script = Script(by_call={2: "500"}, by_candidate={"e": ["429", ""]}, fault="403", after_calls=5)

    def fault(call_number: int, attempt: int, of: Script = script) -> str:
        return fault_of(of, prompt, call_number=call_number, attempt=attempt)

    assert [fault(1, 1), fault(2, 1), fault(3, 2), fault(9, 3)] == ["429", "500", "", ""]
    late = Script(fault="403", after_calls=5)
    assert [fault(5, 1, late), fault(6, 1, late)] == ["", "403"]


def post(url: str, body: dict[str, Any]) -> dict[str, Any]:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    request = urllib.request.Request(url, data=json.dumps(body).encode(), headers={"content-type": "application/json"})
    with opener.open(request, timeout=60) as answer:
        completion: dict[str, Any] = json.load(answer)
    return completion


def test_calls_are_counted_and_kept_with_what_was_asked(stub: Stub) -> None:
    messages = prompt_of()

    completion = post(f"{stub.base_url}/chat/completions", {"model": "m", "messages": messages})
    post(f"{stub.base_url}/chat/completions", {"model": "m", "messages": messages})

    assert (stub.calls, stub.repeated_calls, stub.max_in_flight, stub.in_flight) == (2, 1, 1, 0)
    assert stub.last_call_at > 0
    assert stub.requests[0]["candidate_ids"] == tuple(IDS)
    assert completion["usage"]["prompt_tokens"] == expected_tokens(messages[0]["content"])
    assert completion["usage"]["completion_tokens"] == expected_tokens(completion["choices"][0]["message"]["content"])


def test_a_request_may_come_in_pieces_and_two_in_one(stub: Stub) -> None:
    body = json.dumps({"model": "m", "messages": prompt_of()}).encode()
    request = b"POST /v1/chat/completions HTTP/1.1\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)
    port = int(stub.base_url.rsplit(":", 1)[1].removesuffix("/v1"))

    async def talk() -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(request[:30])
        await writer.drain()
        writer.write(request[30:] + request)
        received = b""
        while received.count(b'chat.completion"') < 2:
            received += await asyncio.wait_for(reader.read(65536), 60)
        writer.close()
        return received

    assert asyncio.run(talk()).count(b"HTTP/1.1 200 OK") == 2


def test_as_a_process_it_takes_scripts_and_tells_what_happened() -> None:
    with StubProcess("--mix", "prose=1.0", "--seed", "3") as stub:
        first = post(f"{stub.base_url}/chat/completions", {"model": "m", "messages": prompt_of()})
        stub.script(text="hello", by_call={9: "500"})
        second = post(f"{stub.base_url}/chat/completions", {"model": "m", "messages": prompt_of()})

        assert "Error 503 aside" in first["choices"][0]["message"]["content"]
        assert second["choices"][0]["message"]["content"] == "hello"
        assert stub.stats()["calls"] == 2
        assert stub.stats()["faults"] == {"prose": 1}
        assert len(stub.requests()) == 2
        stub.reset()
        assert stub.stats()["calls"] == 0
