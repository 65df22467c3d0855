"""Probes from start to end against a provider on the loopback, the queue driven inline."""

import re
import threading
from collections import defaultdict

import pytest
from django.conf import settings
from django_q.models import OrmQ

from judging.asking.prompting import DEFAULT_PROMPT_TEMPLATE
from judging.foundation.errors import Conflict, Invalid, NotFound
from judging.judges.judges import delete_judge
from judging.local_judge.server import LocalJudge, Server
from judging.models import (
    AuditEvent,
    Call,
    Candidate,
    EvaluationRun,
    JudgingItem,
    Judgment,
    Lane,
    Probe,
    ProbeItem,
    ProbeRun,
    Role,
    User,
)
from judging.probes.acts import cancel_probes, start_probes
from judging.probes.alterations import INSTRUCTION
from judging.runs.evaluations import delete_run
from judging.runs.locks import lock_run
from judging.work.slices import work_slice
from judging.work.words import Turn
from tests.draining import drain
from tests.factories import make_judge, make_provider, make_run, make_user
from tests.probes.probing import large_run, probe, readings, reread, results
from tests.stub.fixtures import Stub

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.seldom]
THINGS = ("shoes", "camera", "kettle", "lamp", "printer cable", "garden hose", "bicycle pump", "violin", "tent", "frying pan",
          "keyboard")  # fmt: skip
CANARIES = ("swapped", "stuffed_title", "stuffed_text", "nonsense", "instruction", "padded", "empty")


def test_a_steady_judge_that_grades_junk_0_passes_all(stub: Stub, member: User) -> None:
    run = large_run()
    stub.script(grades=dict.fromkeys(Candidate.objects.values_list("document__external_id", flat=True), 0))
    started = probe(stub, member, run=run)
    assert (started.status, started.total_count, stub.calls) == ("queued", 330, 0)
    drain()
    ended = reread(started)
    assert (ended.status, ended.judged_count, ended.call_count) == ("completed", 330, 330)
    found = results(ended)
    assert list(found) == list(Probe.values)
    passed = {name for name, result in found.items() if result["outcome"] == "passed"}
    assert passed == {"repeat", *CANARIES}
    assert found["shuffle"]["outcome"] == found["paraphrase"]["outcome"] == "not_run"
    assert "one document at a time" in found["shuffle"]["reason"]
    assert "default instructions" in found["paraphrase"]["reason"]
    assert readings(found["repeat"])["exact"]["value"] == 1.0
    assert readings(found["swapped"])["relevant"] | {"low": 0, "high": 0} == {
        "name": "relevant", "value": 0.0, "low": 0, "high": 0, "count": 0, "total": 30, "mark": "at_most",
        "mark_value": 0.0, "method": "exact", "refused_code": None, "is_met": True,
    }  # fmt: skip


def test_nothing_of_it_becomes_a_judgment_or_touches_a_candidate(stub: Stub, member: User) -> None:
    run = large_run()
    before = list(Candidate.objects.order_by("pk").values())
    stored = EvaluationRun.objects.filter(pk=run.pk).values().get()
    probe(stub, member, run=run, probes=["repeat", "empty"])
    drain()
    assert Judgment.objects.count() == JudgingItem.objects.count() == 0
    assert list(Candidate.objects.order_by("pk").values()) == before
    assert EvaluationRun.objects.filter(pk=run.pk).values().get() == stored


@pytest.mark.slow(seconds=1)
def test_no_prompt_holds_two_probes_and_canaries_are_alone(stub: Stub, member: User) -> None:
    started = probe(stub, member, batch_size=10, prompt_template=f"Be strict.\n{DEFAULT_PROMPT_TEMPLATE}")
    prompts: dict[int, set[tuple[str, object]]] = defaultdict(set)
    for item in ProbeItem.objects.filter(probe_run=started):
        prompts[item.prompt_number].add((item.probe, item.run_query_id))
    assert all(len(shared) == 1 for shared in prompts.values())
    drain()
    canaries = reread(started).items.filter(probe__in=CANARIES)
    assert canaries.count() == canaries.values("prompt_number").distinct().count() == 210
    found = results(started)
    assert {name for name, result in found.items() if result["outcome"] == "not_run"} == set()
    assert found["paraphrase"]["outcome"] == "shown"
    assert {"changed", "flips_added", "position_slope"} == readings(found["shuffle"]).keys()


def test_canaries_are_of_other_queries_and_no_run_found_them(stub: Stub, member: User) -> None:
    run = large_run()
    queries = list(run.run_queries.order_by("position"))
    # Another run finds every document for one of the queries: it gets no canary.
    everything = list(Candidate.objects.filter(run=run).values_list("document__external_id", flat=True))
    make_run({queries[0].text: everything}, evaluation=run.evaluation)
    started = probe(stub, member, probes=["swapped"], run=run)
    items = started.items.filter(probe="swapped").select_related("candidate", "run_query")
    assert len(items) == 30
    for item in items:
        assert item.run_query_id != item.candidate.run_query_id
        assert item.run_query_id != queries[0].pk
    assert len({item.candidate.document_id for item in items}) == 30


