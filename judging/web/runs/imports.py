"""Data comes in: evaluation runs and judgments from files, the sample collection, and a judge to begin with."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.forms import BaseForm
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from judging.demo.electronics import ensure_local_judge, load_electronics
from judging.foundation.errors import ImportRejected
from judging.runs.evaluation_lists import get_evaluation
from judging.runs.importing.formats.recognition import label_of, read_as_of
from judging.runs.importing.judgment_import import import_judgments as import_judgments_file
from judging.runs.importing.results import RunSource
from judging.runs.importing.run_files import ResultsFile, RunFiles
from judging.runs.importing.run_import import import_run as import_run_files
from judging.runs.run_summary import count_written, run_being_imported
from judging.web.base import (
    PageRequest,
    errors_on,
    go_back,
    go_to,
    member_required,
    page_or_fragment,
    sentence,
    tell_and_go,
    toast,
)
from judging.web.runs.forms import ImportJudgmentsForm, ImportRunForm, initial_import


@member_required
def import_run(request: PageRequest, evaluation_id: UUID) -> HttpResponse:
    """Import a run. Problems of a file show beside it, line by line; the form keeps its input."""
    evaluation = get_evaluation(evaluation_id)
    if request.method == "POST":
        form = ImportRunForm(request.POST, request.FILES)
        if form.is_valid():
            values = form.cleaned_data
            with errors_on(form), _counted(form):
                outcome = import_run_files(
                    evaluation=evaluation,
                    actor=request.user,
                    name=values["name"],
                    scale=values["scale"],
                    metrics=values["all_metrics"],
                    relevant_from=values["relevant_from"],
                    engine_model=values["engine_model"],
                    source=_source(values),
                )
                run = outcome.run
                text = f"{run.name} is imported: {run.query_count:,} queries, {run.candidate_count:,} candidates,"
                read_as = _read_as(form, outcome.read_as)
                toast(request, messages.SUCCESS, f"{text} {run.judged_count:,} of them judged already. {read_as}")
                _warn(request, outcome.warnings)
                return go_to(request, "evaluation_run", run.pk)
    else:
        form = ImportRunForm(initial=initial_import(evaluation))
    context = {"evaluation": evaluation, "form": form}
    return page_or_fragment(
        request, "judging/runs/imports/import_run.html", "judging/runs/imports/_import_run_form.html", context
    )


@require_GET
@member_required
def import_progress(request: PageRequest, evaluation_id: UUID) -> HttpResponse:
    """Answer the fragment that is asked for while files are being imported."""
    run = run_being_imported(get_evaluation(evaluation_id), request.user)
    context = {"run": run, "written": count_written(run) if run else 0}
    return render(request, "judging/runs/imports/_import_progress.html", context)


@member_required
def import_judgments(request: PageRequest, evaluation_id: UUID) -> HttpResponse:
    """Import judgments into the corpus of an evaluation."""
    evaluation = get_evaluation(evaluation_id)
    form = ImportJudgmentsForm(request.POST, request.FILES) if request.method == "POST" else ImportJudgmentsForm()
    if form.is_valid():
        values = form.cleaned_data
        with errors_on(form), _counted(form):
            outcome = import_judgments_file(
                corpus=evaluation.corpus,
                actor=request.user,
                file=values["file"],
                file_name=values["file"].name or "",
                read_as=read_as_of(
                    {"file": values["read_as"], "queries": values["read_as_queries"]}, ("file", "queries")
                ),
                scale=values["scale"] or None,
                queries_file=values["queries"],
            )
            reach = outcome.reach
            runs = "1 run" if reach.runs == 1 else f"{reach.runs:,} runs"
            text = f"{outcome.read:,} lines read, {outcome.written:,} judgments written to {evaluation.corpus.name}."
            reached = f"{reach.on_candidates:,} of them concern a candidate of {runs}."
            toast(request, messages.SUCCESS, f"{text} {reached} {_read_as(form, outcome.read_as)}")
            _warn(request, outcome.warnings)
            return go_to(request, "evaluation", evaluation.pk)
    context = {"evaluation": evaluation, "form": form}
    return page_or_fragment(
        request,
        "judging/runs/imports/import_judgments.html",
        "judging/runs/imports/_import_judgments_form.html",
        context,
    )


@require_POST
@member_required
def load_sample(request: PageRequest) -> HttpResponse:
    """Load the electronics collection and show it."""
    electronics = load_electronics(actor=request.user)
    text = "The electronics collection is loaded: two runs over 135 queries, judged by three people."
    return tell_and_go(request, text, "evaluation", electronics.evaluation.pk)


@require_POST
@member_required
def create_local_judge(request: PageRequest) -> HttpResponse:
    """Make the judge that needs no key, and go back to where it was wanted."""
    judge = ensure_local_judge(actor=request.user)
    text = f"{judge.name} is ready. It is a similarity model, not an LLM: take its grades as a first look."
    toast(request, messages.SUCCESS, text)
    return go_back(request, reverse("home"))


class _counted:
    """Say on a form how many problems a refused file has, when not all are listed."""

    def __init__(self, form: BaseForm) -> None:
        self.form = form

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: Any, error: BaseException | None, at: Any) -> None:
        if not isinstance(error, ImportRejected):
            return
        noun = "problem" if error.total == 1 else "problems"
        listed = f" The first {error.listed} are listed." if error.total > error.listed else ""
        self.form.add_error(None, f"Nothing was imported: {error.total:,} {noun} in the files.{listed}")


def _source(values: dict[str, Any]) -> RunSource:
    names = ("results",) if values["file_format"] == "jsonl" else ("run", "queries", "documents")
    files = {name: values[name] for name in names if values[name] is not None}
    read_as = read_as_of({name: values[f"read_as_{name}"] for name in files}, files)
    allow_missing = values["allow_missing_documents"]
    if "results" in files:
        return ResultsFile(files["results"], read_as, allow_missing_documents=allow_missing)
    return RunFiles(
        **files,
        allow_missing_documents=allow_missing,
        only_ranked_queries=values["only_ranked_queries"],
        read_as=read_as,
    )


def _read_as(form: BaseForm, read_as: dict[str, str]) -> str:
    """Say what each file was read as, under the name it has with its owner."""
    files = ((form.cleaned_data[field].name or field, label_of(field, name)) for field, name in read_as.items())
    return " ".join(f"{name} was read as {label}." for name, label in files)


def _warn(request: PageRequest, warnings: list[str]) -> None:
    for warning in warnings[:5]:
        toast(request, messages.WARNING, sentence(warning))
