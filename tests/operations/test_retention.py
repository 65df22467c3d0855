"""What is pruned, what stays, and imports that were killed."""

import io
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from judging.foundation.errors import Conflict
from judging.management.rescuing import rescue_all
from judging.models import BatchItem, Call, EvaluationRun, EvaluationRunStatus, User
from judging.operations.totals import calls_by_error, first_call_since
from judging.records.lists import ranked_lists
from judging.responses.executions import cancel_batch, create_batch, retry_failed
from judging.responses.inputs import BatchInput
from judging.responses.plans import plan_judge
from judging.runs.evaluations import delete_run
from judging.runs.importing.run_files import ResultsFile
from judging.runs.importing.run_import import import_run
from tests.factories import make_evaluation, make_judge, make_run

pytestmark = [pytest.mark.django_db, pytest.mark.on_both]


def make_calls(*days: float, **fields: object) -> list[Call]:
    now = timezone.now()
    calls = [
        Call(prompt_hash="x", raw_reply=f"reply {day}", created_at=now - timedelta(days=day), **fields) for day in days
    ]
    return Call.objects.bulk_create(calls)


def prune(*arguments: str) -> str:
    out = StringIO()
    call_command("prune", *arguments, stdout=out)
    return out.getvalue()


def replies() -> list[str]:
    return list(Call.objects.order_by("pk").values_list("raw_reply", flat=True))


def test_old_replies_are_emptied_in_chunks_and_the_calls_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("judging.operations.retention._CHUNK", 3)
    make_calls(*[40] * 10, 31, 29, 2, 0)
    Call.objects.filter(pk__in=Call.objects.order_by("pk").values("pk")[2:5]).delete()

    assert prune("--raw-replies-older-than", "30", "--dry-run") == "8 raw replies would be emptied\n"
    assert "" not in replies()
    assert prune("--raw-replies-older-than", "30") == "8 raw replies emptied\n"
    assert replies() == [""] * 8 + ["reply 29", "reply 2", "reply 0"]
    assert prune("--raw-replies-older-than", "30") == "0 raw replies emptied\n"
    assert prune("--raw-replies-older-than", "0") == "3 raw replies emptied\n"


def test_what_to_prune_must_be_said() -> None:
    for arguments in ((), ("--dry-run",), ("--raw-replies-older-than", "-1")):
        with pytest.raises(CommandError):
            prune(*arguments)


@pytest.mark.parametrize("wanted", [0, 0.5, 3, 9.5, 30, 100])
def test_the_first_call_of_a_time_is_found_by_halving(wanted: float) -> None:
    make_calls(*(day / 10 for day in range(300, 0, -7)))
    Call.objects.filter(pk__in=[call.pk for call in Call.objects.all() if call.pk % 3 == 0]).delete()
    moment = timezone.now() - timedelta(days=wanted)
    first = first_call_since(moment)
    expected = Call.objects.filter(created_at__gte=moment - timedelta(seconds=60)).order_by("pk").first()
    if expected is None:
        assert first is None
    else:
        assert first is not None
        assert Call.objects.filter(pk__gte=first).order_by("pk").first() == expected


def test_errors_of_the_last_hour_are_counted_by_code() -> None:
    make_calls(3, 1, error_code="timeout")
    make_calls(0.01, 0.02, error_code="timeout")
    make_calls(0.01)
    assert calls_by_error(timezone.now() - timedelta(hours=1)) == {"timeout": 2, "": 1}


def test_inputs_of_old_batches_are_emptied_and_can_t_be_retried(member: User) -> None:
    judge = make_judge(owner=member)
    batch = create_batch(
        actor=member,
        plan=plan_judge(actor=member, judge_id=judge.pk),
        inputs=[BatchInput(request="secret plan", response="b")],
    )
    assert prune("--batch-inputs-older-than", "0") == "0 batch inputs emptied\n"
    cancel_batch(actor=member, batch=batch)
    assert prune("--batch-inputs-older-than", "0", "--dry-run") == "1 batch inputs would be emptied\n"
    assert prune("--batch-inputs-older-than", "7") == "0 batch inputs emptied\n"
    assert prune("--batch-inputs-older-than", "0") == "1 batch inputs emptied\n"
    assert BatchItem.objects.get().input == {}
    batch.refresh_from_db()
    with pytest.raises(Conflict) as refused:
        retry_failed(actor=member, batch=batch)
    assert refused.value.code == "inputs_pruned"


def test_an_import_that_was_killed_fails_after_a_while_and_can_be_deleted(member: User) -> None:
    now = timezone.now()
    left = make_run(status=EvaluationRunStatus.RUNNING, written_at=now - timedelta(minutes=16))
    of_before = make_run(status=EvaluationRunStatus.RUNNING, created_at=now - timedelta(hours=2))
    alive = make_run(
        status=EvaluationRunStatus.RUNNING, created_at=now - timedelta(days=2), written_at=now - timedelta(minutes=1)
    )
    rescue_all()
    for run in (left, of_before, alive):
        run.refresh_from_db()
    assert [run.status for run in (left, of_before, alive)] == ["failed", "failed", "running"]
    assert left.error == "the import was interrupted"
    delete_run(actor=member, run=left)
    with pytest.raises(Conflict):
        delete_run(actor=member, run=alive)


def test_an_import_that_was_called_interrupted_stops_at_its_next_chunk(
    member: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = "".join(f'{{"query": "q{n}", "candidates": [{{"id": "d", "title": "t"}}]}}\n' for n in range(5))
    monkeypatch.setattr("judging.records.lists.ranked_lists._QUERIES_PER_CHUNK", 2)
    written = []

    def interrupted(*args: Any) -> object:
        written.append(args)
        if len(written) == 2:
            EvaluationRun.objects.update(status=EvaluationRunStatus.FAILED, error="the import was interrupted")
        return write(*args)

    write = ranked_lists._write_chunk
    monkeypatch.setattr(ranked_lists, "_write_chunk", interrupted)
    with pytest.raises(Conflict) as stopped:
        import_run(
            evaluation=make_evaluation(),
            actor=member,
            name="x",
            scale="graded",
            metrics=["P@1"],
            source=ResultsFile(io.BytesIO(lines.encode())),
        )
    assert stopped.value.code == "run_not_running"
    run = EvaluationRun.objects.get()
    assert (run.status, run.error) == ("failed", "the import was interrupted")
    assert run.run_queries.count() == 2
