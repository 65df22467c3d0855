"""The filters of the review grid, their validation, and the saved views."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from django.db.models import Count, Exists, F, OuterRef, Q

from judging.foundation.errors import Invalid
from judging.foundation.limits import MAX_INTEGER, MAX_SEARCH
from judging.foundation.scales import Scale
from judging.models import AuthorKind, Candidate, EvaluationRun, JudgeVersion, Judgment, LockedJudgment, RunQuery, User
from judging.records.blindness import sight_of
from judging.records.reading.tags import read_tag
from judging.records.tagged import HasTag
from judging.review.abstentions import abstentions_of

STATUSES = ("unjudged", "judged", "by_people", "failed", "disagreement")
# Whose grades are wanted still: of anybody, or of the one who looks; and who can't tell.
PEOPLE = ("none", "not_me", "cant_tell")
_GRADES = ("grade", "min_grade", "max_grade", "ai_grade", "min_ai_grade", "max_ai_grade")
# What those who grade blind may filter by, beside their own work (`people`): nothing that tells of rank or others' grades.
_OPEN_TO_BLIND = ("query_id", "search", "tag")
FILTER_NAMES = ("query_id", "search", *_GRADES, "ai_judge_id", "max_rank", "status", "people", "tag")


@dataclass(frozen=True, slots=True)
class GridFilter:
    """Which candidates of a run to show, by the names of addresses; None or "" filters nothing.

    Grades bound the effective grade; `query_id` is the run query's, `tag` of the query.
    """

    query_id: UUID | None = None
    search: str = ""
    grade: int | None = None
    min_grade: int | None = None
    max_grade: int | None = None
    ai_grade: int | None = None
    min_ai_grade: int | None = None
    max_ai_grade: int | None = None
    ai_judge_id: UUID | None = None
    max_rank: int | None = None
    status: str = ""
    people: str = ""
    tag: str = ""

    @property
    def is_empty(self) -> bool:
        return self == GridFilter()

    def grade_bounds(self) -> tuple[int, int] | None:
        """Return the effective grades that can pass (both ends included), None when unjudged rows can pass, too."""
        return _bounds(self.grade, self.min_grade, self.max_grade)

    def ai_grade_bounds(self) -> tuple[int, int] | None:
        """Return the AI grades that can pass, as `grade_bounds` does."""
        return _bounds(self.ai_grade, self.min_ai_grade, self.max_ai_grade)


def _bounds(exactly: int | None, least: int | None, most: int | None) -> tuple[int, int] | None:
    if exactly is None and least is None and most is None:
        return None
    low, high = least or 0, MAX_INTEGER if most is None else most
    return (low, high) if exactly is None else (max(low, exactly), min(high, exactly))


def parse_grid_filter(values: Mapping[str, Any], scale: Scale) -> GridFilter:
    """Read a filter from text values (a query string, a form); names it doesn't know are ignored.

    Empty values count as not given. Raise Invalid with every wrong field named.
    """
    problems: dict[str, list[str]] = {}
    read: dict[str, Any] = {}

    def take(name: str, convert: Any, complaint: str) -> None:
        raw = values.get(name)
        if raw is None or str(raw).strip() == "":
            return
        try:
            read[name] = convert(str(raw).strip())
        except (ValueError, OverflowError):
            problems[name] = [complaint]

    def grade(text: str) -> int:
        if not (text.isascii() and text.isdigit() and len(text) <= 3) or int(text) not in scale:
            raise ValueError(text)
        return int(text)

    def rank(text: str) -> int:
        if not (text.isascii() and text.isdigit() and len(text) <= 10) or not 1 <= int(text) <= MAX_INTEGER:
            raise ValueError(text)
        return int(text)

    def search(text: str) -> str:
        if len(text) > MAX_SEARCH or "\x00" in text:
            raise ValueError(text)
        return text

    def status(text: str) -> str:
        if text not in STATUSES:
            raise ValueError(text)
        return text

    def people(text: str) -> str:
        if text not in PEOPLE:
            raise ValueError(text)
        return text

    for name in _GRADES:
        take(name, grade, f"a grade of the scale {scale.name}, {scale.minimum} to {scale.maximum}")
    for name in ("query_id", "ai_judge_id"):
        take(name, UUID, "not a valid UUID")
    take("max_rank", rank, "a whole number from 1")
    take("search", search, f"at most {MAX_SEARCH} characters")
    take("status", status, f"one of {', '.join(STATUSES)}")
    take("tag", read_tag, "no tag: one line of text without commas or |")
    take("people", people, f"one of {', '.join(PEOPLE)}")
    for least, most in (("min_grade", "max_grade"), ("min_ai_grade", "max_ai_grade")):
        if least in read and most in read and read[least] > read[most]:
            problems[most] = [f"below {least}"]
    if problems:
        raise Invalid("some filters are wrong", errors=problems)
    return GridFilter(**read)


def hidden_from_blind(*names: str) -> Invalid:
    """Return the error about filters or an order that would tell the blind what is hidden from them."""
    return Invalid(
        "you judge this run blind: its candidates can't be filtered or ordered by what is hidden from you",
        errors={name: ["hidden from you, who judge this run blind"] for name in names},
        code="blind",
    )


def check_open_to_blind(grid_filter: GridFilter) -> None:
    """Raise Invalid (blind) for a filter by rank or by anybody else's grades."""
    allowed = {name: getattr(grid_filter, name) for name in _OPEN_TO_BLIND}
    if grid_filter.people != "none":
        allowed["people"] = grid_filter.people
    if grid_filter != GridFilter(**allowed):
        empty = GridFilter()
        told = [name for name in FILTER_NAMES if getattr(grid_filter, name) != getattr(empty, name)]
        raise hidden_from_blind(*(name for name in told if name not in allowed))


