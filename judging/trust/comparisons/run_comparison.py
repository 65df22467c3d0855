"""Evaluation runs of one corpus against each other, query by query, on the values that their pages show."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations, islice
from typing import Literal
from uuid import UUID

import numpy as np
from django.db.models import TextField
from django.db.models.functions import Cast

from judging.foundation.errors import Conflict, Invalid, NotFound
from judging.ledger.staleness import with_staleness
from judging.models import EvaluationRun, RunQuery
from judging.statistics.figures import Figure
from judging.statistics.paired import PairedComparison, compare_paired, holm
from judging.statistics.tables import Flags, Floats, Integers
from judging.trust.comparisons.judges_of_record import counts_ai_grades, judge_models
from judging.trust.comparisons.model_families import is_same_family
from judging.trust.comparisons.people_difference import people_differences
from judging.trust.comparisons.queries.query_values import metric_names
from judging.trust.comparisons.remembered import grades_of, remembered
from judging.trust.grades import check_completed

Verdict = Literal["better", "worse", "no_difference_seen", "cannot_tell"]
WarningCode = Literal["same_model_family"]

MAX_RUNS = 8
_CHUNK = 1000


@dataclass(frozen=True, slots=True)
class MetricComparison:
    """One metric of two runs, over the queries that have its value in both.

    `metric` is its canonical name; `value_a` and `value_b` are means over these queries, None without any. `p_holm` is
    p after looking at all pairs of more than two runs.
    """

    metric: str
    value_a: float | None
    value_b: float | None
    paired: PairedComparison
    p_holm: float | None = None

    @property
    def verdict(self) -> Verdict:
        """Say what the values as they stand say, whoever's grades they rest on."""
        return verdict_of(self.paired.figure)


@dataclass(frozen=True, slots=True)
class PairComparison:
    """Two of the compared runs, as indexes of them: how b differs from a in each metric that both have."""

    a: int
    b: int
    metrics: list[MetricComparison]


@dataclass(frozen=True, slots=True)
class PeoplesDifference:
    """How b differs from a in a metric by what people would say, b - a, from a check sample of what differs.

    `anytime_half_width` is half the width of its total interval that holds at all looks together: people look while they
    grade, and an ordinary one would then be wrong a third of the time.
    """

    difference: Figure
    anytime_half_width: float | None = None

    @property
    def verdict(self) -> Verdict:
        """Read it from its interval for queries like these, and from nothing else."""
        return verdict_of(self.difference, anytime_half_width=self.anytime_half_width)


@dataclass(frozen=True, slots=True)
class SameFamily:
    """That a run's engine ranks with a model of the family of a judge whose grades count for it."""

    run: EvaluationRun
    judge_model: str
    code: WarningCode = "same_model_family"

    @property
    def message(self) -> str:
        """Say what follows from it."""
        return (
            f"The judge ({self.judge_model}) and the engine behind {self.run.name} ({self.run.engine_model}) are models"
            " of one family. A judge favours what ranks as it judges: trust people's grades here, not the AI's."
        )


@dataclass(frozen=True, eq=False)
class RunComparison:
    """The runs in the order asked for, their values by query, and all pairs of them; the first pair is a and b.

    `query_count` is how many queries are scored in both of that first pair, `people` holds by canonical name what check
    samples of it say.
    """

    runs: list[EvaluationRun]
    query_count: int
    pairs: list[PairComparison]
    has_ai_grades: bool
    warnings: list[SameFamily]
    people: Mapping[str, PeoplesDifference]

    @property
    def pair(self) -> PairComparison:
        """The comparison of the first two."""
        return self.pairs[0]


@dataclass(frozen=True, eq=False)
class RunValues:
    """The metric values of runs over all of their scored queries.

    `query_ids` are the corpus's, rising. `is_scored` has shape (runs, queries), `table` (runs, queries, metrics) with
    NaN where there is no value; `metrics` are the canonical names that stand for its columns.
    """

    query_ids: Integers
    is_scored: Flags
    table: Floats
    metrics: list[str]


