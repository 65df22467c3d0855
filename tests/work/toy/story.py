"""Run with tests.work.toy.settings on a database of its own: a third kind of work from its start to every end.

Prints what became of it as JSON. Real workers do the work, and one cluster of them is killed.
"""

import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import contextmanager
from datetime import timedelta

import django

django.setup()

from django.core.management import call_command  # noqa: E402
from django.db import transaction  # noqa: E402
from django.utils import timezone  # noqa: E402

from judging.foundation.errors import IllegalTransition  # noqa: E402
from judging.models import Lane  # noqa: E402
from judging.work import lifecycle  # noqa: E402
from judging.work.lanes import lay_lanes  # noqa: E402
from judging.work.rescue import rescue_lanes  # noqa: E402
from tests.work.cluster import Cluster  # noqa: E402
from tests.work.toy.models import Number, Sum  # noqa: E402


def begin(numbers: Sequence[int]) -> Sum:
    with transaction.atomic():
        job = Sum.objects.create(number_count=len(numbers))
        Number.objects.bulk_create([Number(sum=job, number=number) for number in numbers])
        lay_lanes(job, concurrency=40)
    return job


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        if time.monotonic() > deadline:
            sys.exit("it did not come true in time")
        time.sleep(0.02)


def reread(job: Sum) -> Sum:
    return Sum.objects.get(pk=job.pk)


@contextmanager
def refused():
    try:
        yield
    except IllegalTransition:
        return
    raise AssertionError("a job that has ended can end again")


def main() -> None:
    call_command("migrate", run_syncdb=True, verbosity=0)
    told: dict[str, object] = {}

    # Claimed by workers that are killed halfway.
    killed = begin(range(400))
    with Cluster() as cluster:
        wait_until(lambda: reread(killed).done_count > 0)
        cluster.kill()
    left = reread(killed)
    told["lanes"] = killed.lanes.count()
    told["under way when killed"] = left.status
    told["in flight when killed"] = Number.objects.filter(sum=killed, claim_token__isnull=False).exists()

    # Rescued once the leases have run out, and completed by others.
    past = timezone.now() - timedelta(seconds=1)
    Lane.objects.filter(lease_token__isnull=False).update(lease_until=past, enqueued_at=past - timedelta(seconds=1))
    told["rescued lanes"] = rescue_lanes()
    cancelled = begin(range(1000))
    refused_all = begin([100, 200])
    with Cluster():
        wait_until(lambda: not reread(killed).is_active)
        wait_until(lambda: reread(cancelled).done_count > 0)
        lifecycle.cancel(cancelled.kind, cancelled.pk)
        with refused():
            lifecycle.cancel(cancelled.kind, cancelled.pk)
        wait_until(lambda: not Lane.objects.filter(is_done=False).exists())
    done, ended, failed = reread(killed), reread(cancelled), reread(refused_all)
    told["completed"] = [done.status, done.done_count, done.failed_count, done.total]
    told["why rows failed"] = list(
        Number.objects.filter(sum=done, status="failed").values_list("number", "failure_code")
    )
    told["cancelled"] = [
        ended.status,
        ended.done_count + ended.failed_count + ended.dropped_count,
        ended.dropped_count > 0,
    ]
    told["all failed"] = [failed.status, failed.failed_count, failed.error_code]
    told["still pending"] = Number.objects.filter(status="pending").count()

    # Deleted with its lanes.
    Sum.objects.all().delete()
    told["lanes left"] = Lane.objects.count()
    print(json.dumps(told))


if __name__ == "__main__":
    assert os.environ["DJANGO_SETTINGS_MODULE"] == "tests.work.toy.settings"
    main()
