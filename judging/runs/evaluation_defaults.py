"""What a run of an evaluation takes that names nothing itself."""

from collections.abc import Sequence

from judging.foundation.errors import Invalid
from judging.metrics import parse_metrics
from judging.models import Evaluation


def take_defaults(
    evaluation: Evaluation, *, depth: int | None, scale: str | None, metrics: Sequence[str] | None
) -> dict[str, list[str]]:
    """Set what a run takes that names none, None leaves as it is; return the problems of the metrics by field."""
    evaluation.default_depth = evaluation.default_depth if depth is None else depth
    evaluation.default_scale = evaluation.default_scale if scale is None else scale
    evaluation.default_metrics = evaluation.default_metrics if metrics is None else list(metrics)
    if not evaluation.default_metrics:
        return {}
    try:
        parsed = parse_metrics(evaluation.default_metrics)
    except Invalid as error:
        return {"default_metrics": error.errors["metrics"]}
    evaluation.default_metrics = [metric.name for metric in parsed]
    too_deep = [
        f"{metric.name} is cut deeper than the depth, {evaluation.default_depth}."
        for metric in parsed
        if metric.cutoff is not None and metric.cutoff > evaluation.default_depth
    ]
    return {"default_metrics": too_deep} if too_deep else {}