def verdict_of(figure: Figure, *, anytime_half_width: float | None = None) -> Verdict:
    """Read a difference b - a from its interval for queries like these, and from nothing else.

    With `anytime_half_width` from the interval of that half-width instead. Method, "Stop on an answer".
    """
    value, low, high = figure.value, figure.low_total, figure.high_total
    if value is None or low is None or high is None:
        return "cannot_tell"
    if anytime_half_width is not None:
        low, high = value - anytime_half_width, value + anytime_half_width
    return "better" if low > 0 else "worse" if high < 0 else "no_difference_seen"


def read_runs(run_ids: Sequence[UUID]) -> list[EvaluationRun]:
    """Return the runs to compare in the order asked for. Raise NotFound, or Invalid for more than eight.

    Those after the first two count once; the first two may be one and the same, which differs in nothing.
    """
    pair = list(run_ids[:2])
    wanted = [*pair, *dict.fromkeys(run_id for run_id in run_ids[2:] if run_id not in pair)]
    if len(wanted) > MAX_RUNS:
        raise Invalid(f"at most {MAX_RUNS} runs at a time", errors={"with": [f"at most {MAX_RUNS} runs in all"]})
    rows = with_staleness(EvaluationRun.objects.select_related("evaluation__corpus"))
    found = {run.pk: run for run in rows.filter(pk__in=wanted)}
    if len(found) < len(set(wanted)):
        raise NotFound("no such evaluation run")
    return [found[run_id] for run_id in wanted]


def comparison_of(runs: Sequence[EvaluationRun]) -> RunComparison:
    """Compare two runs or more, with what check samples of the first two say. Raise Conflict as `compare_runs` does."""
    check_comparable(runs)
    said = people_differences(runs[0], runs[1]).items()
    return compare_runs(runs, people={name: PeoplesDifference(*figure) for name, figure in said})


def compare_runs(
    runs: Sequence[EvaluationRun], *, people: Mapping[str, PeoplesDifference] | None = None
) -> RunComparison:
    """Compare two runs or more, every pair in the metrics that both have, matched by the corpus's queries.

    `people` is what people would say of the first two, by canonical name of the metric. Raise Conflict:
    run_not_completed, corpora_differ, scales_differ, relevant_from_differs.
    """
    check_comparable(runs)
    state = tuple(grades_of(run) for run in runs)
    query_count, pairs = remembered(("significance", state), lambda: _compare(runs))
    return RunComparison(
        runs=list(runs),
        query_count=query_count,
        pairs=pairs,
        has_ai_grades=any(_counts_ai_grades(run) for run in dict.fromkeys(runs)),
        warnings=_warnings(runs),
        people=people or {},
    )


def _counts_ai_grades(run: EvaluationRun) -> bool:
    return remembered(("ai grades", grades_of(run)), lambda: counts_ai_grades(run))


def _compare(runs: Sequence[EvaluationRun]) -> tuple[int, list[PairComparison]]:
    """Return how many queries are scored in both of the first two, and all pairs."""
    names = [metric_names(run) for run in runs]
    values = read_run_values(runs)
    pairs = list(combinations(range(len(runs)), 2))
    shared = [[name for name in names[a] if name in names[b]] for a, b in pairs]
    columns = [
        (a, b, values.metrics.index(name)) for (a, b), metrics in zip(pairs, shared, strict=True) for name in metrics
    ]
    shape = (len(values.query_ids), len(columns))
    before, after = (
        np.stack([values.table[column[side], :, column[2]] for column in columns], axis=1)
        if columns
        else np.empty(shape)
        for side in (0, 1)
    )
    found = iter(zip(before.T, after.T, compare_paired(before, after), strict=True))
    compared = [
        PairComparison(a, b, [_metric(name, *next(found)) for name in metrics])
        for (a, b), metrics in zip(pairs, shared, strict=True)
    ]
    query_count = int((values.is_scored[0] & values.is_scored[1]).sum())
    return query_count, _with_holm(compared) if len(compared) > 1 else compared


