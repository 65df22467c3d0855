"""The month's tokens and cost by judge and provider; Home opens them in place."""

from datetime import timedelta

from django.http import HttpResponse
from django.views.decorators.http import require_safe

from judging.operations.usage import following, month_of, monthly_usage, this_month
from judging.web.base import PageRequest, member_required, page_or_fragment
from judging.web.run_rows import money

_MOST_ROWS = 50


@require_safe
@member_required
def usage(request: PageRequest) -> HttpResponse:
    found = monthly_usage(month_of(request.GET.get("month", "")), request.user)
    context = {
        "month": found.month,
        "earlier": (found.month - timedelta(days=1)) if found.month.year > 2000 else None,
        "later": following(found.month) if found.month < this_month() else None,
        "total": found.total,
        "total_cost": money(found.total.cost),
        "tables": [
            ("Judge", [(row.judge, row, money(row.cost)) for row in found.by_judge[:_MOST_ROWS]]),
            ("Provider", [(row.provider, row, money(row.cost)) for row in found.by_provider[:_MOST_ROWS]]),
        ],
        "left_out": max(0, len(found.by_judge) - _MOST_ROWS),
    }
    return page_or_fragment(request, "judging/operations/usage.html", "judging/operations/_usage.html", context)
