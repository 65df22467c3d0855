"""What is known already of documents that a query finds: the grades that its corpus has."""

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Literal
from uuid import UUID

from judging.ledger.grading import effective_grade
from judging.models import AuthorKind, Judgment, MatchMode, Query, query_identity
from judging.records.blindness import is_query_blind
from judging.records.roles import Actor


@dataclass(frozen=True, slots=True)
class KnownGrade:
    """The effective grade of a document on one scale. `authors`: whose it is, people or else the AI judge."""

    scale: str
    grade: int
    by: Literal["people", "ai"]
    authors: tuple[str, ...]


def known_grades(
    corpus_id: UUID, query: Any, document_keys: Collection[str], viewer: Actor
) -> dict[str, list[KnownGrade]]:
    """Return the grades of documents for a query, by document key, in the order of scales.

    None for a query of a run that `viewer` judges blind.
    The same query is one of the same text, or the same object: where both were graded, that of the object counts.
    """
    exact = query_identity(query, MatchMode.OID)
    queries = Query.objects.filter(corpus_id=corpus_id, identity__in=[exact, query_identity(query, MatchMode.QID)])
    is_exact = {pk: identity == exact for pk, identity in queries.values_list("pk", "identity")}
    if is_query_blind(is_exact, viewer):
        return {}
    rows = (
        Judgment.objects.filter(query_id__in=is_exact, document__external_id__in=document_keys)
        .order_by("created_at", "pk")
        .values_list(
            "query_id",
            "document__external_id",
            "scale",
            "author_kind",
            "grade",
            "member__email",
            "rater__name",
            "judge_label",
        )
    )
    # An AI's grade stands alone, or not at all; people's grades come with their names.
    people: dict[tuple[bool, str, str], list[tuple[int, str]]] = defaultdict(list)
    ai: dict[tuple[bool, str, str], tuple[int, str]] = {}
    for query_id, key, scale, kind, grade, member, rater, judge in rows:
        place = (is_exact[query_id], key, scale)
        if kind == AuthorKind.AI:
            ai[place] = (grade, judge)
        else:
            people[place].append((grade, member or rater or ""))
    known: dict[tuple[str, str], KnownGrade] = {}
    # Those of the exact query last, in the place of others.
    for place in sorted(people.keys() | ai.keys()):
        _, key, scale = place
        given, by_ai = people.get(place, []), ai.get(place)
        effective = effective_grade([each for each, _ in given], by_ai[0] if by_ai else None)
        authors = [author for _, author in given] or [by_ai[1] if by_ai else ""]
        if effective is not None:
            known[key, scale] = KnownGrade(scale, effective, "people" if given else "ai", tuple(authors))
    found: dict[str, list[KnownGrade]] = defaultdict(list)
    for key, scale in sorted(known):
        found[key].append(known[key, scale])
    return found
