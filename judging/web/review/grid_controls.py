"""The controls that filter and order the review grid, its tabs, and their query strings."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from judging.foundation.scales import Scale
from judging.models import EvaluationRun
from judging.records.tagged import tags_of_run
from judging.review.grid_filter import GridCounts, GridFilter, SavedView
from judging.review.grid_lists import judges_of_record, view_of
from judging.review.grid_order import DEFAULT_ORDERING
from judging.review.own_views import grid_query

_ORDERINGS = (
    ("query", "Query, then rank"),
    ("rank", "Rank"),
    ("-effective_grade", "Grade, highest first"),
    ("effective_grade", "Grade, lowest first"),
    ("-ai_grade", "AI grade, highest first"),
    ("ai_grade", "AI grade, lowest first"),
    ("-disagreement", "Disagreement, widest first"),
)
_FURTHER_ORDERINGS = {
    "-query": "Query, last first",
    "-rank": "Rank, lowest first",
    "disagreement": "Disagreement, narrowest first",
}
_STATUSES = (
    ("unjudged", "Unjudged"),
    ("judged", "Judged"),
    ("by_people", "Judged by people"),
    ("failed", "Failed"),
    ("disagreement", "Disagreement"),
)
_PEOPLE = (("none", "No person yet"), ("not_me", "Not by me"), ("cant_tell", "Can't tell"))
_RANKS = (1, 3, 5, 10, 20, 50)


@dataclass(frozen=True, slots=True)
class Choice:
    value: str
    label: str
    is_chosen: bool


@dataclass(frozen=True, slots=True)
class Control:
    """A drop-down of the filter; the first choice filters nothing."""

    name: str
    label: str
    choices: list[Choice]

    @property
    def is_set(self) -> bool:
        return not self.choices[0].is_chosen


@dataclass(frozen=True, slots=True)
class Tab:
    title: str
    url: str
    is_current: bool
    count: int | None = None
    own_pk: UUID | None = None


def tabs(
    path: str,
    run: EvaluationRun,
    grid_filter: GridFilter,
    ordering: str,
    views: Sequence[SavedView],
    counts: GridCounts | None,
    *,
    is_blind: bool = False,
) -> list[Tab]:
    """Return the saved views as tabs, with their counts where there are some to show; for the blind what is left."""
    current = view_of(grid_filter, ordering, views)
    total = run.candidate_count if counts else None
    shown = [Tab("All", path, grid_filter.is_empty and current is None, total)]
    if is_blind:
        left = [(title, GridFilter(people=name)) for name, title in _PEOPLE[1:]]
        return shown + [
            Tab(title, f"{path}?{grid_query(each, DEFAULT_ORDERING)}", grid_filter == each) for title, each in left
        ]
    for view in views:
        title = view.title if view.own_pk else view.title[:1].upper() + view.title[1:]
        url = f"{path}?{grid_query(view.filter, view.ordering)}"
        count = counts.by_view[view.key] if counts else None
        shown.append(Tab(title, url, current is not None and current.key == view.key, count, view.own_pk))
    return shown


def controls(run: EvaluationRun, given: Mapping[str, str], *, is_blind: bool = False) -> list[Control]:
    """Return the drop-downs with the choices of the query string `given`, invalid ones included."""
    tags = [(each.tag, f"{each.tag} ({each.query_count:,})") for each in tags_of_run(run)]
    by_tag = [_control("tag", "Tag of the query", "Any tag", tags, given)] if tags or given.get("tag") else []
    if is_blind:
        return [*by_tag, _control("people", "People", "Graded or not", _PEOPLE[1:], given)]
    scale = run.grading_scale
    judges = [(str(pk), name) for pk, name in judges_of_record(run)]
    return [
        *by_tag,
        _control("status", "Status", "Any status", _STATUSES, given),
        _control("people", "People", "Graded or not", _PEOPLE, given),
        _control("min_grade", "Grade from", "Lowest", _grades(scale), _ranged(given, "grade", "min_grade")),
        _control("max_grade", "Grade to", "Highest", _grades(scale), _ranged(given, "grade", "max_grade")),
        _control("min_ai_grade", "AI grade from", "Lowest", _grades(scale), _ranged(given, "ai_grade", "min_ai_grade")),
        _control("max_ai_grade", "AI grade to", "Highest", _grades(scale), _ranged(given, "ai_grade", "max_ai_grade")),
        _control("ai_judge_id", "AI judge", "Any judge", judges, given),
        _control("max_rank", "Rank", "Any rank", [(str(rank), f"Top {rank}") for rank in _RANKS], given),
    ]


def ordering_control(ordering: str, *, is_blind: bool = False) -> Control:
    choices = [("query", "Query, then shuffled")] if is_blind else [*_ORDERINGS]
    if ordering in _FURTHER_ORDERINGS:
        choices.append((ordering, _FURTHER_ORDERINGS[ordering]))
    return Control("ordering", "Order", [Choice(value, label, value == ordering) for value, label in choices])


def _grades(scale: Scale) -> list[tuple[str, str]]:
    return [(str(grade), f"{grade} {label}") for grade, label in enumerate(scale.labels)]


def _ranged(given: Mapping[str, str], exact: str, name: str) -> dict[str, str]:
    # The controls have ranges only: an exact grade is the range from it to itself.
    return {name: given.get(name) or given.get(exact) or ""}


def _control(
    name: str,
    label: str,
    unset_label: str,
    choices: list[tuple[str, str]] | tuple[tuple[str, str], ...],
    given: Mapping[str, str],
) -> Control:
    chosen = given.get(name, "")
    known = dict(choices)
    offered = [("", unset_label), *choices]
    if chosen and chosen not in known:
        offered.append((chosen, f"Top {chosen}" if name == "max_rank" else chosen))
    return Control(name, label, [Choice(value, text, value == chosen) for value, text in offered])