@pytest.mark.slow(seconds=2)
def test_what_is_asked_is_what_the_probe_is_called(stub: Stub, member: User) -> None:
    asked = {}
    for name in CANARIES[1:]:
        stub.reset()
        started = probe(stub, member, probes=[name], run=large_run())
        drain()
        of_it = set(started.items.filter(probe=name).values_list("candidate__document__external_id", flat=True))
        assert of_it
        asked[name] = stub.requests[-1]
    texts = {
        name: request["body"]["messages"][-1]["content"].split("<candidates>")[-1] for name, request in asked.items()
    }
    query = {name: request["query"] for name, request in asked.items()}
    title = {name: re.search(r"<title>(.*?)</title>", text)[1] for name, text in texts.items()}  # type: ignore[index]
    assert title["stuffed_title"].startswith("Title of")
    assert title["stuffed_title"].endswith(query["stuffed_title"])
    assert query["stuffed_text"] in texts["stuffed_text"]
    assert query["stuffed_text"] not in title["stuffed_text"]
    assert query["nonsense"] in title["nonsense"]
    assert "Lorem" in title["nonsense"]
    assert INSTRUCTION in texts["instruction"]
    assert "Acme Acme Acme Acme Acme" in texts["padded"]
    assert title["empty"] == ""
    assert "Acme" not in texts["empty"]


def test_a_judge_that_falls_for_junk_fails_and_the_worst_answers_can_be_read(stub: Stub, member: User) -> None:
    run = large_run()
    stub.script(grades=dict.fromkeys(Candidate.objects.values_list("document__external_id", flat=True), 4))
    probe_run = probe(stub, member, probes=["swapped", "empty"], run=run)
    drain()
    found = results(probe_run)
    assert [result["outcome"] for result in found.values()] == ["failed", "failed"]
    assert readings(found["swapped"])["relevant"]["value"] == 1.0
    examples = found["swapped"]["examples"]
    assert len(examples) == 5
    assert examples[0]["grade"] == 4
    assert examples[0]["title"].startswith("Title of d")
    assert examples[0]["reasoning"] == "because the stub says so"


def test_chosen_probes_bring_what_they_are_compared_with(stub: Stub, member: User) -> None:
    started = probe(stub, member, probes=["padded"])
    assert started.probes == ["swapped", "padded"]
    assert started.total_count == 60


def test_too_small_a_run_says_what_it_takes(stub: Stub, member: User) -> None:
    started = probe(stub, member, run=large_run(queries=30, candidates=1))
    assert (started.status, started.total_count) == ("completed", 0)
    found = results(started)
    assert {result["outcome"] for result in found.values()} == {"not_run"}
    assert found["repeat"]["reason"] == "It takes 60 candidates; the run has 30."
    assert found["empty"]["reason"] == "It takes 31 queries; the run has 30."
    assert not OrmQ.objects.exists()


def test_a_service_that_refuses_all_ends_it_with_what_it_said(stub: Stub, member: User) -> None:
    stub.script(fault="401")
    started = probe(stub, member)
    drain()
    ended = reread(started)
    assert (ended.status, ended.skipped_count > 0) == ("failed", True)
    assert ended.error
    assert {result["outcome"] for result in results(ended).values()} == {"not_run"}


def test_few_failures_leave_a_probe_its_outcome_and_many_do_not(stub: Stub, member: User) -> None:
    started = probe(stub, member, probes=["swapped"], max_reasks=0)
    documents = list(started.items.order_by("pk").values_list("candidate__document__external_id", flat=True))
    grades = dict.fromkeys(documents, 0)
    stub.script(by_candidate=dict.fromkeys(documents[:3], "prose"), grades=grades)
    drain()
    assert reread(started).failed_count == 3
    found = results(started)["swapped"]
    assert (found["outcome"], found["graded_count"]) == ("passed", 27)
    stub.script(by_candidate=dict.fromkeys(documents[:4], "prose"), grades=grades)
    again = start_probes(
        judge=started.judge_version.judge, evaluation_run=started.evaluation_run, actor=member, probes=["swapped"]
    )
    drain()
    found = results(again)["swapped"]
    assert (found["outcome"], found["reason"]) == ("not_run", "Only 26 of 30 questions were answered.")


