"""What a month's AI work took: tokens and cost by judge and provider, summed by the database."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from django.db.models import Count, Max, Min, OuterRef, Q, QuerySet, Subquery, Sum

from judging.foundation.errors import Invalid
from judging.models import BatchEvaluator, ExecutionLog, JudgingRun, User
from judging.operations.totals import judge_jobs
from judging.records.roles import require_member
from judging.records.visibility import visible_judges

SEVERAL = "several providers"
_TOKENS = {"sum_input": Sum("input_tokens"), "sum_output": Sum("output_tokens")}
_ESTIMATED = Count("pk", filter=Q(usage_estimated=True))


@dataclass(slots=True)
class Usage:
    """Tokens, and their cost in the currency of the prices; None: none of them has a price.

    `is_partial`: some tokens have no price. `is_estimated`: some were counted from characters.
    """

    judge: str
    provider: str
    input_tokens: int = 0
    output_tokens: int = 0
    cost: float | None = None
    is_partial: bool = False
    is_estimated: bool = False

    @property
    def total_tokens(self) -> int:
        return self.input_tokens + self.output_tokens

    def add(self, other: "Usage") -> None:
        self.input_tokens += other.input_tokens
        self.output_tokens += other.output_tokens
        if other.cost is not None:
            self.cost = (self.cost or 0.0) + other.cost
        self.is_partial |= other.is_partial
        self.is_estimated |= other.is_estimated


@dataclass(frozen=True, slots=True)
class MonthlyUsage:
    """The usage of a month (its first day), most tokens first: by judge and provider, by provider, and in all."""

    month: date
    by_judge: list[Usage]
    by_provider: list[Usage]
    total: Usage


def this_month() -> date:
    return datetime.now(UTC).date().replace(day=1)


def month_of(text: str) -> date:
    """Return the first day of a month written as 2026-11, of the current one for "". Raise Invalid."""
    try:
        return date.fromisoformat(f"{text}-01") if text else this_month()
    except ValueError:
        raise Invalid("no such month", errors={"month": ["a month as YYYY-MM"]}) from None


def following(month: date) -> date:
    return month.replace(year=month.year + month.month // 12, month=month.month % 12 + 1)


def monthly_usage(month: date, user: User) -> MonthlyUsage:
    """Return what batches and work that asks a judge (judging runs, probes, ...) took that began in a month, in UTC.

    Judging runs count for everybody, the other work of a judge where `user` sees the judge. A query for each kind.
    """
    require_member(user)
    start, end = (datetime(day.year, day.month, 1, tzinfo=UTC) for day in (month, following(month)))
    by_judge: dict[tuple[str, str], Usage] = {}
    by_provider: dict[str, Usage] = {}
    total = Usage("", "")
    for used in _used(Q(created_at__gte=start, created_at__lt=end), user):
        if not used.total_tokens:
            continue
        by_judge.setdefault((used.judge, used.provider), Usage(used.judge, used.provider)).add(used)
        by_provider.setdefault(used.provider, Usage("", used.provider)).add(used)
        total.add(used)
    return MonthlyUsage(month, _largest_first(by_judge.values()), _largest_first(by_provider.values()), total)


def _largest_first(usages: Iterable[Usage]) -> list[Usage]:
    return sorted(usages, key=lambda usage: (-usage.total_tokens, usage.judge, usage.provider))


def _used(in_month: Q, user: User) -> Iterator[Usage]:
    yield from _of_versions(JudgingRun.objects.filter(in_month), "provider_name")
    is_seen = Q(judge_version__judge__in=visible_judges(user, with_archived=True))
    for jobs in judge_jobs():
        if jobs is not JudgingRun:
            seen = jobs._default_manager.filter(in_month, is_seen)
            yield from _of_versions(seen, "judge_version__ai_provider__name")
    yield from _of_batches(in_month)


def _of_versions(jobs: "QuerySet[Any]", provider: str) -> Iterator[Usage]:
    """Yield the sums by judge version: each has prices of its own."""
    prices = ("judge_version__input_price", "judge_version__output_price")
    rows = jobs.order_by().values_list("judge_version_id", "judge_version__judge__name", provider, *prices)
    for _, judge, name, input_price, output_price, in_tokens, out_tokens, estimated in rows.annotate(
        **_TOKENS, estimated=_ESTIMATED
    ):
        is_priced = input_price is not None or output_price is not None
        cost = (in_tokens * (input_price or 0.0) + out_tokens * (output_price or 0.0)) / 1e6 if is_priced else None
        yield Usage(judge, name, in_tokens, out_tokens, cost, not is_priced, bool(estimated))


def _of_batches(in_month: Q) -> Iterator[Usage]:
    """Yield the sums by what was executed; its evaluators may ask several providers."""
    evaluators = BatchEvaluator.objects.filter(batch=OuterRef("item__batch")).order_by().values("batch")
    logs = ExecutionLog.objects.filter(in_month).annotate(
        first=Subquery(evaluators.annotate(name=Min("provider_name")).values("name")),
        last=Subquery(evaluators.annotate(name=Max("provider_name")).values("name")),
    )
    rows = (
        logs.order_by()
        .values_list("executed_item_name", "first", "last")
        .annotate(**_TOKENS, sum_cost=Sum("cost"), unpriced=Count("pk", filter=Q(cost=None)), estimated=_ESTIMATED)
    )
    for judge, first, last, in_tokens, out_tokens, cost, unpriced, estimated in rows:
        provider = first if first == last else SEVERAL
        yield Usage(judge, provider or "", in_tokens, out_tokens, cost, bool(unpriced), bool(estimated))
