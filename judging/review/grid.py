"""The rows of the review grid: candidates with everyone's grades, paged by keyset.

A page costs the same few statements whatever its size or depth: one that finds the rows, one that reads them, one for
their judgments, one for who can't tell, one for their documents' first versions.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

from django.db.models import Min

from judging.foundation.limits import MAX_PAGE
from judging.models import (
    AuthorKind,
    Candidate,
    DocumentVersion,
    EvaluationRun,
    ItemStatus,
    JudgeVersion,
    JudgingItem,
    Judgment,
    LockedJudgment,
    User,
)
from judging.records.blindness import Sight, sight_of
from judging.review.abstentions import CantTell, cant_tell
from judging.review.grid_filter import GridFilter, check_open_to_blind, condition
from judging.review.grid_order import DEFAULT_ORDERING, Cursor, bands_of, place, read_cursor, write_cursor
from judging.review.shuffling import shuffled_place


@dataclass(frozen=True, slots=True)
class AuthoredGrade:
    """One person's grade of a candidate. `author` is the e-mail address, or the name an import gave."""

    author: str
    grade: int
    reasoning: str
    is_viewer: bool


@dataclass(frozen=True, slots=True)
class Opinion:
    """The outcome of one AI judging run for a candidate: a grade, or a failure with its code."""

    judging_run_id: UUID
    judge_label: str
    status: str
    grade: int | None
    reasoning: str
    failure_code: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GridRow:
    """One candidate of a run.

    `is_hidden`: the viewer grades it blind (`records/blindness.py`), so that of rank, grades and reasoning only their
    own grade is there; the rest stands at None, "" and 0.
    `content_changed`: a grade that counts here is older than the content shown, which replaced earlier content of the
    same document. Never in a locked run, where nothing can be judged again.
    """

    candidate_pk: int
    run_query_id: UUID
    query: Any
    query_text: str
    query_label: str
    query_tags: Sequence[str]
    position: int
    document_key: str
    rank: int | None = None
    score: float | None = None
    title: str
    fields: Mapping[str, Any]
    image: str
    effective_grade: int | None = None
    people_mean: float | None = None
    people_count: int = 0
    ai_grade: int | None = None
    ai_judge_id: UUID | None = None
    ai_judge_name: str = ""
    # The judge of record in full, "Name v3"; as imported where no judge of this installation graded.
    ai_judge_label: str = ""
    reasoning: str = ""
    my_grade: int | None
    my_reasoning: str
    last_item_status: str = ""
    failure_code: str = ""
    content_changed: bool = False
    people: Sequence[AuthoredGrade] = ()
    cant_tell: Sequence[CantTell] = ()
    is_hidden: bool = False


