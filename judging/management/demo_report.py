"""What the demo says at its end."""

from collections.abc import Iterable, Iterator

import numpy as np

from judging.demo.electronics import query_labels
from judging.management.demo_runs import LiveSearches
from judging.management.progress import duration
from judging.management.sample import EMAIL, Sample
from judging.management.trust_report import (
    agreement_lines,
    difference_lines,
    estimate_lines,
    list_lines,
    people_lines,
    sample_lines,
)
from judging.models import EvaluationRun, JudgingRun, SearchRun
from judging.trust.agreement import compare_sides, people_among_themselves
from judging.trust.comparisons.queries.query_table import choose_measure, read_query_table
from judging.trust.comparisons.run_comparison import compare_runs
from judging.trust.estimates import run_estimates, state_dict
from judging.trust.grades import read_run_grades


def summary(sample: Sample, judging_run: JudgingRun, live: LiveSearches | None, *, address: str) -> Iterator[str]:
    """Yield the lines of the summary. The runs' metrics must have been renewed."""
    seconds = 0.0
    if judging_run.started_at and judging_run.completed_at:
        seconds = (judging_run.completed_at - judging_run.started_at).total_seconds()
    yield ""
    yield f"AI judging run {judging_run.status}: {judging_run.judge_version.label} on {sample.fields_run.name}"
    yield f"  judged   {judging_run.judged_count:,} of {judging_run.total_count:,} candidates"
    yield f"  failed   {judging_run.failed_count:,}"
    estimated = " (estimated)" if judging_run.usage_estimated else ""
    yield f"  tokens   {judging_run.input_tokens:,} in, {judging_run.output_tokens:,} out{estimated}"
    yield f"  seconds  {seconds:.1f} ({duration(seconds)})"
    if judging_run.error:
        yield f"  error    {judging_run.error}"
    yield ""
    yield from _metrics([sample.title_run, sample.fields_run])
    yield ""
    yield from _agreement(sample.fields_run)
    yield ""
    yield from _estimates([sample.title_run, sample.fields_run])
    yield ""
    if live is not None:
        yield from _live(live)
        # Written out: to have it from its route takes all routes and what they lead to, a second of CPU.
        first, second = live.runs
        yield f"  Query by query: {address}/evaluations/runs/{first.pk}/compare/{second.pk}"
        yield ""
    yield f"Address   {address}/"
    yield f"User      {EMAIL}"
    yield f"Password  {sample.password}"
    yield f"Token     {sample.token}"
    yield ""
    yield "Judge again over REST:"
    yield ""
    yield f'curl -X POST "{address}/api/v1/evaluations/runs/{sample.fields_run.pk}/ai-judge" \\'
    yield "-H 'Content-Type: application/json' \\"
    yield f'-H "Authorization: Bearer {sample.token}" \\'
    yield "-d '{"
    yield f'"ai_judge_id": "{sample.judge.pk}"'
    yield "}'"
    yield ""


def _metrics(runs: Iterable[EvaluationRun]) -> Iterator[str]:
    runs = list(runs)
    yield f"{'Metrics (coverage)':<20}" + "".join(f"{run.name:>22}" for run in runs)
    for name in dict.fromkeys(name for run in runs for name in run.metrics):
        yield f"  {name:<18}" + "".join(f"{_value(run, name):>22}" for run in runs)
    yield f"  {'scored queries':<18}" + "".join(f"{run.scored_query_count:>15} of {run.query_count:>3}" for run in runs)


def _live(live: LiveSearches) -> Iterator[str]:
    """Yield what the searches brought, and whether the second template is better than the first."""
    searches = list(SearchRun.objects.filter(evaluation_run__in=live.runs).order_by("created_at"))
    yield f"Live searches: {searches[0].endpoint_name}, a small search service, not Elasticsearch"
    for search in searches:
        yield (
            f"  {search.query_template_name:<12}{search.answered_count} of {search.total_count} queries answered, "
            f"{search.empty_count} without results, {search.failed_count} failed; half within {search.latency_p50_ms} ms"
        )
    judged = live.judging_run
    yield f"  Of the top ten of {live.fields_run.name} nobody had judged {judged.total_count:,} documents;"
    yield f"  {judged.judge_version.label} judged {judged.judged_count:,} of them"
    yield ""
    yield from _metrics(live.runs)
    yield ""
    yield from difference_lines(compare_runs(live.runs))
    yield from list_lines(read_query_table(*live.runs, choose_measure(*live.runs)))
    yield "  All values are kinder than on a full catalogue: the collection holds only documents that were judged or ranked."


def _value(run: EvaluationRun, name: str) -> str:
    value, coverage = run.metric_values.get(name), run.coverage_values.get(name)
    return f"{'-' if value is None else f'{value:.4f}'} ({'-' if coverage is None else f'{coverage:.0%}'})"


def _agreement(run: EvaluationRun) -> Iterator[str]:
    # The local judge was calibrated on the queries at even positions of the file, from 0: the others are new to it.
    labels = run.run_queries.order_by("position").values_list("label", flat=True)
    held_out = read_run_grades(run).of_queries(np.isin(list(labels), query_labels()[1::2]))
    yield f"The judge against three people on {run.name}, on the queries that did not calibrate it"
    yield from agreement_lines(compare_sides(run, held_out, a="ai", b="people").as_dict())
    yield from people_lines(people_among_themselves(held_out))
    yield "  A similarity model, not an LLM. At the top of one ranking documents are alike; what it reaches on all judged"
    yield "  pairs of these queries stands in the README."


def _estimates(runs: Iterable[EvaluationRun]) -> Iterator[str]:
    """Yield what people would say of the runs, or what it would take to know."""
    yield "What would people say? (the shipped grades are of what some engines found, not of a check sample)"
    for run in runs:
        estimates, states = run_estimates(run, read_run_grades(run))
        yield f" {run.name}"
        yield from estimate_lines({name: estimate.as_dict() for name, estimate in estimates.items()})
        for state in states:
            yield from sample_lines(state_dict(state))
