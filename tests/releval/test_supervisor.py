"""The supervisor with small children: what dies is started again, and nothing outlives it."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from releval import supervisor as supervisor_module
from releval.process_groups import end_groups, is_group_alive
from releval.supervisor import END_SIGNALS, Child, StartFailed, Supervisor

ROOT = Path(__file__).resolve().parent.parent.parent
SLEEP = ["sleep", "1000"]
# A process with a child of its own, as a task cluster has.
FAMILY = ["sh", "-c", "sleep 1000 & wait"]
DEAF = [sys.executable, "-c", "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(1000)"]


@pytest.fixture(autouse=True)
def restored_signals() -> Iterator[None]:
    handlers = {number: signal.getsignal(number) for number in END_SIGNALS}
    yield
    for number, handler in handlers.items():
        signal.signal(number, handler)


def wait_for(condition: Callable[[], object], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "timed out"
        time.sleep(0.01)


def pid_of(child: Child) -> int:
    assert child.process is not None
    return child.process.pid


def test_a_child_that_dies_is_started_again() -> None:
    child = Child("sleeper", SLEEP)
    with Supervisor([child]) as supervisor:
        supervisor.start()
        first = pid_of(child)
        os.kill(first, signal.SIGKILL)
        wait_for(lambda: supervisor.tick(0.02) and child.death_count == 1 and child.is_running)
        assert pid_of(child) != first


def test_restart_pauses_grow_and_reset_after_a_healthy_child(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(supervisor_module, "FIRST_PAUSE_SECONDS", 0.01)
    child = Child("dying", ["false"])
    child.pause = 0.01
    with Supervisor([child]) as supervisor:
        supervisor.start()
        wait_for(lambda: supervisor.tick(0.01) and child.death_count == 3)
        assert child.pause == pytest.approx(0.08)
        monkeypatch.setattr(supervisor_module, "WELL_AFTER_SECONDS", 0.0)
        wait_for(lambda: supervisor.tick(0.01) and child.death_count == 4)
        assert child.pause == pytest.approx(0.02)


def test_what_a_killed_child_leaves_behind_is_ended_before_it_starts_again() -> None:
    child = Child("family", FAMILY)
    with Supervisor([child]) as supervisor:
        supervisor.start()
        group = pid_of(child)
        os.kill(group, signal.SIGKILL)
        wait_for(lambda: supervisor.tick(0.02) and child.death_count == 1 and child.is_running)
        assert not is_group_alive(group)


def test_a_restart_that_was_asked_for_comes_with_the_next_tick() -> None:
    child = Child("sleeper", SLEEP)
    with Supervisor([child]) as supervisor:
        supervisor.start()
        first = pid_of(child)
        supervisor.restart("sleeper")
        assert supervisor.tick(0.01)
        assert pid_of(child) != first
        assert not is_group_alive(first)
        # Nor does it count as a death, should the others still be starting.
        supervisor.raise_if_died()


def test_a_signal_ends_the_loop_and_then_every_group() -> None:
    children = [Child("one", FAMILY), Child("two", FAMILY)]
    with Supervisor(children) as supervisor:
        supervisor.start()
        groups = [pid_of(child) for child in children]
        os.kill(os.getpid(), signal.SIGTERM)
        assert supervisor.tick(5) is False
        assert supervisor.tick(5) is False
    assert not any(map(is_group_alive, groups))


def test_a_process_deaf_to_sigterm_is_killed() -> None:
    deaf = subprocess.Popen(DEAF, start_new_session=True)
    assert end_groups([deaf.pid], kill_after=0.2) == []
    assert not is_group_alive(deaf.pid)
    deaf.poll()


def test_a_child_that_ends_right_after_its_start_is_reported() -> None:
    with Supervisor([Child("broken", ["false"])]) as supervisor:
        supervisor.start()
        with pytest.raises(StartFailed, match="broken"):
            wait_for(lambda: supervisor.tick(0.01) and supervisor.raise_if_died())


def test_an_optional_child_may_die_without_stopping_the_start() -> None:
    child = Child("broken", ["false"], is_optional=True)
    with Supervisor([child]) as supervisor:
        supervisor.start()
        wait_for(lambda: supervisor.tick(0.01) and child.death_count)
        supervisor.raise_if_died()


def test_a_log_that_has_grown_is_set_aside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor_module, "MAX_LOG_BYTES", 3)
    log = tmp_path / "logs" / "echo.log"
    for _ in range(2):
        child = Child("echo", ["echo", "hello"], log=log)
        with Supervisor([child]) as supervisor:
            supervisor.start()
            wait_for(lambda child=child: not child.is_running)  # type: ignore[misc]
    assert log.read_text() == log.with_suffix(".log.1").read_text() == "hello\n"


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_nothing_outlives_the_supervisor_however_it_ends(number: signal.Signals) -> None:
    program = f"""
from releval.supervisor import Child, Supervisor
children = [Child("one", {FAMILY!r}), Child("two", {FAMILY!r})]
with Supervisor(children) as supervisor:
    supervisor.start()
    print(*[child.process.pid for child in children], flush=True)
    while supervisor.tick():
        pass
"""
    process = subprocess.Popen([sys.executable, "-c", program], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    groups = [int(pid) for pid in process.stdout.readline().split()]
    assert len(groups) == 2
    assert all(map(is_group_alive, groups))
    process.send_signal(number)
    process.wait(60)
    process.stdout.close()
    wait_for(lambda: not any(map(is_group_alive, groups)))