# What who judges blind sees of a row; whatever else it has stays at its default.
SHOWN_TO_BLIND = (
    "candidate_pk", "run_query_id", "query", "query_text", "query_label", "query_tags", "position", "document_key",
    "title", "fields", "image", "my_grade", "my_reasoning",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class GridPage:
    """Rows of the grid, their places by candidate_pk, and the cursors of the pages around them, "" where there is none.

    `is_backward`: it was read from its end.
    """

    rows: list[GridRow]
    next_cursor: str = ""
    previous_cursor: str = ""
    places: Mapping[int, Cursor] = field(default_factory=dict)
    is_backward: bool = False


def grid_rows(
    run: EvaluationRun,
    *,
    viewer: User | None,
    grid_filter: GridFilter | None = None,
    ordering: str = DEFAULT_ORDERING,
    limit: int = 50,
    cursor: str = "",
) -> GridPage:
    """Return one page of a run's grid as `viewer` sees it. Raise Invalid (ordering, cursor, blind)."""
    grid_filter = grid_filter or GridFilter()
    limit = max(1, min(limit, MAX_PAGE))
    sight = sight_of(run, viewer)
    if sight.is_blind:
        check_open_to_blind(grid_filter)
    bands = bands_of(ordering, grid_filter, run.grading_scale, is_blind=sight.is_blind)
    at = read_cursor(cursor, ordering, bands) if cursor else None
    candidates = Candidate.objects.filter(condition(run, grid_filter, viewer))
    shuffled = shuffled_place(run, viewer) if sight.is_blind and viewer is not None else None
    places = place(candidates, bands, at, limit + 1, shuffled)
    is_backward = at is not None and at.is_backward
    has_more = len(places) > limit
    if has_more:
        # The surplus row shows that there is more; it is the last one in the direction of reading.
        places = places[1:] if is_backward else places[:limit]
    page = GridPage(
        _rows_of(run, [pk for pk, _ in places], viewer, sight), places=dict(places), is_backward=is_backward
    )
    if not places:
        return page
    has_next, has_previous = (True, has_more) if is_backward else (has_more, at is not None)
    first, last = places[0][1], places[-1][1]
    return replace(
        page,
        next_cursor=write_cursor(ordering, last) if has_next else "",
        previous_cursor=write_cursor(ordering, Cursor(first.band, first.keys, True)) if has_previous else "",
    )


def all_grid_rows(
    run: EvaluationRun, *, viewer: User | None, grid_filter: GridFilter | None = None, ordering: str = DEFAULT_ORDERING
) -> Iterator[GridRow]:
    """Yield every row that a filter leaves, holding one page in memory at a time (for exports)."""
    cursor = ""
    while True:
        page = grid_rows(run, viewer=viewer, grid_filter=grid_filter, ordering=ordering, limit=MAX_PAGE, cursor=cursor)
        yield from page.rows
        cursor = page.next_cursor
        if not cursor:
            return


def rows_of(
    run: EvaluationRun, candidate_pks: Sequence[int], *, viewer: User | None, sight: Sight | None = None
) -> list[GridRow]:
    """Return the grid's rows of these candidates of a run as `viewer` sees them, in the order given."""
    return _rows_of(run, candidate_pks, viewer, sight or sight_of(run, viewer))


def _rows_of(run: EvaluationRun, candidate_pks: Sequence[int], viewer: User | None, sight: Sight) -> list[GridRow]:
    candidates = Candidate.objects.by_pk(run, candidate_pks)
    by_id = {
        candidate.pk: candidate
        for candidate in candidates.select_related("run_query", "document", "document_version").only(*_READ)
    }
    shown = [by_id[pk] for pk in candidate_pks if pk in by_id]
    if not shown:
        return []
    grades = _grades_by_pair(run, shown, viewer)
    unsure = cant_tell(run, by_id.keys(), viewer)
    first_versions = dict(
        DocumentVersion.objects.filter(document_id__in={candidate.document_id for candidate in shown})
        .values("document_id")
        .annotate(first=Min("pk"))
        .values_list("document_id", "first")
    )
    rows = (
        _row(
            candidate,
            grades.get((candidate.query_id, candidate.document_id)) or _PairGrades(),
            unsure.get(candidate.pk, ()),
            is_first_version=first_versions[candidate.document_id] == candidate.document_version_id,
        )
        for candidate in shown
    )
    return [_hidden(row) if sight.hides(has_own_grade=row.my_grade is not None) else row for row in rows]


def _hidden(row: GridRow) -> GridRow:
    """Return a row without what others say of it."""
    shown = {name: getattr(row, name) for name in SHOWN_TO_BLIND}
    return GridRow(
        **shown,
        people=tuple(person for person in row.people if person.is_viewer),
        cant_tell=tuple(each for each in row.cant_tell if each.is_viewer),
        is_hidden=True,
    )


# What a row has of its candidate under the same name.
_OF_CANDIDATE = (
    "position", "rank", "score", "effective_grade", "people_mean", "people_count", "ai_grade", "last_item_status",
    "failure_code",
)  # fmt: skip
# Columns that a row needs, and those of judgments: reading whole objects costs most of a page.
_READ = (
    *_OF_CANDIDATE, "query_id", "run_query__body", "run_query__text", "run_query__label", "run_query__tags",
    "document__external_id", "document_version__document_id", "document_version__title", "document_version__fields",
    "document_version__image", "document_version__created_at",
)  # fmt: skip
_READ_OF_JUDGMENTS = (
    "query_id", "document_id", "author_kind", "grade", "reasoning", "judge_label", "updated_at", "member__email",
    "rater__name", "judge_version__judge_id", "judge_version__name",
)  # fmt: skip


@dataclass(slots=True)
class _PairGrades:
    """The grades of a pair of query and document."""

    ai: Judgment | LockedJudgment | None = None
    judge_id: UUID | None = None
    judge_name: str = ""
    mine: AuthoredGrade | None = None
    people: list[AuthoredGrade] = field(default_factory=list)
    # When the oldest grade that counts was given; None in a locked run.
    oldest_at: Any = None


def _grades_by_pair(
    run: EvaluationRun, shown: list[Candidate], viewer: User | None
) -> dict[tuple[int, int], _PairGrades]:
    pairs = {(candidate.query_id, candidate.document_id) for candidate in shown}
    of_pairs = {
        "query_id__in": {query_id for query_id, _ in pairs},
        "document_id__in": {document_id for _, document_id in pairs},
    }
    grades: dict[tuple[int, int], _PairGrades] = defaultdict(_PairGrades)
    judgments = _locked(run, of_pairs) if run.is_locked else _live(run, of_pairs)
    for judgment, author, judge_id, judge_name in judgments:
        pair = (judgment.query_id, judgment.document_id)
        if pair not in pairs:
            continue
        entry = grades[pair]
        if judgment.author_kind == AuthorKind.AI:
            entry.ai, entry.judge_id, entry.judge_name = judgment, judge_id, judge_name
            continue
        is_viewer = viewer is not None and judgment.member_id == viewer.pk
        person = AuthoredGrade(author, judgment.grade, judgment.reasoning, is_viewer)
        entry.people.append(person)
        if is_viewer:
            entry.mine = person
        if isinstance(judgment, Judgment):
            entry.oldest_at = min(entry.oldest_at or judgment.updated_at, judgment.updated_at)
    for entry in grades.values():
        if isinstance(entry.ai, Judgment) and not entry.people:
            entry.oldest_at = entry.ai.updated_at
    return grades


# A judgment, its author's label, and its judge's id and name.
_Attributed = tuple[Judgment | LockedJudgment, str, UUID | None, str]


def _live(run: EvaluationRun, of_pairs: Mapping[str, Any]) -> Iterator[_Attributed]:
    judgments = (
        Judgment.objects.filter(scale=run.scale, **of_pairs)
        .select_related("member", "rater", "judge_version")
        .only(*_READ_OF_JUDGMENTS)
        .order_by("pk")
    )
    for judgment in judgments:
        version = judgment.judge_version
        author = judgment.member.email if judgment.member else judgment.rater.name if judgment.rater else ""
        name = version.name if version else judgment.judge_label
        yield judgment, author, version.judge_id if version else None, name


def _locked(run: EvaluationRun, of_pairs: Mapping[str, Any]) -> Iterator[_Attributed]:
    judgments = list(LockedJudgment.objects.filter(run=run, **of_pairs).order_by("pk"))
    version_ids = {judgment.judge_version_id for judgment in judgments if judgment.judge_version_id}
    versions = {
        pk: (judge_id, name)
        for pk, judge_id, name in JudgeVersion.objects.filter(pk__in=version_ids).values_list("pk", "judge_id", "name")
    }
    for judgment in judgments:
        judge_id, name = None, judgment.judge_label
        if judgment.judge_version_id is not None:
            judge_id, name = versions.get(judgment.judge_version_id, (None, name))
        yield judgment, judgment.author_label, judge_id, name


def _row(candidate: Candidate, grades: _PairGrades, unsure: Sequence[CantTell], *, is_first_version: bool) -> GridRow:
    run_query, version, ai = candidate.run_query, candidate.document_version, grades.ai
    return GridRow(
        **{name: getattr(candidate, name) for name in _OF_CANDIDATE},
        candidate_pk=candidate.pk,
        run_query_id=run_query.pk,
        query=run_query.body,
        query_text=run_query.text,
        query_label=run_query.label,
        query_tags=run_query.tags,
        document_key=candidate.document.external_id,
        title=version.title,
        fields=version.fields or {},
        image=version.image,
        ai_judge_id=grades.judge_id if ai else None,
        ai_judge_name=grades.judge_name if ai else "",
        ai_judge_label=ai.judge_label if ai else "",
        reasoning=ai.reasoning if ai else "",
        my_grade=grades.mine.grade if grades.mine else None,
        my_reasoning=grades.mine.reasoning if grades.mine else "",
        content_changed=not is_first_version and grades.oldest_at is not None and grades.oldest_at < version.created_at,
        people=tuple(grades.people),
        cant_tell=tuple(unsure),
    )


def opinions_of(candidate_pks: Iterable[int]) -> dict[int, list[Opinion]]:
    """Return the outcome of every AI judging run for these candidates, the newest run first."""
    items = (
        JudgingItem.objects.filter(
            candidate_id__in=list(candidate_pks), status__in=(ItemStatus.JUDGED, ItemStatus.FAILED)
        )
        .order_by("-judging_run__created_at", "-judging_run_id")
        .values_list(
            "candidate_id",
            "judging_run_id",
            "judging_run__judge_version__name",
            "judging_run__judge_version__number",
            "status",
            "grade",
            "reasoning",
            "failure_code",
        )
    )
    opinions: dict[int, list[Opinion]] = defaultdict(list)
    for candidate_pk, run_id, name, number, status, grade, reasoning, code in items:
        opinions[candidate_pk].append(Opinion(run_id, f"{name} v{number}", status, grade, reasoning, code))
    return dict(opinions)
