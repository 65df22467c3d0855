"""Which queries of a run are wanted, as a list and as a file; whether what is archived is, or one's own alone."""

from typing import TypeVar

from django.db.models import Model, Q, QuerySet
from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request

from judging.foundation.errors import Invalid
from judging.foundation.limits import MAX_SEARCH
from judging.models import EvaluationRun, RunQuery
from judging.runs.run_lists import run_queries

_Row = TypeVar("_Row", bound=Model)
QUERY_FILTERS = [
    OpenApiParameter(
        "ordering",
        str,
        description="position, label, query, judged_count, candidate_count or a metric of the run (rising: worst first;"
        " queries without candidates come last), - before it: falling.",
    ),
    OpenApiParameter("search", str, description=f"In query and label, at most {MAX_SEARCH} characters."),
    OpenApiParameter("tag", str, description="Those that have this tag."),
    OpenApiParameter("no_results", bool, description="true: those whose list is empty; false: the others."),
]
ARCHIVED = OpenApiParameter("archived", bool, description="true: those that are archived instead.")
MINE = OpenApiParameter("mine", bool, description="true: those that you made; false: the others.")
_TRUTH = {"true": True, "false": False, "": None}


def wanted_queries(request: Request, run: EvaluationRun) -> tuple[QuerySet[RunQuery], tuple[str, ...]]:
    """Return the queries that an address asks for, and their order as keyset paging takes it. Raise Invalid."""
    given = request.query_params
    return run_queries(
        run,
        given.get("ordering") or "position",
        search=given.get("search", "").strip(),
        no_results=_truth(request, "no_results"),
        tag=given.get("tag", ""),
    )


def asks_for_archived(request: Request) -> bool:
    """Tell whether a list is asked for what is archived. Raise Invalid."""
    return _truth(request, "archived") or False


def asked_of(request: Request, rows: QuerySet[_Row]) -> QuerySet[_Row]:
    """Return the rows that the one who asks made, or the others, where `mine` asks for one of the two. Raise Invalid."""
    is_mine, own = _truth(request, "mine"), Q(created_by=request.user)
    return rows if is_mine is None else rows.filter(own if is_mine else ~own)


def _truth(request: Request, name: str) -> bool | None:
    given = request.query_params.get(name, "")
    if given not in _TRUTH:
        raise Invalid(f"{name}: true or false", errors={name: ["true or false"]})
    return _TRUTH[given]
