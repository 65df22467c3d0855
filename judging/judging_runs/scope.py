"""Which candidates an AI judging run is about, and into which prompts they go."""

import json
import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import connection

from judging.foundation.columns import uuid_param
from judging.models import EvaluationRun, RunQuery, Scope


@dataclass(frozen=True, slots=True)
class JudgingScope:
    """A validated choice of candidates. `source_run_id` is set for the scopes failed and remaining.

    `shared_with_run_id` takes only queries that another evaluation run has, too; `except_run_id` leaves out what that
    run returned for them within the same depth.
    """

    scope: Scope
    source_run_id: UUID | None = None
    depth: int | None = None
    query_limit: int | None = None
    sample_seed: int = 0
    shared_with_run_id: UUID | None = None
    except_run_id: UUID | None = None


_OF_SOURCE = {Scope.FAILED: "('failed')", Scope.REMAINING: "('failed', 'skipped')"}


def plan_select(
    run: EvaluationRun,
    scope: JudgingScope,
    batch_size: int,
    *,
    positions: Sequence[int] | None = None,
    constants: str = "",
) -> tuple[str, list[Any]]:
    """Return SQL that selects (candidate id, run query id, prompt number) in judging order, and its parameters.

    A prompt holds up to `batch_size` candidates of one query; prompts are numbered from 1 over the run. `positions`
    takes these of its queries instead of those in scope. `constants` are columns to select besides, each after a
    comma; their parameters go before those returned.
    """
    where, parameters = _where(run, scope, positions)
    if batch_size == 1:
        # In the order of an index: prompts of several candidates take two sorts.
        return (
            f"SELECT c.id, c.run_query_id, ROW_NUMBER() OVER (ORDER BY c.position, c.rank) AS number{constants}"
            f" FROM judging_candidate c WHERE {where} ORDER BY c.position, c.rank"
        ), parameters
    sql = (
        f"SELECT id, run_query_id, DENSE_RANK() OVER (ORDER BY position, chunk) AS number{constants} FROM"
        " (SELECT c.id, c.run_query_id, c.position, c.rank,"
        f" (ROW_NUMBER() OVER (PARTITION BY c.position ORDER BY c.rank) - 1) / {int(batch_size)} AS chunk"
        f" FROM judging_candidate c WHERE {where}) planned ORDER BY position, rank"
    )
    return sql, parameters


def _where(run: EvaluationRun, scope: JudgingScope, positions: Sequence[int] | None) -> tuple[str, list[Any]]:
    where = ["c.run_id = %s"]
    parameters: list[Any] = [uuid_param(run.pk)]
    if scope.scope == Scope.UNJUDGED:
        where.append("c.effective_grade IS NULL")
    elif scope.scope in _OF_SOURCE:
        where.append(
            "EXISTS (SELECT 1 FROM judging_judgingitem i WHERE i.judging_run_id = %s AND i.candidate_id = c.id"
            f" AND i.status IN {_OF_SOURCE[scope.scope]})"
        )
        assert scope.source_run_id is not None
        parameters.append(uuid_param(scope.source_run_id))
    if scope.depth:
        where.append("c.rank <= %s")
        parameters.append(scope.depth)
    if scope.shared_with_run_id is not None:
        where.append("EXISTS (SELECT 1 FROM judging_runquery q WHERE q.query_id = c.query_id AND q.run_id = %s)")
        parameters.append(uuid_param(scope.shared_with_run_id))
    if scope.except_run_id is not None:
        within = " AND o.rank <= %s" if scope.depth else ""
        where.append(
            "NOT EXISTS (SELECT 1 FROM judging_candidate o WHERE o.query_id = c.query_id"
            f" AND o.document_id = c.document_id AND o.run_id = %s{within})"
        )
        parameters += [uuid_param(scope.except_run_id), *([scope.depth] if scope.depth else [])]
    if positions is None and scope.query_limit and scope.query_limit < run.query_count:
        positions = sample_positions(run, scope.query_limit, scope.sample_seed)
    if positions is not None:
        if connection.vendor == "postgresql":
            where.append("c.position IN (SELECT value::int FROM jsonb_array_elements_text(%s::jsonb))")
        else:
            where.append("c.position IN (SELECT value FROM json_each(%s))")
        parameters.append(json.dumps(list(positions)))
    return " AND ".join(where), parameters


def sample_positions(run: EvaluationRun, limit: int, seed: int) -> list[int]:
    """Draw `limit` of the run's queries at random, the same ones for the same seed; return their positions, sorted."""
    positions = list(RunQuery.objects.filter(run=run).order_by("position").values_list("position", flat=True))
    return sorted(random.Random(seed).sample(positions, min(limit, len(positions))))


def positions_in_scope(run: EvaluationRun, scope: JudgingScope) -> list[int]:
    """Return the positions of the queries that have candidates in scope."""
    where, parameters = _where(run, scope, None)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT DISTINCT c.position FROM judging_candidate c WHERE {where} ORDER BY 1", parameters)
        return [position for (position,) in cursor.fetchall()]


def count_scope(
    run: EvaluationRun, scope: JudgingScope, batch_size: int, *, positions: Sequence[int] | None = None
) -> tuple[int, int]:
    """Return how many candidates and how many prompts a judging run over the scope has; `positions` as in the plan."""
    where, parameters = _where(run, scope, positions)
    # Counted query by query, along an index: numbering the prompts takes twenty times as long.
    sql = (
        f"SELECT COALESCE(SUM(size), 0), COALESCE(SUM((size + {int(batch_size) - 1}) / {int(batch_size)}), 0) FROM"
        f" (SELECT COUNT(*) AS size FROM judging_candidate c WHERE {where} GROUP BY c.position) counted"
    )
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        candidates, prompts = cursor.fetchone()
    return int(candidates), int(prompts)


def count_of_record(run: EvaluationRun, scope: JudgingScope) -> int:
    """Return how many candidates of an unlocked run over the scope have an AI grade of record."""
    where, parameters = _where(run, scope, None)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT COUNT(*) FROM judging_candidate c WHERE {where} AND c.ai_grade IS NOT NULL", parameters)
        return int(cursor.fetchone()[0])
