"""The order of evaluation runs by two judges' grades, as the page of a comparison shows it."""

from dataclasses import asdict, dataclass
from typing import Any

from judging.models import EvaluationRun
from judging.statistics.figures import Figure
from judging.trust.comparisons.run_order import MetricOrder, OrderedRun, RunOrder, SwappedPair


@dataclass(frozen=True, slots=True)
class PlacedRun:
    """A run with its value by either side's grades."""

    ordered: OrderedRun
    old: float
    new: float


@dataclass(frozen=True, slots=True)
class Swap:
    """Two runs that changed places: the new side puts `above` above `below`. The figures are above minus below."""

    above: EvaluationRun
    below: EvaluationRun
    old: dict[str, Any]
    new: dict[str, Any]
    is_real: bool


@dataclass(frozen=True, slots=True)
class OrderTable:
    """The runs by one metric, the best by the new grades first."""

    metric: str
    tau_b: float | None
    runs: list[PlacedRun]
    swaps: list[Swap]


def order_tables(order: RunOrder) -> list[OrderTable]:
    """Return a table for each metric."""
    return [_table(order, metric) for metric in order.metrics]


def _table(order: RunOrder, metric: MetricOrder) -> OrderTable:
    placed = [PlacedRun(*each) for each in zip(order.runs, metric.old, metric.new, strict=True)]
    swaps = [_swap(order, metric, pair) for pair in metric.swapped]
    return OrderTable(
        metric.metric,
        metric.tau_b,
        sorted(placed, key=lambda each: -each.new),
        sorted(swaps, key=lambda swap: not swap.is_real),
    )


def _swap(order: RunOrder, metric: MetricOrder, pair: SwappedPair) -> Swap:
    first, second = order.runs[pair.first].run, order.runs[pair.second].run
    if metric.new[pair.second] > metric.new[pair.first]:
        return Swap(second, first, asdict(pair.old), asdict(pair.new), pair.is_real)
    return Swap(first, second, _turned(pair.old), _turned(pair.new), pair.is_real)


def _turned(figure: Figure) -> dict[str, Any]:
    """Return the figure of the opposite difference."""
    if figure.value is None or figure.low is None or figure.high is None:
        return asdict(figure)
    return {**asdict(figure), "value": -figure.value, "low": -figure.high, "high": -figure.low}
