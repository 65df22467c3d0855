"""New evaluation runs, whether their results are imported or searched for."""

from collections.abc import Sequence

from judging.foundation.errors import Invalid
from judging.foundation.scales import SCALES
from judging.foundation.validation import clean
from judging.metrics import parse_metric, validate_metrics
from judging.models import Evaluation, EvaluationRun
from judging.records.roles import Actor, user_of


def new_run(
    evaluation: Evaluation,
    actor: Actor,
    name: str,
    scale: str,
    metrics: Sequence[str],
    relevant_from: int = 1,
    judgments_wanted: int = 1,
    engine_model: str = "",
    depth: int | None = None,
) -> EvaluationRun:
    """Return an unsaved pending run, its values checked all together. Raise Invalid.

    With a depth it is to be executed: no metric is cut deeper than the lists will be.
    """
    errors: dict[str, list[str]] = {}
    try:
        metrics = validate_metrics(metrics)
        too_deep = [name for name in metrics if depth is not None and (parse_metric(name).cutoff or 0) > depth]
        if too_deep:
            errors["metrics"] = [f"{name} is cut deeper than the {depth} candidates asked for." for name in too_deep]
    except Invalid as error:
        metrics = []
        errors |= error.errors
    run = EvaluationRun(
        evaluation=evaluation,
        name=name.strip() if isinstance(name, str) else name,
        scale=scale,
        metrics=metrics,
        relevant_from=relevant_from,
        judgments_wanted=judgments_wanted,
        engine_model=engine_model.strip(),
        depth=depth,
        created_by=user_of(actor),
    )
    if scale in SCALES and isinstance(relevant_from, int) and relevant_from > SCALES[scale].maximum:
        errors["relevant_from"] = [f"The highest grade of this scale is {SCALES[scale].maximum}."]
    # What is derived from judgments is empty so far, and so are the metrics where they were refused.
    clean(run, exclude=["metrics", "metric_values", "coverage_values"], errors=errors)
    return run
