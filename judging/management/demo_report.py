"""What the demo says at its end."""

from collections.abc import Iterable, Iterator

from judging.demo.electronics import query_labels
from judging.foundation.scales import SCALES
from judging.management.progress import duration
from judging.management.sample import EMAIL, Sample
from judging.metrics import auc, exact_agreement, quadratic_kappa
from judging.models import EvaluationRun, ItemStatus, JudgingItem, JudgingRun


def summary(sample: Sample, judging_run: JudgingRun, *, address: str) -> Iterator[str]:
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
    yield from _agreement(sample, judging_run)
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


def _value(run: EvaluationRun, name: str) -> str:
    value, coverage = run.metric_values.get(name), run.coverage_values.get(name)
    return f"{'-' if value is None else f'{value:.4f}'} ({'-' if coverage is None else f'{coverage:.0%}'})"


def _agreement(sample: Sample, judging_run: JudgingRun) -> Iterator[str]:
    # The local judge was calibrated on the queries at even positions of the file, from 0: the others are new to it.
    held_out = query_labels()[1::2]
    rows = JudgingItem.objects.filter(
        judging_run=judging_run,
        status=ItemStatus.JUDGED,
        run_query__label__in=held_out,
        candidate__people_count__gt=0,
    ).values_list("candidate__effective_grade", "grade")
    pairs = [(people, ai) for people, ai in rows if people is not None and ai is not None]
    scale = SCALES[sample.fields_run.scale]
    kappa = quadratic_kappa(pairs, maximum=scale.maximum)
    area = auc([ai for _, ai in pairs], [people >= scale.highly_relevant_from for people, _ in pairs])
    yield "The judge against the people, on the held-out half of the queries (the other half calibrated it)"
    yield f"  quadratic kappa  {_number(kappa)}"
    yield f"  AUC              {_number(area)}   (grades of {scale.highly_relevant_from} and more are relevant)"
    yield f"  same grade       {_number(exact_agreement(pairs))}"
    yield f"  n                {len(pairs)}     candidates of {sample.fields_run.name} that people graded"
    yield "  A similarity model, not an LLM: people reach a kappa of 0.74 to 0.80 among themselves. At the top of one"
    yield "  ranking documents are alike; what it reaches on all judged pairs of these queries stands in the README."


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
