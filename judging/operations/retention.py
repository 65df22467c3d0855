"""Delete what need not be kept for ever, in chunks, while work goes on."""

from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from judging.foundation.errors import Invalid
from judging.foundation.limits import MAX_AGE_DAYS
from judging.models import BatchExecution, BatchItem, BatchStatus, Call, ExecutionLog, SearchExchange
from judging.operations.totals import first_call_since, pk_ranges
from judging.records.roles import Actor, require_admin

_CHUNK = 1000
_ENDED = (BatchStatus.COMPLETED, BatchStatus.FAILED)


def prune_raw_replies(*, actor: Actor, older_than_days: int, dry_run: bool = False) -> int:
    """Empty the raw replies of old calls; return how many. Grades, reasoning, tokens and errors stay.

    Raise Forbidden for all but admins, and Invalid.
    """
    require_admin(actor)
    moment = timezone.now() - _days(older_than_days)
    newest = Call.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
    # What lies between this one and the moment is younger than a minute too much: the filter below leaves it.
    before = first_call_since(moment + timedelta(minutes=2)) or newest + 1
    count = 0
    for first, following in pk_ranges(Call, before=before, size=_CHUNK):
        old = Call.objects.filter(pk__gte=first, pk__lt=following, created_at__lt=moment).exclude(raw_reply="")
        count += old.count() if dry_run else old.update(raw_reply="")
    return count


def prune_batch_inputs(*, actor: Actor, older_than_days: int, dry_run: bool = False) -> int:
    """Empty the inputs of batches that ended long ago, and their previews in execution logs; return how many items.

    Scores, justifications and counts stay; what has no input any more can't be retried. Raise Forbidden for all but admins, and Invalid.
    """
    require_admin(actor)
    moment = timezone.now() - _days(older_than_days)
    batches = BatchExecution.objects.filter(status__in=_ENDED, completed_at__lt=moment).order_by("created_at", "pk")
    count = 0
    for batch_id in batches.values_list("pk", flat=True).iterator(chunk_size=_CHUNK):
        items = BatchItem.objects.filter(batch_id=batch_id).exclude(input={})
        if dry_run:
            count += items.count()
            continue
        with transaction.atomic():
            emptied = items.update(input={})
            if emptied:
                ExecutionLog.objects.filter(item__batch_id=batch_id).update(request_preview="", response_preview="")
            count += emptied
    return count


def prune_search_evidence(*, actor: Actor, older_than_days: int, dry_run: bool = False) -> int:
    """Delete what search engines answered long ago; return how many exchanges. Lists and counts stay.

    Such answers can't be read again with another mapping. Raise Forbidden for all but admins, and Invalid.
    """
    require_admin(actor)
    old = SearchExchange.objects.filter(received_at__lt=timezone.now() - _days(older_than_days)).order_by("pk")
    if dry_run:
        return old.count()
    count = 0
    while keys := list(old.values_list("pk", flat=True)[:_CHUNK]):
        count += SearchExchange.objects.filter(pk__in=keys)._raw_delete(using="default")
    return count


def _days(days: int) -> timedelta:
    if not 0 <= days <= MAX_AGE_DAYS:
        raise Invalid("the age is a number of days, 0 or more", errors={"older_than": [f"0 to {MAX_AGE_DAYS:,} days."]})
    return timedelta(days=days)
