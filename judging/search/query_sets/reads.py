"""Query sets and their queries, as every interface lists them."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.db.models import Func, Q, QuerySet, TextField

from judging.foundation.errors import NotFound
from judging.foundation.limits import MAX_SEARCH
from judging.models import QueryKind, SearchQuerySet, SetQuery, query_text


class _Text(Func):
    """The text of a JSON string: compared as JSON, it would have its quotes and escapes."""

    output_field = TextField()
    template = "JSON_EXTRACT(%(expressions)s, '$')"
    postgresql = "(%(expressions)s #>> '{}')"

    def as_postgresql(self, compiler: Any, connection: Any, **context: Any) -> Any:
        return self.as_sql(compiler, connection, template=self.postgresql, **context)


class _ObjectText(_Text):
    """The text under `query` of a JSON object."""

    template = "JSON_EXTRACT(%(expressions)s, '$.query')"
    postgresql = "(%(expressions)s #>> '{query}')"


def query_sets(*, is_archived: bool = False) -> QuerySet[SearchQuerySet]:
    """Return the query sets by name: those that are offered, or those that are archived."""
    return SearchQuerySet.objects.filter(archived_at__isnull=not is_archived).order_by("name", "pk")


def get_query_set(query_set_id: UUID) -> SearchQuerySet:
    """Return a query set. Raise NotFound."""
    found = SearchQuerySet.objects.filter(pk=query_set_id).first()
    if found is None:
        raise NotFound("no such query set")
    return found


def set_queries(query_set: SearchQuerySet, search: str = "") -> QuerySet[SetQuery]:
    """Return the queries of a set in their order; with `search`, those whose text or label holds it."""
    queries = query_set.queries.order_by("position")
    if search := search.strip().replace("\0", "")[:MAX_SEARCH]:
        text = _ObjectText("body") if query_set.kind == QueryKind.OBJECT else _Text("body")
        queries = queries.alias(text=text).filter(Q(text__icontains=search) | Q(label__icontains=search))
    return queries


def text_of(query: SetQuery) -> str:
    return query_text(query.body)


def inclusion_probability(report: Mapping[str, Any] | None, query: SetQuery) -> float | None:
    """Return how likely a query of a sample was to be taken; None in a set that is no sample."""
    if report is None:
        return None
    if "strata" in report:
        shares: dict[str, float] = {each["name"]: each["inclusion_probability"] for each in report["strata"]}
        return next((shares[tag] for tag in query.tags if tag in shares), None)
    if "probability_per_count" in report:
        return min(1.0, float(report["probability_per_count"]) * (query.weight or 0.0))
    return float(report["least_inclusion_probability"])