def test_cancel_is_immediate_and_stays(stub: Stub, member: User) -> None:
    started = probe(stub, member)
    cancelled = cancel_probes(probe_run=started, actor=member)
    assert (cancelled.status, cancelled.skipped_count) == ("cancelled", 330)
    drain()
    assert (reread(started).status, stub.calls) == ("cancelled", 0)
    assert cancel_probes(probe_run=started, actor=member).status == "cancelled"
    assert {result["outcome"] for result in results(started).values()} == {"not_run"}
    actions = AuditEvent.objects.order_by("pk").values_list("action", flat=True)
    assert list(actions) == ["probes_started", "probes_cancelled"]


def test_cancel_halfway_keeps_what_was_said(stub: Stub, member: User) -> None:
    stub.script(delay_ms=100)
    started = probe(stub, member)
    work_slice(started.lanes.get().pk, turn=Turn(shared=1, longest=1))
    cancelled = cancel_probes(probe_run=ProbeRun.objects.get(pk=started.pk), actor=member)
    assert cancelled.judged_count
    assert cancelled.skipped_count
    drain()
    assert reread(started).status == "cancelled"


def test_ended_probes_are_not_cancelled(stub: Stub, member: User) -> None:
    started = probe(stub, member, probes=["empty"])
    drain()
    with pytest.raises(Conflict, match="already"):
        cancel_probes(probe_run=reread(started), actor=member)


def test_one_at_a_time_of_a_version(stub: Stub, member: User) -> None:
    started = probe(stub, member)
    with pytest.raises(Conflict, match="under way"):
        start_probes(judge=started.judge_version.judge, evaluation_run=started.evaluation_run, actor=member)
    assert ProbeRun.objects.count() == 1


def test_who_and_what_is_refused(stub: Stub, member: User) -> None:
    run, judge = large_run(), make_judge(make_provider(stub.base_url))
    private = make_judge(owner=make_user(Role.MEMBER))
    with pytest.raises(NotFound):
        start_probes(judge=private, evaluation_run=run, actor=member)
    with pytest.raises(Invalid):
        start_probes(judge=judge, evaluation_run=run, actor=member, probes=["magic"])
    with pytest.raises(Invalid):
        start_probes(judge=judge, evaluation_run=run, actor=member, version=7)
    with pytest.raises(Conflict, match="completed runs only"):
        start_probes(judge=judge, evaluation_run=make_run(status="running"), actor=member)


def test_a_locked_run_will_do(stub: Stub, member: User) -> None:
    run = large_run()
    lock_run(run=run, actor=member)
    started = probe(stub, member, probes=["empty"], run=run)
    drain()
    assert reread(started).status == "completed"


def test_a_run_is_deleted_with_its_probes_their_rows_calls_and_lanes(stub: Stub, member: User) -> None:
    started = probe(stub, member, probes=["empty"])
    with pytest.raises(Conflict, match="cancel them first"):
        delete_run(actor=member, run=started.evaluation_run)
    drain()
    delete_run(actor=member, run=started.evaluation_run)
    assert not any(model.objects.exists() for model in (ProbeRun, ProbeItem, Call, Lane))


def test_a_judge_that_was_probed_is_archived(stub: Stub, member: User, admin: User) -> None:
    started = probe(stub, member, probes=["empty"])
    judge = started.judge_version.judge
    assert delete_judge(actor=admin, judge=judge)
    with pytest.raises(Conflict):
        start_probes(judge=judge, evaluation_run=started.evaluation_run, actor=admin)


@pytest.mark.slow(seconds=8)
@pytest.mark.skipif(not settings.IS_SQLITE, reason="about the model, whatever the database")
def test_the_local_judge_is_shown_as_it_is(member: User) -> None:
    """It goes by likeness of words: it is steady, deaf to instructions, and takes query words for an answer."""
    with Server(("127.0.0.1", 0), LocalJudge()) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        provider = make_provider(f"http://127.0.0.1:{server.server_port}/v1")
        judge = make_judge(provider, batch_size=10)
        run = make_run(
            {f"{colour} {thing}": [f"{thing} {colour} {size}" for size in ("S", "XL")]
             for colour in ("red", "blue", "green") for thing in THINGS},
            relevant_from=2,
        )  # fmt: skip
        shown = ("repeat", "instruction", "nonsense", "stuffed_title")
        started = start_probes(judge=judge, evaluation_run=run, actor=member, probes=shown)
        drain()
        server.shutdown()
    assert reread(started).status == "completed"
    found = results(started)
    assert found["repeat"]["outcome"] == "passed"
    assert found["instruction"]["outcome"] == "passed"
    assert found["nonsense"]["outcome"] == "failed"
    assert found["stuffed_title"]["outcome"] == "failed"
    assert readings(found["nonsense"])["relevant"]["value"] > 0.9
    assert found["nonsense"]["examples"][0]["title"].startswith("Lorem")
