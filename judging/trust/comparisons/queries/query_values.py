"""A run's values by query in one metric: as they are stored, or computed where the run was not made with it."""

from collections.abc import Iterable

import numpy as np
from django.db.models import Case, FloatField, When
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Cast

from judging.metrics import Metric, compute_query, parse_metric
from judging.models import EvaluationRun, RunQuery
from judging.statistics.tables import Floats, Integers
from judging.trust.comparisons.queries.paired_lists import KnownGrades, RankedLists

_CHUNK = 5000
_VALUE = np.dtype([("query", np.int64), ("value", np.float64)])


def metric_names(run: EvaluationRun) -> dict[str, str]:
    """Return a run's metrics: the canonical name to the one that it was made with."""
    return {parse_metric(name).canonical_name: name for name in run.metrics}


def shared_metrics(a: EvaluationRun, b: EvaluationRun) -> list[str]:
    """Return by canonical name the metrics that two runs were both made with, in the order of the first."""
    of_b = metric_names(b)
    return [name for name in metric_names(a) if name in of_b]


def stored_values(run: EvaluationRun, name: str, query_ids: Integers) -> Floats:
    """Return a run's values in a metric under the name it was made with, by query (rising ids); NaN where none is."""
    # The unscored have a JSON null there, which SQLite would give back as the text 'null'.
    value = Case(
        When(is_scored=True, then=Cast(KeyTextTransform(name, "metric_values"), FloatField())),
        output_field=FloatField(),
    )
    rows = RunQuery.objects.filter(run=run, is_scored=True).order_by().values_list("query_id", value)
    table = np.fromiter(
        ((query, np.nan if found is None else found) for query, found in rows.iterator(_CHUNK)), dtype=_VALUE
    )
    values = np.full(len(query_ids), np.nan)
    if len(query_ids):
        places = np.minimum(np.searchsorted(query_ids, table["query"]), len(query_ids) - 1)
        kept = query_ids[places] == table["query"]
        values[places[kept]] = table["value"][kept]
    return values


def query_values(run: EvaluationRun, metric: Metric, lists: RankedLists, known: KnownGrades) -> Floats:
    """Return a run's values by query in any metric; NaN for a query without judgments."""
    name = metric_names(run).get(metric.canonical_name)
    if name is not None:
        return stored_values(run, name, lists.query_ids)
    return computed_values(run, metric, lists, known)


def computed_values(
    run: EvaluationRun, metric: Metric, lists: RankedLists, known: KnownGrades, *, codes: Iterable[int] | None = None
) -> Floats:
    """Compute a run's values by query from the grades as they are, whatever is stored; NaN without judgments.

    With `codes` those of these queries alone, NaN for the others.
    """
    values = np.full(len(lists.query_ids), np.nan)
    order = np.argsort(known.queries, kind="stable")
    bounds = np.searchsorted(known.queries[order], np.arange(len(values) + 1)).tolist()
    documents, grades = known.documents[order].tolist(), known.grades[order].tolist()
    ranked, starts = lists.documents.tolist(), lists.starts.tolist()
    scale = run.grading_scale
    for code in range(len(values)) if codes is None else codes:
        of_query = slice(bounds[code], bounds[code + 1])
        judged = dict(zip(documents[of_query], grades[of_query], strict=True))
        if judged:
            found = compute_query(
                [metric],
                ranked[starts[code] : starts[code + 1]],
                judged,
                scale_maximum=scale.maximum,
                relevant_from=run.relevant_from,
            )
            values[code] = found[metric.name]
    return values


def judged_only_values(
    run: EvaluationRun, metric: Metric, lists: RankedLists, known: KnownGrades, values: Floats
) -> Floats:
    """Compute a run's values by query from the judged documents of its lists alone, as if no other had been returned.

    The condensed lists of Sakai 2007 (doi.org/10.1145/1277741.1277756). NaN for a query without a judged document in its
    list, and throughout for Judged@k, which they would always give 1. `values` are those of the whole lists: they stand
    where all is judged.
    """
    if metric.family == "Judged":
        return np.full(len(lists.query_ids), np.nan)
    condensed = lists.judged_only()
    is_open = np.diff(condensed.starts) < np.diff(lists.starts)
    found = np.where(is_open, computed_values(run, metric, condensed, known, codes=np.flatnonzero(is_open)), values)
    return np.asarray(np.where(np.diff(condensed.starts) > 0, found, np.nan))
