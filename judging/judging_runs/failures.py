"""What went wrong in AI judging runs, with an example of each kind."""

from dataclasses import dataclass

from django.db.models import Count, Min

from judging.models import ItemStatus, JudgingItem, JudgingRun


@dataclass(frozen=True, slots=True)
class FailureExample:
    """The failures of a judging run with one code, and the first of them."""

    code: str
    count: int
    item: JudgingItem


def failure_examples(judging_run: JudgingRun) -> list[FailureExample]:
    """Return the failures of a judging run by code, the most frequent first, each with an example. Two statements."""
    groups = list(
        JudgingItem.objects.filter(judging_run=judging_run, status=ItemStatus.FAILED)
        .order_by()
        .values("failure_code")
        .annotate(count=Count("pk"), first=Min("pk"))
        .order_by("-count", "failure_code")
    )
    items = JudgingItem.objects.select_related("candidate__document", "call", "run_query").in_bulk(
        [group["first"] for group in groups]
    )
    return [
        FailureExample(group["failure_code"], group["count"], items[group["first"]])
        for group in groups
        if group["first"] in items
    ]
