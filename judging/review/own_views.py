"""Views of the review grid that a person keeps, beside those that everybody has."""

from collections.abc import Mapping
from dataclasses import fields
from urllib.parse import parse_qsl, urlencode
from uuid import UUID

from django.db import IntegrityError, transaction

from judging.foundation.errors import Conflict, Invalid, NotFound
from judging.foundation.limits import MAX_OWN_VIEWS, MAX_VIEW_NAME, MAX_VIEW_QUERY
from judging.foundation.scales import SCALES, Scale
from judging.models import EvaluationRun, GridView, User
from judging.records.blindness import sight_of
from judging.records.roles import require_member
from judging.review.grid_filter import GridFilter, SavedView, parse_grid_filter, saved_views
from judging.review.grid_order import DEFAULT_ORDERING, bands_of


def views_of(run: EvaluationRun, viewer: User) -> list[SavedView]:
    """Return everybody's views of a run, then the viewer's own that fit its scale; none for who grades blind."""
    if sight_of(run, viewer).is_blind:
        return []
    own = []
    for kept in own_views(viewer):
        try:
            grid_filter, ordering = _read(kept.query, run.grading_scale)
        except Invalid:
            continue
        own.append(SavedView(f"own-{kept.pk.hex}", kept.name, grid_filter, ordering, kept.pk))
    return [*saved_views(run.grading_scale), *own]


def own_views(user: User) -> list[GridView]:
    """Return the views that a person keeps, by name."""
    return list(GridView.objects.filter(user=user).order_by("name"))


def grid_query(grid_filter: GridFilter, ordering: str) -> str:
    """Return the query string of a filter and an ordering, without defaults."""
    given = {each.name: getattr(grid_filter, each.name) for each in fields(grid_filter)}
    pairs = {name: value for name, value in given.items() if value is not None and value != ""}
    if ordering != DEFAULT_ORDERING:
        pairs["ordering"] = ordering
    return urlencode(pairs)


def save_view(*, name: str, query: str, actor: User) -> GridView:
    """Keep the filter and the order of a grid's query string under a name.

    Raise Forbidden, Invalid (the name; a filter that fits no scale, or is about one query), Conflict (view_name_taken,
    too_many_views).
    """
    require_member(actor)
    name = " ".join(name.split())
    if not 0 < len(name) <= MAX_VIEW_NAME or "\x00" in name:
        raise Invalid("the view needs a name", errors={"name": [f"1 to {MAX_VIEW_NAME} characters"]})
    view = GridView(user=actor, name=name, query=_checked(query))
    try:
        with transaction.atomic():
            # Held, so that two tabs don't pass the bound together.
            User.objects.select_for_update(no_key=True).get(pk=actor.pk)
            if GridView.objects.filter(user=actor).count() >= MAX_OWN_VIEWS:
                raise Conflict(f"you keep {MAX_OWN_VIEWS} views already; delete one first", code="too_many_views")
            view.save(force_insert=True)
    except IntegrityError:
        raise Conflict(f"you have a view “{name}” already", code="view_name_taken") from None
    return view


def delete_view(*, view_id: UUID, actor: User) -> None:
    """Delete a view of one's own. Raise Forbidden or NotFound."""
    require_member(actor)
    if not GridView.objects.filter(pk=view_id, user=actor).delete()[0]:
        raise NotFound("you have no such view")


def _checked(query: str) -> str:
    """Return a query string as views keep it. Raise Invalid."""
    refused = Invalid("this is no view", errors={"query": [f"a filter or an order, up to {MAX_VIEW_QUERY} characters"]})
    if len(query) > MAX_VIEW_QUERY:
        raise refused
    for scale in SCALES.values():
        try:
            grid_filter, ordering = _read(query, scale)
        except Invalid as error:
            refused = error
            continue
        if grid_filter.query_id is not None:
            raise Invalid("views are of all queries", errors={"query": ["a query belongs to one run alone"]})
        kept = grid_query(grid_filter, ordering)
        if kept:
            return kept
    raise refused


def _read(query: str, scale: Scale) -> tuple[GridFilter, str]:
    try:
        given: Mapping[str, str] = dict(parse_qsl(query, max_num_fields=50))
    except ValueError:
        raise Invalid("this is no view", errors={"query": ["more names than a view can have"]}) from None
    grid_filter = parse_grid_filter(given, scale)
    ordering = given.get("ordering") or DEFAULT_ORDERING
    bands_of(ordering, grid_filter, scale)
    return grid_filter, ordering
