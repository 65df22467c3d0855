"""System checks: settings that would break an invariant of judging in silence."""

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, register
from django.core.validators import MaxValueValidator

from judging.foundation import limits
from judging.models import AIJudge, Evaluator
from judging.work import lanes
from judging.work.words import Turn

# What has a timeout of its own: how long an attempt at its models may take.
_ASKING = (AIJudge, Evaluator)


@register("work")
def check_queue_clocks(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Hold the task queue's clocks to the longest slice: a task redelivered while it runs would run twice.

    The numbers are read where they are used, never from a copy: what a slice is given, what a lane is held for, and
    what the field of a timeout lets through.
    """
    cluster = settings.Q_CLUSTER
    timeout, retry = cluster["timeout"], cluster["retry"]
    messages: list[CheckMessage] = []
    turn, attempt, lease = Turn().longest, longest_attempt(), lanes.LEASE.total_seconds()
    needed = turn + attempt + lease
    if timeout <= needed:
        messages.append(
            Error(
                f"Q_CLUSTER timeout is {timeout} s, but a slice may take {needed:g} s: a turn of {turn:g}, an attempt of"
                f" {attempt:g} begun in its last moment, and a lease of {lease:g} to write what came.",
                hint=f"Set it above {needed:g}.",
                id="judging.E001",
            )
        )
    least_retry = timeout * (cluster["queue_limit"] / cluster["workers"] + 1)
    if retry <= least_retry:
        messages.append(
            Error(
                f"Q_CLUSTER retry is {retry} s, so a waiting task would be delivered twice.",
                hint=f"Set it above timeout x (queue_limit / workers + 1) = {least_retry:.0f}.",
                id="judging.E002",
            )
        )
    return messages


def longest_attempt() -> float:
    """Return how long an attempt of any kind of work may take, in seconds; without a bound, infinity."""
    return max(float(limits.LONGEST_SEARCH), *(_bound(model) for model in _ASKING))


def _bound(model: Any) -> float:
    validators = model._meta.get_field("timeout").validators
    bounds = [float(each.limit_value) for each in validators if isinstance(each, MaxValueValidator)]
    # Django adds one for what the column holds: the narrowest counts.
    return min(bounds, default=float("inf"))
