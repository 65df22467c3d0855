"""Metrics of ranked lists, after the conventions in the API reference. Pure: no Django, no models, no numpy."""

from judging.metrics.aggregation import RunSummary, aggregate
from judging.metrics.computation import QueryScore, compute_query, score_query
from judging.metrics.coverage import JudgedCount, count_judged, coverage
from judging.metrics.names import (
    DEFAULT_METRICS,
    KNOWN_METRICS,
    MAX_CUTOFF,
    MAX_METRICS,
    METRIC_FAMILIES,
    Metric,
    MetricFamily,
    parse_metric,
    parse_metrics,
    validate_metrics,
)

__all__ = [
    "DEFAULT_METRICS",
    "KNOWN_METRICS",
    "MAX_CUTOFF",
    "MAX_METRICS",
    "METRIC_FAMILIES",
    "JudgedCount",
    "Metric",
    "MetricFamily",
    "QueryScore",
    "RunSummary",
    "aggregate",
    "compute_query",
    "count_judged",
    "coverage",
    "parse_metric",
    "parse_metrics",
    "score_query",
    "validate_metrics",
]
