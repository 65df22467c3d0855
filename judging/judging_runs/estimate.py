"""What an AI judging run would come to before it is started."""

import random
from dataclasses import dataclass

from django.db import connection
from django.db.models import Avg

from judging.asking.prompting import PromptCandidate, TemplateError, build_messages
from judging.judging_runs.run_reads import newest_ended_run_of
from judging.judging_runs.scope import JudgingScope, count_of_record, count_scope, plan_select, positions_in_scope
from judging.models import AIJudge, Call, Candidate, EvaluationRun, JudgingRun
from judging.providers.token_counts import message_tokens
from judging.records.judge_specs import evaluation_context_of, judge_spec_of

SAMPLED_PROMPTS = 20
_LATENCY_SAMPLE = 200
# A rule of thumb where nothing was measured yet: a block with a grade and its reasoning.
_OUTPUT_TOKENS = 60


@dataclass(frozen=True, slots=True)
class Estimate:
    """Candidates, prompts, tokens, price (None: the judge has none), seconds (None: not known).

    `basis`: "earlier_run" (measured by the same judge), "sample" (from rendered prompts) or "nothing" (none in scope).
    `replaced_count`: how many of the candidates have an AI grade of record, whose place the new one would take.
    """

    candidates: int
    calls: int
    input_tokens: int
    output_tokens: int
    cost: float | None
    seconds: float | None
    basis: str
    replaced_count: int = 0


def estimate(
    run: EvaluationRun, judge: AIJudge, scope: JudgingScope, *, max_concurrency: int | None = None, trial: bool = False
) -> Estimate:
    """Estimate what `judge`, as it is now, would take for the scope. A handful of statements whatever the size.

    A trial replaces nothing.
    """
    candidates, calls = count_scope(run, scope, judge.batch_size)
    if not candidates:
        return Estimate(0, 0, 0, 0, judge.cost_of(0, 0), 0.0, "nothing")
    concurrency = max_concurrency or judge.max_concurrency
    earlier = newest_ended_run_of(judge.pk)
    if earlier is not None and not earlier.is_usage_unknown:
        done = earlier.judged_count + earlier.failed_count
        input_tokens = round(candidates * earlier.input_tokens / done)
        output_tokens = round(candidates * earlier.output_tokens / done)
        seconds = _seconds(earlier, calls, concurrency)
        basis = "earlier_run"
    else:
        input_tokens = round(calls * _sampled_input_tokens(run, judge, scope))
        output_tokens = candidates * _OUTPUT_TOKENS
        seconds = None
        basis = "sample"
    cost = judge.cost_of(input_tokens, output_tokens)
    replaced = 0 if trial else count_of_record(run, scope)
    return Estimate(candidates, calls, input_tokens, output_tokens, cost, seconds, basis, replaced)


def _seconds(earlier: JudgingRun, calls: int, concurrency: int) -> float | None:
    """From how long replies took lately, not from the run's clock: that also counts waiting for a worker."""
    answered = Call.objects.filter(judging_run=earlier, error_code="").order_by("-pk")
    newest = answered.values_list("pk", flat=True)[:_LATENCY_SAMPLE]
    latency_ms = Call.objects.filter(pk__in=list(newest)).aggregate(mean=Avg("latency_ms"))["mean"]
    if latency_ms is None:
        return None
    return -(-calls // concurrency) * float(latency_ms) / 1000


def _sampled_input_tokens(run: EvaluationRun, judge: AIJudge, scope: JudgingScope) -> float:
    """Render some prompts of some queries of the plan and return the tokens of a mean one."""
    draw = random.Random(scope.sample_seed)
    positions = positions_in_scope(run, scope)
    positions = draw.sample(positions, min(len(positions), SAMPLED_PROMPTS))
    _, calls = count_scope(run, scope, judge.batch_size, positions=positions)
    numbers = draw.sample(range(1, calls + 1), min(calls, SAMPLED_PROMPTS))
    if not numbers:
        return 0.0  # judged by somebody a moment ago
    sql, parameters = plan_select(run, scope, judge.batch_size, positions=positions)
    marks = ", ".join(["%s"] * len(numbers))
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT id, number FROM ({sql}) plan WHERE number IN ({marks})", [*parameters, *numbers])
        number_of = dict(cursor.fetchall())
    prompts: dict[int, list[Candidate]] = {}
    found = Candidate.objects.filter(pk__in=number_of).select_related("run_query", "document", "document_version")
    for candidate in found.order_by("position", "rank"):
        prompts.setdefault(number_of[candidate.pk], []).append(candidate)
    spec, evaluation = judge_spec_of(judge), evaluation_context_of(run)
    tokens = 0.0
    for group in prompts.values():
        shown = [
            PromptCandidate(each.document.external_id, version.title, version.fields or {}, version.image)
            for each in group
            for version in [each.document_version]
        ]
        try:
            messages = build_messages(group[0].run_query.body, shown, settings=spec.prompt, evaluation=evaluation)
        except TemplateError:
            continue  # its items would fail without a call
        tokens += sum(message_tokens(message) for message in messages)
    return tokens / max(1, len(prompts))
