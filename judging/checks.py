"""System checks: settings that would break an invariant of judging in silence."""

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, register

LONGEST_SLICE = 120
LONGEST_ATTEMPT = 300
LAST_WRITE = 15


@register()
def check_queue_clocks(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Hold the task queue's clocks to the longest slice: a task redelivered while it runs would run twice."""
    cluster = settings.Q_CLUSTER
    timeout, retry = cluster["timeout"], cluster["retry"]
    messages: list[CheckMessage] = []
    needed = LONGEST_SLICE + LONGEST_ATTEMPT + LAST_WRITE
    if timeout <= needed:
        messages.append(
            Error(
                f"Q_CLUSTER timeout is {timeout} s, but a slice may take {needed} s.",
                hint=f"Set it above {needed}.",
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
