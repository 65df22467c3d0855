"""A place among a resource's calls for somebody who waits for the answer: on the bench, in the query lab.

It is a share like that of a slice (`allowances.py`), for one call, and goes before those of all slices: they take back
no more than what it leaves. It hangs on a lane that is done, so that no worker takes it.
"""

import uuid
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q, Sum

from judging.foundation.clock import shared_now
from judging.models import Lane, ProviderShare
from judging.work.kind import Resources

_KIND = "place"
# Shares are served in the order in which they began.
_BEFORE_ALL_LANES = timedelta(days=36_500)


class Place:
    """One call's place. Whoever may have taken it gives it back; left behind by a dead process, it ends by itself.

    seconds: how long it may be waited for and held, together.
    """

    def __init__(self, resources: Resources, resource: str, *, seconds: float) -> None:
        self._resources, self._resource, self._seconds = resources, resource, seconds
        self._lane_id: int | None = None

    def take(self) -> bool:
        """Take the place, or else keep waiting in line; tell whether it is taken. Call it until it is."""
        with transaction.atomic():
            # Whoever shares the resource holds its row: one after the other.
            limits = self._resources.hold(self._resource)
            if limits is None or limits.max_concurrency is None:
                return True
            now = shared_now()
            mine = self._mine(now)
            others = ProviderShare.objects.filter(resource=self._resource, lane__lease_until__gt=now).exclude(
                pk=mine.pk
            )
            ahead = Q(lane__kind=_KIND, granted=0, began_at__lt=mine.began_at)
            taken = others.aggregate(sum=Sum("granted"))["sum"] or 0
            if taken + others.filter(ahead).count() >= limits.max_concurrency:
                return False
            mine.granted = 1
            mine.save(update_fields=["granted"])
        return True

    def give_back(self) -> None:
        """Leave the place, or the line. Harmless when there is nothing to leave."""
        if self._lane_id is not None:
            Lane.objects.filter(pk=self._lane_id).delete()

    def _mine(self, now: datetime) -> ProviderShare:
        if self._lane_id is not None:
            return ProviderShare.objects.get(lane_id=self._lane_id)
        Lane.objects.filter(kind=_KIND, lease_until__lt=now).delete()
        lane = Lane.objects.create(
            kind=_KIND,
            job_id=uuid.uuid4(),
            number=0,
            concurrency=1,
            lease_token=uuid.uuid4(),
            lease_until=now + timedelta(seconds=self._seconds),
            is_done=True,
        )
        self._lane_id = lane.pk
        return ProviderShare.objects.create(
            resource=self._resource, lane=lane, wanted=1, served_at=now, began_at=now - _BEFORE_ALL_LANES
        )
