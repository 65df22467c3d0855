"""How slices share a resource's limits: one row per slice, renewed at every flush, with no lock across a call.

Concurrency. What is granted never adds up to more than the limit: a slice is granted more only from what is free,
and one whose share shrinks keeps its calls in flight on its row until they have ended. A row counts as long as its
lane's lease, so what a dead worker held is free again after the lease.

Requests per minute. The resource has one moment from which the next call may start (a virtual scheduler, GCRA): a slice
takes the next few starts of the coming second, spaced evenly, and moves the moment on. Evenly spaced calls keep to the
limit in every minute, not only in those that begin with the clock's.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from math import ceil

from django.db import transaction

from judging.foundation.clock import shared_now
from judging.models import ProviderShare
from judging.work.kind import Limits
from judging.work.lanes import Lease
from judging.work.pacing.gates import Demand, Grant
from judging.work.pacing.limiter import fair_shares

_HORIZON = timedelta(seconds=1)


class SharedAllowances:
    """Allowances of one slice. Used from one thread."""

    def __init__(self, lease: Lease) -> None:
        self._lease, self._resources = lease, lease.kind.resources
        self._share_ids: dict[str, int] = {}

    def renew(self, demands: Mapping[str, Demand]) -> Mapping[str, Grant]:
        """Return what this slice may do until it asks again, by resource."""
        limited = self._resources.limited(demands.keys())
        return {
            resource: self._renew(resource, demand) if resource in limited else Grant()
            for resource, demand in demands.items()
        }

    def _renew(self, resource: str, demand: Demand) -> Grant:
        with transaction.atomic():
            # The resource's row is locked for these few statements, so that slices are served one after the other.
            limits = self._resources.hold(resource)
            if limits is None:
                return Grant()
            now = shared_now()
            mine, others = self._shares(resource, now)
            before = mine.values()
            mine.wanted = demand.wanted
            concurrency = self._concurrency(limits, demand, mine, others)
            starts = self._starts(resource, limits, demand, mine, others, now)
            if mine.values() != before:
                mine.save(update_fields=["wanted", "granted", "is_waiting", "served_at"])
        is_contested = any(share.wanted and not share.granted for share in others)
        return Grant(concurrency, starts, is_contested and concurrency is not None)

    def _shares(self, resource: str, now: datetime) -> tuple[ProviderShare, list[ProviderShare]]:
        if resource not in self._share_ids:
            # A lane that comes back queues behind those that wait: shares are served in the order in which they began.
            share, _ = ProviderShare.objects.update_or_create(
                resource=resource,
                lane_id=self._lease.lane_id,
                defaults={"wanted": 0, "granted": 0, "is_waiting": False, "began_at": now, "served_at": now},
            )
            self._share_ids[resource] = share.pk
        shares = ProviderShare.objects.filter(resource=resource, lane__lease_until__gt=now)
        by_id = {share.pk: share for share in shares}
        mine = by_id.pop(self._share_ids[resource], None)
        if mine is None:
            # The lease ran out while a flush waited; the next flush finds out whether it was renewed or lost.
            mine = ProviderShare.objects.get(pk=self._share_ids[resource])
        return mine, list(by_id.values())

    def _concurrency(
        self, limits: Limits, demand: Demand, mine: ProviderShare, others: list[ProviderShare]
    ) -> int | None:
        if limits.max_concurrency is None:
            mine.granted = 0
            return None
        in_order = sorted([mine, *others], key=lambda share: (share.began_at, share.pk))
        fair = fair_shares(limits.max_concurrency, [share.wanted for share in in_order])[in_order.index(mine)]
        free = limits.max_concurrency - sum(share.granted for share in others)
        granted = min(fair, max(demand.in_hand, free))
        mine.granted = max(granted, demand.in_hand)
        return granted

    def _starts(
        self,
        resource: str,
        limits: Limits,
        demand: Demand,
        mine: ProviderShare,
        others: list[ProviderShare],
        now: datetime,
    ) -> tuple[float, ...] | None:
        if limits.requests_per_minute is None:
            mine.is_waiting = False
            return None
        spacing = timedelta(minutes=1) / limits.requests_per_minute
        first = max(limits.next_call_at or now, now)
        free = (now + _HORIZON - first) // spacing + 1 if first <= now + _HORIZON else 0
        at_work = 1 + sum(share.wanted > 0 for share in others)
        ahead = sum(share.is_waiting and share.served_at < mine.served_at for share in others)
        count = max(0, min(demand.wanted_starts, free - ahead, ceil(free / at_work)))
        mine.is_waiting = demand.wanted_starts > 0 and not count
        if count:
            mine.served_at = now
            self._resources.set_next_call(resource, first + count * spacing)
        return tuple((first + number * spacing - now).total_seconds() for number in range(count))
