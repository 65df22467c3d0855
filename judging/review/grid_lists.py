"""Pages of the review grid that hold whole ranked lists, and the choices of its filters."""

from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

from judging.foundation.limits import MAX_PAGE
from judging.models import AIJudge, EvaluationRun, User
from judging.review.grid import GridPage, grid_rows
from judging.review.grid_filter import GridFilter, SavedView
from judging.review.grid_order import write_cursor

_BY_QUERY = ("query", "-query")
_MOST_JUDGES = 100


def is_by_query(ordering: str) -> bool:
    """Tell whether an ordering keeps the ranked lists together."""
    return ordering in _BY_QUERY


def list_page(
    run: EvaluationRun, *, viewer: User, grid_filter: GridFilter, ordering: str, cursor: str = "", limit: int = 100
) -> GridPage:
    """Return a page of about `limit` rows; by query, none ends in the middle of a list that fits on a page.

    Raise Invalid (ordering, cursor).
    """
    if grid_filter.query_id is not None:
        limit = MAX_PAGE
    if not is_by_query(ordering):
        return grid_rows(run, viewer=viewer, grid_filter=grid_filter, ordering=ordering, limit=limit, cursor=cursor)
    # One row more than wanted shows whether the last list is complete.
    page = grid_rows(
        run, viewer=viewer, grid_filter=grid_filter, ordering=ordering, limit=min(limit + 1, MAX_PAGE), cursor=cursor
    )
    rows = page.rows
    if not (page.previous_cursor if page.is_backward else page.next_cursor) or len(rows) < 2:
        return page
    cut_off = rows[0 if page.is_backward else -1].position
    whole = [row for row in rows if row.position != cut_off]
    if not whole:
        return page
    last = page.places[whole[0 if page.is_backward else -1].candidate_pk]
    edge = write_cursor(ordering, replace(last, is_backward=page.is_backward))
    if page.is_backward:
        return replace(page, rows=whole, previous_cursor=edge)
    return replace(page, rows=whole, next_cursor=edge)


def view_of(grid_filter: GridFilter, ordering: str, views: Sequence[SavedView]) -> SavedView | None:
    """Return which of the views a filter and an ordering amount to."""
    for view in views:
        if view.ordering == ordering and _meaning(view.filter) == _meaning(grid_filter):
            return view
    return None


def _meaning(given: GridFilter) -> tuple[object, ...]:
    # A grade, and a range from it to itself, are the same.
    return (
        given.query_id,
        given.search,
        given.grade_bounds(),
        given.ai_grade_bounds(),
        given.ai_judge_id,
        given.max_rank,
        given.status,
        given.people,
        given.tag,
    )


def judges_of_record(run: EvaluationRun) -> list[tuple[UUID, str]]:
    """Return the AI judges (id, name) that have judged in the run's corpus on its scale, by name."""
    judges = AIJudge.objects.filter(
        versions__judging_runs__evaluation_run__evaluation__corpus_id=run.evaluation.corpus_id,
        versions__judging_runs__evaluation_run__scale=run.scale,
    )
    return list(judges.order_by("name", "pk").values_list("pk", "name").distinct()[:_MOST_JUDGES])
