"""Find things of all kinds by words of their names, as far as somebody may see them."""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet

from judging.foundation.limits import MAX_FOUND, MAX_SEARCHED
from judging.foundation.validation import check_search
from judging.models import (
    Analysis,
    BatchExecution,
    Evaluation,
    EvaluationRun,
    Evaluator,
    JudgingRun,
    QueryTemplate,
    ResponseJudge,
    SearchEndpoint,
    SearchQuerySet,
    User,
)
from judging.records.roles import require_account
from judging.records.visibility import visible_judges, visible_providers

# Each kind by the name that REST and the routes of pages have for it, in the words of people.
KINDS = {
    "evaluation": "Evaluation",
    "evaluation_run": "Evaluation run",
    "judging_run": "AI judging run",
    "ai_judge": "AI judge",
    "ai_provider": "AI provider",
    "batch": "Batch",
    "response_judge": "Response judge",
    "evaluator": "Evaluator",
    "search_endpoint": "Search endpoint",
    "query_set": "Query set",
    "query_template": "Query template",
    "analysis": "Analysis",
}


@dataclass(frozen=True, slots=True)
class Found:
    """A thing that was found: its kind (of KINDS), id and name, and what tells it from others of its name."""

    kind: str
    id: UUID
    name: str
    note: str
    created_at: datetime

    @property
    def kind_label(self) -> str:
        return KINDS[self.kind]


def found_things(text: str, user: User) -> list[Found]:
    """Return what has all words of `text` in its name or note, or begins with that id; the best first, then the newest.

    Archived things are left out. Upper and lower case, accents and umlauts make no difference. Looks at the MAX_SEARCHED newest of each kind and
    returns MAX_FOUND at most. Raters find evaluation runs alone. Raise Invalid.
    """
    require_account(user)
    check_search(text, field="q")
    whole = _folded(" ".join(text.split()))
    words = whole.split()
    if not words:
        return []
    found = []
    for thing in _things(user):
        name = _folded(thing.name)
        both = f"{name} {_folded(thing.note)}"
        if all(word in both for word in words) or (len(whole) >= 8 and str(thing.id).startswith(whole)):
            found.append((_distance(name, whole, words), -thing.created_at.timestamp(), thing))
    found.sort(key=lambda each: each[:2])
    return [thing for _, _, thing in found[:MAX_FOUND]]


def _distance(name: str, whole: str, words: list[str]) -> int:
    """Return how far a name is from what was typed, 0: the same."""
    if name == whole:
        return 0
    if name.startswith(whole):
        return 1
    if all(re.search(rf"\b{re.escape(word)}", name) for word in words):
        return 2
    return 3 if all(word in name for word in words) else 4


def _folded(text: str) -> str:
    if text.isascii():
        return text.lower()
    bare = (char for char in unicodedata.normalize("NFKD", text) if not unicodedata.combining(char))
    return "".join(bare).casefold()


def _things(user: User) -> Iterator[Found]:
    """Yield the newest things of each kind that `user` may see."""
    runs = EvaluationRun.objects.filter(archived_at=None, evaluation__archived_at=None).values_list(
        "pk", "name", "evaluation__name", "created_at"
    )
    yield from _of_kind("evaluation_run", runs)
    if not user.is_member:
        return
    columns = ("pk", "name", "model", "created_at")
    evaluations = Evaluation.objects.filter(archived_at=None)
    yield from _of_kind("evaluation", evaluations.values_list("pk", "name", "corpus__name", "created_at"))
    yield from _of_kind("ai_judge", visible_judges(user).values_list(*columns))
    yield from _of_kind("ai_provider", visible_providers(user).values_list("pk", "name", "type", "created_at"))
    offered: dict[str, type[Any]] = {
        "response_judge": ResponseJudge,
        "evaluator": Evaluator,
        "search_endpoint": SearchEndpoint,
        "query_set": SearchQuerySet,
        "query_template": QueryTemplate,
    }
    for kind, model in offered.items():
        rows = model._default_manager.filter(archived_at=None).values_list("pk", "name", "created_at")
        for pk, name, created_at in _newest(rows):
            yield Found(kind, pk, name, "", created_at)
    analyses = Analysis.objects.filter(evaluation__archived_at=None).values_list(
        "pk", "evaluation__name", "evaluation__corpus__name", "created_at"
    )
    yield from _of_kind("analysis", analyses)
    kept = Q(evaluation_run__archived_at=None, evaluation_run__evaluation__archived_at=None)
    judging = JudgingRun.objects.filter(kept).values_list(
        "pk", "judge_version__name", "judge_version__number", "evaluation_run__name", "created_at"
    )
    for pk, name, number, run_name, created_at in _newest(judging):
        yield Found("judging_run", pk, f"{name} v{number}", run_name, created_at)
    batches = BatchExecution.objects.filter(is_immediate=False).values_list(
        "pk", "response_judge_version__name", "relevance_judge_version__name", "tags", "created_at"
    )
    for pk, response_judge, judge, tags, created_at in _newest(batches):
        name = response_judge or judge or "Chosen evaluators"
        yield Found("batch", pk, name, ", ".join(map(str, tags)), created_at)


def _of_kind(kind: str, rows: "QuerySet[Any, tuple[UUID, str, str, datetime]]") -> Iterator[Found]:
    for pk, name, note, created_at in _newest(rows):
        yield Found(kind, pk, name, note, created_at)


def _newest(rows: "QuerySet[Any, Any]") -> "QuerySet[Any, Any]":
    return rows.order_by("-created_at", "pk")[:MAX_SEARCHED]