def condition(run: EvaluationRun, grid_filter: GridFilter, viewer: User | None) -> Q:
    """Return a filter's condition on candidates as `viewer` sees them, the run included."""
    where = Q(run=run)
    for name, lookup in (
        ("query_id", "run_query_id"),
        ("grade", "effective_grade"),
        ("min_grade", "effective_grade__gte"),
        ("max_grade", "effective_grade__lte"),
        ("ai_grade", "ai_grade"),
        ("min_ai_grade", "ai_grade__gte"),
        ("max_ai_grade", "ai_grade__lte"),
        ("max_rank", "rank__lte"),
    ):
        value = getattr(grid_filter, name)
        if value is not None:
            where &= Q(**{lookup: value})
    if grid_filter.tag:
        # The queries first: they are few beside the candidates.
        where &= Q(run_query__in=RunQuery.objects.filter(HasTag("tags", grid_filter.tag), run=run).order_by())
    if grid_filter.status:
        where &= _BY_STATUS[grid_filter.status]
    if grid_filter.people == "none":
        where &= Q(people_mean__isnull=True)
    elif grid_filter.people == "not_me" and viewer is not None:
        where &= ~_graded_by(run, viewer)
    elif grid_filter.people == "cant_tell":
        where &= Q(pk__in=abstentions_of(run, viewer).values("candidate_id"))
    if grid_filter.ai_judge_id is not None:
        where &= _of_judge(run, grid_filter.ai_judge_id)
    if grid_filter.search:
        where &= (
            Q(run_query__text__icontains=grid_filter.search)
            | Q(document_version__title__icontains=grid_filter.search)
            | Q(document__external_id__icontains=grid_filter.search)
        )
    return where


# Where people have graded, the effective grade is theirs, rounded.
_BY_STATUS = {
    "unjudged": Q(effective_grade__isnull=True),
    "judged": Q(effective_grade__isnull=False),
    "by_people": Q(people_mean__isnull=False),
    "failed": Q(last_item_status="failed"),
    "disagreement": Q(people_mean__isnull=False, ai_grade__isnull=False) & ~Q(effective_grade=F("ai_grade")),
}


def _graded_by(run: EvaluationRun, viewer: User) -> Q:
    pair = {"query_id": OuterRef("query_id"), "document_id": OuterRef("document_id")}
    if run.is_locked:
        frozen = LockedJudgment.objects.filter(run=run, author_kind=AuthorKind.MEMBER, member_id=viewer.pk, **pair)
        return Q(Exists(frozen))
    live = Judgment.objects.filter(author_kind=AuthorKind.MEMBER, member_id=viewer.pk, scale=run.scale, **pair)
    return Q(Exists(live))


def _of_judge(run: EvaluationRun, judge_id: UUID) -> Q:
    if not run.is_locked:
        return Q(ai_judgment__judge_version__judge_id=judge_id)
    # A locked run shows its snapshot; the live judgments have changed since.
    frozen = LockedJudgment.objects.filter(
        run=run, query_id=OuterRef("query_id"), document_id=OuterRef("document_id"), author_kind=AuthorKind.AI
    )
    versions = JudgeVersion.objects.filter(judge_id=judge_id).values("pk")
    return Q(Exists(frozen.filter(judge_version_id__in=versions)))


@dataclass(frozen=True, slots=True)
class SavedView:
    """A named filter and ordering; `own_pk` of a view that somebody keeps for themselves."""

    key: str
    title: str
    filter: GridFilter
    ordering: str
    own_pk: UUID | None = None


def saved_views(scale: Scale) -> tuple[SavedView, ...]:
    """Return the views for runs on a scale; "highly relevant" begins where the scale says."""
    everything = GridFilter()
    return (
        SavedView(
            "ai-high",
            "AI says highly relevant",
            replace(everything, min_ai_grade=scale.highly_relevant_from),
            "-ai_grade",
        ),
        SavedView(
            "ai-low-at-top",
            "AI says not relevant in the top 3",
            replace(everything, ai_grade=scale.minimum, max_rank=3),
            "rank",
        ),
        SavedView(
            "disagreement", "people and AI disagree", replace(everything, status="disagreement"), "-disagreement"
        ),
        SavedView("failed", "failed", replace(everything, status="failed"), "query"),
        SavedView("unjudged", "unjudged", replace(everything, status="unjudged"), "query"),
        SavedView("cant-tell", "can't tell", replace(everything, people="cant_tell"), "query"),
    )


@dataclass(frozen=True, slots=True)
class GridCounts:
    """How many candidates pass a filter, and how many each saved view holds, by its key."""

    shown: int
    by_view: Mapping[str, int]


def grid_counts(
    run: EvaluationRun, grid_filter: GridFilter, views: Sequence[SavedView], *, viewer: User | None
) -> GridCounts:
    """Count what a filter and some views leave, in one statement over the run. Raise Invalid (blind)."""
    if sight_of(run, viewer).is_blind:
        for each in (grid_filter, *(view.filter for view in views)):
            check_open_to_blind(each)
    counted = {view.key.replace("-", "_"): Count("pk", filter=condition(run, view.filter, viewer)) for view in views}
    found = Candidate.objects.filter(run=run).aggregate(
        shown=Count("pk", filter=condition(run, grid_filter, viewer)), **counted
    )
    return GridCounts(found.pop("shown"), {key.replace("_", "-"): count for key, count in found.items()})
