"""Metrics of runs, renewed for the queries whose judgments changed."""

import json
from collections import defaultdict
from collections.abc import Iterator
from itertools import islice
from uuid import UUID

from django.db import connection, transaction
from django.db.models import TextField
from django.db.models.functions import Cast
from django.utils import timezone

from judging.foundation.columns import uuid_param
from judging.ledger.grading import effective_grade
from judging.metrics import JudgedCount, QueryScore, aggregate, parse_metric, score_query
from judging.models import AuthorKind, Candidate, EvaluationRun, Judgment, RunQuery, SearchItem, SearchStatus

_CHUNK = 200


def renew_metrics(run_id: UUID) -> None:
    """Compute the stale metrics of an unlocked run. May be run again at any time; cheap when nothing is stale.

    A query's values are computed and its mark cleared in one transaction, so a judgment that comes in between marks it
    again. Works in chunks of queries: memory does not grow with the run. The run's own figures are written with the last
    chunk: whoever sees no stale query sees figures that hold, and a renewal that is killed leaves something stale.
    """
    while _renew_chunk(run_id):
        pass


def _renew_chunk(run_id: UUID) -> bool:
    """Renew some stale queries of a run, and its figures with the last of them; return whether more are stale."""
    with transaction.atomic():
        # Lock the run's row first, as every writer of judgments does: none changes while we read.
        run = EvaluationRun.objects.select_for_update(no_key=True).filter(pk=run_id, is_locked=False).first()
        if run is None:
            return False
        stale = list(RunQuery.objects.filter(run=run, has_stale_metrics=True).only("pk", "query_id")[: _CHUNK + 1])
        has_more = len(stale) > _CHUNK
        _renew_queries(run, stale[:_CHUNK])
        if not has_more:
            _renew_figures(run)
    return has_more


def _renew_figures(run: EvaluationRun) -> None:
    summary = aggregate([parse_metric(name) for name in run.metrics], _stored_scores(run.pk))
    run.metric_values = summary.values
    run.coverage_values = summary.coverage
    run.scored_query_count = summary.scored_query_count
    run.metrics_at = timezone.now()
    run.save(update_fields=["metric_values", "coverage_values", "scored_query_count", "metrics_at"])


def _renew_queries(run: EvaluationRun, stale: list[RunQuery]) -> None:
    metrics = [parse_metric(name) for name in run.metrics]
    ids = [run_query.pk for run_query in stale]
    ranked: dict[UUID, list[int]] = defaultdict(list)
    grades: dict[UUID, dict[int, int]] = defaultdict(dict)
    judged_counts: dict[UUID, int] = defaultdict(int)
    candidates = (
        Candidate.objects.filter(run_query_id__in=ids, run__isnull=False)
        .order_by("run_query_id", "rank")
        .values_list("run_query_id", "document_id", "effective_grade")
    )
    for run_query_id, document_id, grade in candidates.iterator(chunk_size=5000):
        ranked[run_query_id].append(document_id)
        if grade is not None:
            grades[run_query_id][document_id] = grade
            judged_counts[run_query_id] += 1
    unanswered = _unanswered(ids)
    judged = effective_grades([run_query.query_id for run_query in stale], run.scale)
    updates = []
    for run_query in stale:
        if run_query.pk not in unanswered:
            for document_id, grade in judged.get(run_query.query_id, {}).items():
                grades[run_query.pk].setdefault(document_id, grade)
        score = score_query(
            metrics,
            ranked[run_query.pk],
            grades[run_query.pk],
            scale_maximum=run.grading_scale.maximum,
            relevant_from=run.relevant_from,
        )
        coverage = {name: [count.judged, count.returned] for name, count in score.judged.items()}
        values = (json.dumps(score.values), json.dumps(coverage), score.is_scored, judged_counts[run_query.pk])
        updates.append((*values, False, uuid_param(run_query.pk)))
    # executemany, not bulk_update: its CASE of every row costs several times as much.
    with connection.cursor() as cursor:
        cursor.executemany(
            "UPDATE judging_runquery SET metric_values = %s, coverage_values = %s, is_scored = %s,"
            " judged_count = %s, has_stale_metrics = %s WHERE id = %s",
            updates,
        )


def _unanswered(run_query_ids: list[UUID]) -> set[UUID]:
    """Return the queries whose search has no answer: a failed search is no empty list, and has no metrics."""
    searches = SearchItem.objects.filter(run_query_id__in=run_query_ids)
    without = searches.exclude(status__in=[SearchStatus.ANSWERED, SearchStatus.EMPTY])
    return set(without.values_list("run_query_id", flat=True))


def effective_grades(query_ids: list[int], scale: str) -> dict[int, dict[int, int]]:
    """Return the effective grade of every judged document of the queries: {query: {document: grade}}."""
    people: dict[tuple[int, int], list[int]] = defaultdict(list)
    ai: dict[tuple[int, int], int] = {}
    rows = Judgment.objects.filter(query_id__in=query_ids, scale=scale).values_list(
        "query_id", "document_id", "author_kind", "grade"
    )
    for query_id, document_id, kind, grade in rows.iterator(chunk_size=5000):
        if kind == AuthorKind.AI:
            ai[query_id, document_id] = grade
        else:
            people[query_id, document_id].append(grade)
    found: dict[int, dict[int, int]] = defaultdict(dict)
    for pair in people.keys() | ai.keys():
        effective = effective_grade(people.get(pair, ()), ai.get(pair))
        if effective is not None:
            found[pair[0]][pair[1]] = effective
    return found


def _stored_scores(run_id: UUID) -> Iterator[QueryScore]:
    # Parsed as text, a thousand rows at a time: field by field takes four times as long, at every grade that is saved.
    rows = (
        RunQuery.objects.filter(run_id=run_id)
        .values_list(Cast("metric_values", TextField()), Cast("coverage_values", TextField()), "is_scored")
        .iterator(chunk_size=1000)
    )
    while chunk := list(islice(rows, 1000)):
        all_values, all_coverage = (json.loads(f"[{','.join(row[column] for row in chunk)}]") for column in (0, 1))
        for values, coverage, (_, _, is_scored) in zip(all_values, all_coverage, chunk, strict=True):
            judged = {name: JudgedCount(*counts) for name, counts in coverage.items()}
            yield QueryScore(values, judged, is_scored=is_scored)