def check_comparable(runs: Sequence[EvaluationRun]) -> None:
    """Raise Conflict where the values of two runs do not mean the same."""
    for run in runs:
        check_completed(run)
    first = runs[0]
    for run in runs[1:]:
        if run.evaluation.corpus_id != first.evaluation.corpus_id:
            raise Conflict(f"{first.name} and {run.name} belong to different corpora", code="corpora_differ")
        if run.scale != first.scale:
            raise Conflict(f"{first.name} and {run.name} are graded on different scales", code="scales_differ")
        if run.relevant_from != first.relevant_from:
            message = (
                f"relevant begins at {first.relevant_from} in {first.name} and at {run.relevant_from} in {run.name}"
            )
            raise Conflict(message, code="relevant_from_differs")


def read_run_values(runs: Sequence[EvaluationRun]) -> RunValues:
    """Read the values of runs by query, in every metric that one of them has."""
    names = [metric_names(run) for run in runs]
    metrics = list(dict.fromkeys(name for of_run in names for name in of_run))
    read = [_values_of(run, [of_run.get(name) for name in metrics]) for run, of_run in zip(runs, names, strict=True)]
    query_ids = np.unique(np.concatenate([ids for ids, _ in read]))
    is_scored = np.zeros((len(runs), len(query_ids)), dtype=np.bool_)
    table = np.full((len(runs), len(query_ids), len(metrics)), np.nan)
    for index, (ids, values) in enumerate(read):
        places = np.searchsorted(query_ids, ids)
        is_scored[index, places] = True
        table[index, places] = values
    return RunValues(query_ids, is_scored, table, metrics)


def _values_of(run: EvaluationRun, names: Sequence[str | None]) -> tuple[Integers, Floats]:
    """Read the scored queries of a run with their values under `names`, NaN under None."""
    # Parsed as text, a thousand rows at a time: field by field takes four times as long.
    rows = (
        RunQuery.objects.filter(run=run, is_scored=True)
        .order_by()
        .values_list("query_id", Cast("metric_values", TextField()))
        .iterator(chunk_size=_CHUNK)
    )
    ids: list[int] = []
    values: list[list[float]] = []
    while chunk := list(islice(rows, _CHUNK)):
        ids += [query_id for query_id, _ in chunk]
        for found in json.loads(f"[{','.join(text for _, text in chunk)}]"):
            row = [None if name is None else found.get(name) for name in names]
            values.append([np.nan if value is None else value for value in row])
    return np.array(ids, dtype=np.int64), np.array(values, dtype=np.float64).reshape(len(ids), len(names))


def _metric(name: str, a: Floats, b: Floats, paired: PairedComparison) -> MetricComparison:
    both = ~np.isnan(a) & ~np.isnan(b)
    value_a, value_b = (float(side[both].mean()) if both.any() else None for side in (a, b))
    return MetricComparison(name, value_a, value_b, paired)


def _with_holm(pairs: list[PairComparison]) -> list[PairComparison]:
    """Adjust the p values of each metric for all pairs that have one."""
    adjusted: dict[tuple[int, str], float] = {}
    for metric in dict.fromkeys(each.metric for pair in pairs for each in pair.metrics):
        tested = [
            (index, each.paired.p_randomisation)
            for index, pair in enumerate(pairs)
            for each in pair.metrics
            if each.metric == metric and each.paired.p_randomisation is not None
        ]
        for (index, _), p in zip(tested, holm([p for _, p in tested]), strict=True):
            adjusted[index, metric] = p
    return [
        replace(pair, metrics=[replace(each, p_holm=adjusted.get((index, each.metric))) for each in pair.metrics])
        for index, pair in enumerate(pairs)
    ]


def _warnings(runs: Sequence[EvaluationRun]) -> list[SameFamily]:
    engines = [run for run in dict.fromkeys(runs) if run.engine_model]
    # A judge that counts for one run favours the engine of the other, too.
    models = sorted({model for run in dict.fromkeys(runs) for model in judge_models(run)}) if engines else []
    return [SameFamily(run, model) for run in engines for model in models if is_same_family(model, run.engine_model)]
