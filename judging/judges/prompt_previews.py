"""Previews of a judge's prompt for a query of a run, while its template is edited. Stores nothing."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import QuerySet

from judging.asking.prompting import EvaluationContext, PromptCandidate, PromptSettings, build_messages
from judging.foundation.scales import SCALES
from judging.models import Candidate, EvaluationRun, EvaluationRunStatus, RunQuery
from judging.providers.base import Message
from judging.records.judge_specs import evaluation_context_of
from judging.records.lists.archiving import IN_USE

MOST_RUNS = 50
MOST_QUERIES = 100
_CHARS_PER_TOKEN = 4

# What is shown before any run is there.
EXAMPLE_QUERY = "red running shoes"
EXAMPLE_CANDIDATES = (
    PromptCandidate("shoe-1", "Running shoes, red, for men", {"brand": "Acme", "price": 89.9}),
    PromptCandidate("shoe-2", "Red dress shoes", {"brand": "Acme", "price": 120}),
    PromptCandidate("sock-3", "Running socks, pack of three", {"brand": "Fleet", "price": 12.5}),
)
EXAMPLE_SCALE = "graded"


@dataclass(frozen=True, slots=True)
class ShownMessage:
    """A message of a prompt as people read it; `images` are their URLs."""

    role: str
    text: str
    images: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PromptPreview:
    """A rendered prompt. `token_count` is a rule of thumb that counts no images."""

    messages: tuple[ShownMessage, ...]
    candidate_count: int
    character_count: int
    token_count: int


def trial_runs() -> QuerySet[EvaluationRun]:
    """Return the newest runs that a prompt can be tried on."""
    runs = EvaluationRun.objects.filter(IN_USE, status=EvaluationRunStatus.COMPLETED, candidate_count__gt=0)
    return runs.select_related("evaluation").order_by("-created_at", "pk")[:MOST_RUNS]


def trial_queries(run_id: UUID, *, find: str = "") -> list[RunQuery]:
    """Return the first queries of a run that have candidates, those whose text holds `find`."""
    queries = RunQuery.objects.filter(run_id=run_id, candidate_count__gt=0).order_by("position")
    if find:
        queries = queries.filter(text__icontains=find)
    return list(queries[:MOST_QUERIES])


def first_candidates(run_query: RunQuery, count: int) -> list[Candidate]:
    """Return the first candidates of a run query, with their documents and the AI judgments of record."""
    rows = Candidate.objects.filter(run_query=run_query, run__isnull=False)
    return list(rows.select_related("document", "document_version", "ai_judgment").order_by("rank")[:count])


def prompt_candidate(row: Candidate) -> PromptCandidate:
    """Return a candidate as a prompt shows it."""
    version = row.document_version
    return PromptCandidate(row.document.external_id, version.title, version.fields or {}, version.image)


def preview_prompt(run_query: RunQuery | None, *, settings: PromptSettings, batch_size: int) -> PromptPreview:
    """Render the first prompt about a run query, or about an example without one. Raise TemplateError."""
    if run_query is None:
        query: Any = EXAMPLE_QUERY
        candidates = list(EXAMPLE_CANDIDATES[:batch_size])
        evaluation = EvaluationContext("", "", SCALES[EXAMPLE_SCALE])
    else:
        query = run_query.body
        candidates = [prompt_candidate(row) for row in first_candidates(run_query, batch_size)]
        evaluation = evaluation_context_of(run_query.run)
    messages = build_messages(query, candidates, settings=settings, evaluation=evaluation)
    shown = tuple(shown_message(message) for message in messages)
    characters = sum(len(message.text) for message in shown)
    return PromptPreview(shown, len(candidates), characters, round(characters / _CHARS_PER_TOKEN))


def shown_message(message: Message) -> ShownMessage:
    """Return a message with its texts in one and its images apart."""
    content: Any = message["content"]
    if isinstance(content, str):
        return ShownMessage(message["role"], content)
    return ShownMessage(
        message["role"],
        "\n".join(part["text"] for part in content if part["type"] == "text"),
        tuple(part["image_url"]["url"] for part in content if part["type"] == "image_url"),
    )
