"""The system checks read the numbers in use: whichever of them grows too long, `manage.py check` fails."""

from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.core.checks import run_checks
from django.core.management import call_command
from django.core.management.base import SystemCheckError
from django.core.validators import MaxValueValidator

from judging.management.commands.worker import Command as Worker
from judging.models import AIJudge, Evaluator
from judging.work import lanes
from judging.work.words import Turn


def clocks_found_wrong() -> list[str | None]:
    return [message.id for message in run_checks() if str(message.id).startswith("judging.")]


def test_the_clocks_as_they_are_hold() -> None:
    assert clocks_found_wrong() == []


def test_a_turn_that_outlasts_the_queue_s_timeout_fails_the_check(monkeypatch: pytest.MonkeyPatch) -> None:
    # What every slice is given that no turn of its own is given.
    monkeypatch.setattr(Turn.__init__, "__defaults__", (Turn().shared, 900.0))
    assert Turn().longest == 900.0
    with pytest.raises(SystemCheckError, match=r"timeout is 480 s, but a slice may take 1215 s"):
        call_command("check")


def test_a_lease_that_outlasts_the_queue_s_timeout_fails_the_check(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lanes, "LEASE", timedelta(seconds=61))
    assert clocks_found_wrong() == ["judging.E001"]


def test_workers_do_not_start_on_clocks_that_do_not_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lanes, "LEASE", timedelta(seconds=61))
    with pytest.raises(SystemCheckError, match=r"timeout is 480 s"):
        call_command(Worker(), skip_checks=False)


@pytest.mark.parametrize("model", [AIJudge, Evaluator])
def test_an_attempt_that_outlasts_the_queue_s_timeout_fails_the_check(
    monkeypatch: pytest.MonkeyPatch, model: Any
) -> None:
    for validator in model._meta.get_field("timeout").validators:
        if isinstance(validator, MaxValueValidator):
            monkeypatch.setattr(validator, "limit_value", 346)
    assert clocks_found_wrong() == ["judging.E001"]


def test_a_queue_that_delivers_a_waiting_task_twice_fails_the_check(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(settings.Q_CLUSTER, "queue_limit", 4 * settings.Q_CLUSTER["workers"])
    assert clocks_found_wrong() == ["judging.E002"]
