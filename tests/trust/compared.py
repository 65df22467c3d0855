"""Runs whose values by query are given, without grades behind them."""

from collections.abc import Mapping, Sequence

import numpy as np

from judging.models import Corpus, EvaluationRun, Query, RunQuery, query_identity
from tests.factories import make_evaluation, make_run

Values = Mapping[str, Sequence[float | None]]


def make_scored_run(values: Values, *, corpus: Corpus | None = None, first: int = 0, **fields: object) -> EvaluationRun:
    """Make a completed run with a query per value, "query <first>" and on; a query without any value is not scored."""
    count = len(next(iter(values.values())))
    evaluation = make_evaluation(corpus) if corpus else make_evaluation()
    run = make_run({}, evaluation=evaluation, metrics=list(values), **fields)  # type: ignore[arg-type]
    corpus = evaluation.corpus
    texts = [f"query {first + index}" for index in range(count)]
    Query.objects.bulk_create(
        [
            Query(corpus=corpus, text=text, body=text, identity=query_identity(text, corpus.match_mode))
            for text in texts
        ],
        ignore_conflicts=True,
        batch_size=2000,
    )
    queries = dict(Query.objects.filter(corpus=corpus).values_list("text", "pk"))
    rows = []
    for index, text in enumerate(texts):
        given = {name: of_metric[index] for name, of_metric in values.items()}
        is_scored = any(value is not None for value in given.values())
        rows.append(
            RunQuery(
                run=run,
                query_id=queries[text],
                position=index + 1,
                body=text,
                text=text,
                metric_values=given,
                is_scored=is_scored,
                has_stale_metrics=False,
            )
        )
    RunQuery.objects.bulk_create(rows, batch_size=2000)
    run.metric_values = {
        name: float(np.mean([value for value in of_metric if value is not None])) for name, of_metric in values.items()
    }
    run.scored_query_count = sum(row.is_scored for row in rows)
    run.query_count = count
    run.save(update_fields=["query_count", "metric_values", "scored_query_count"])
    return run


def some_values(count: int = 30, *, seed: int = 1, shift: float = 0.0) -> list[float]:
    """Draw values of 0 to 1; those of the same count go together, `shift` apart on average and with noise by seed."""
    base = np.random.default_rng(count).random(count)
    moved = base + np.random.default_rng(seed).normal(shift, 0.1, count)
    return [float(value) for value in np.clip(moved, 0, 1)]
