"""The panel beside the template editor: the prompt about a real query, and a test of the judge."""

from dataclasses import dataclass, field, fields
from typing import Any

from django.core.exceptions import ValidationError
from django.http import HttpRequest

from judging.asking.prompting import PromptSettings, TemplateError, check_template
from judging.foundation.errors import DomainError, Invalid
from judging.foundation.limits import MAX_SEARCH, MAX_TRIAL_DEPTH, MAX_TRIAL_QUERIES
from judging.judges.prompt_previews import (
    EXAMPLE_CANDIDATES,
    EXAMPLE_QUERY,
    EXAMPLE_SCALE,
    PromptPreview,
    ShownMessage,
    preview_prompt,
    shown_message,
    trial_queries,
    trial_runs,
)
from judging.judges.trials import JudgeTest, try_judge_on_documents, try_judge_on_run
from judging.models import AIJudge, EvaluationRun, RunQuery, User
from judging.web.base import sentence
from judging.web.judges.forms import JudgeForm
from judging.web.run_rows import money

_EXAMPLE = "example"


@dataclass(slots=True)
class Trial:
    """What the prompt is tried on, and what came of it. Without a run it is the example."""

    runs: list[EvaluationRun]
    run: EvaluationRun | None = None
    queries: list[RunQuery] = field(default_factory=list)
    query: RunQuery | None = None
    find: str = ""
    # Of a test over several queries.
    count: int = 5
    depth: int = 5
    graded_by_people: bool = False
    preview: PromptPreview | None = None
    error: str = ""
    error_line: int | None = None

    @property
    def has_many_queries(self) -> bool:
        return self.run is not None and self.run.query_count > len(self.queries)

    @property
    def scale(self) -> str:
        return self.run.scale if self.run is not None else EXAMPLE_SCALE


def trial_of(request: HttpRequest) -> Trial:
    """Return what the request wants to be tried on; the newest run and its first query when it says nothing."""
    runs = list(trial_runs())
    trial = Trial(
        runs,
        find=request.POST.get("try_find", "").strip()[:MAX_SEARCH],
        count=_whole(request.POST.get("try_count", ""), 5, at_least=1, at_most=MAX_TRIAL_QUERIES),
        depth=_whole(request.POST.get("try_depth", ""), 5, at_least=1, at_most=MAX_TRIAL_DEPTH),
        graded_by_people=request.POST.get("try_which") == "people",
    )
    wanted = request.POST.get("try_run", "")
    if wanted != _EXAMPLE:
        trial.run = next((run for run in runs if str(run.pk) == wanted), runs[0] if runs else None)
    if trial.run is not None:
        trial.queries = trial_queries(trial.run.pk, find=trial.find)
        query = request.POST.get("try_query", "")
        trial.query = next((row for row in trial.queries if str(row.pk) == query), None) or next(
            iter(trial.queries), None
        )
        if trial.query is not None:
            trial.query.run = trial.run
    return trial


def add_preview(trial: Trial, form: JudgeForm) -> Trial:
    """Render the prompt of the form's current values."""
    settings = PromptSettings(**{setting.name: _as_typed(form, setting.name) for setting in fields(PromptSettings)})
    if trial.run is not None and trial.query is None:
        return trial
    try:
        trial.preview = preview_prompt(trial.query, settings=settings, batch_size=_as_typed(form, "batch_size"))
        check_template(settings.prompt_template)
    except TemplateError as error:
        trial.error, trial.error_line = sentence(error.message), error.line
    return trial


def _as_typed(form: JudgeForm, name: str) -> Any:
    """Return a setting as the form has it, or the model's default in place of a value that can't be saved."""
    setting: Any = AIJudge._meta.get_field(name)
    try:
        value = setting.clean(form.fields[name].to_python(form[name].value()), None)
    except ValidationError:
        return setting.get_default()
    return value.replace("\0", "") if isinstance(value, str) else value


@dataclass(frozen=True, slots=True)
class ShownTest:
    """A test as the page tells it."""

    test: JudgeTest
    scale: str
    prompts: list[tuple[list[ShownMessage], Any]]
    cost: str

    @property
    def judged_count(self) -> int:
        return sum(outcome.status == "judged" for outcome in self.test.outcomes)

    @property
    def failed_count(self) -> int:
        return len(self.test.outcomes) - self.judged_count


def run_test(judge: AIJudge, trial: Trial, viewer: User) -> ShownTest:
    """Ask the judge about the trial's query. Raise Invalid or another DomainError."""
    if trial.run is None:
        test = try_judge_on_documents(
            judge=judge,
            query=EXAMPLE_QUERY,
            candidates=EXAMPLE_CANDIDATES[: max(judge.batch_size, 1)],
            scale=EXAMPLE_SCALE,
        )
    elif trial.query is None:
        raise Invalid("choose a query to test with")
    else:
        test = try_judge_on_run(judge=judge, evaluation_run_id=trial.run.pk, query_id=trial.query.pk, viewer=viewer)
    cost = judge.cost_of(test.input_tokens, test.output_tokens)
    return ShownTest(
        test,
        trial.scale,
        [([shown_message(message) for message in call.prompt], call) for call in test.calls],
        "" if cost is None else money(cost),
    )


def problems_of(form: JudgeForm) -> list[str]:
    """Return what keeps a form from being tested, a line per field."""
    lines = []
    for name, messages in form.errors.items():
        label = form.fields[name].label if name in form.fields else ""
        lines += [f"{label}: {message}" if label else str(message) for message in messages]
    return lines


def problems_in(error: DomainError, form: JudgeForm) -> list[str]:
    """Return a refusal of the service, a line per field."""
    if not isinstance(error, Invalid) or not error.errors:
        return [sentence(error.message)]
    return [
        f"{form.fields[name].label}: {sentence(text)}" if name in form.fields else sentence(text)
        for name, texts in error.errors.items()
        for text in texts
    ]


def _whole(given: Any, otherwise: int, *, at_least: int, at_most: int) -> int:
    text = str(given).strip()
    number = int(text) if text.isascii() and text.isdecimal() and len(text) < 9 else otherwise
    return min(max(number, at_least), at_most)
