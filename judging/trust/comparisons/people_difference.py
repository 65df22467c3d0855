"""What people would say of the difference of two runs: from the check samples that were made to compare them."""

from dataclasses import replace

from django.db.models import Q

from judging.models import Abstention, CheckSample, EvaluationRun, Goal
from judging.statistics.figures import Figure
from judging.trust.comparisons.remembered import grades_of, remembered
from judging.trust.samples.states import Reader, check_samples, metric_of, sample_state

# Void samples and older ones of the same metric are passed over; nobody makes more than this of two runs.
_MOST_SAMPLES = 100


def people_differences(a: EvaluationRun, b: EvaluationRun) -> dict[str, tuple[Figure, float | None]]:
    """Return what people would say of b - a by canonical name of the metric, from the newest sample that is not void.

    With each figure half the width of the total interval that holds at all looks together, None where it is refused.
    """
    of_both = Q(run=a, other_run=b) | Q(run=b, other_run=a)
    samples = list(check_samples().filter(of_both, goal=Goal.COMPARE)[:_MOST_SAMPLES])
    if not samples:
        return {}
    # What is skipped is part of it, and skipping changes no grade.
    last_skip = Abstention.objects.order_by("-pk").values_list("pk", flat=True).first()
    state = (tuple(sample.pk for sample in samples), last_skip, grades_of(a), grades_of(b))
    return remembered(("people", *state), lambda: _read(samples, b))


def _read(samples: list[CheckSample], b: EvaluationRun) -> dict[str, tuple[Figure, float | None]]:
    reader = Reader()
    found: dict[str, tuple[Figure, float | None]] = {}
    for sample in samples:
        metric = metric_of(sample)
        if metric is None or metric.canonical_name in found:
            continue
        state = sample_state(sample, reader)
        if state.status == "void":
            continue
        # A sample is of its run minus the other one.
        figure = state.estimate if sample.run_id == b.pk else reversed_figure(state.estimate)
        found[metric.canonical_name] = figure, state.anytime_half_width
    return found


def reversed_figure(figure: Figure) -> Figure:
    """Turn a difference a - b into b - a."""

    def negative(number: float | None) -> float | None:
        # Adding 0 makes 0 of -0.
        return None if number is None else 0.0 - number

    return replace(
        figure,
        value=negative(figure.value),
        low=negative(figure.high),
        high=negative(figure.low),
        low_total=negative(figure.high_total),
        high_total=negative(figure.low_total),
    )
