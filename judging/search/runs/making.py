"""Make evaluation runs that are to be executed: from an evaluation's search inputs, or as clones."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from judging.foundation.errors import Conflict, Invalid
from judging.foundation.limits import MAX_DEPTH
from judging.metrics import DEFAULT_METRICS
from judging.models import (
    Evaluation,
    EvaluationRun,
    EvaluationRunStatus,
    QueryTemplate,
    RunQuery,
    SearchRun,
)
from judging.records.idempotency import find_earlier, make_once, once_of
from judging.records.lists.archiving import check_in_use
from judging.records.lists.new_runs import new_run
from judging.records.roles import Actor, require_member, user_of
from judging.search.runs.inputs import PINNED_FIELDS, checked_overrides, write_searches
from judging.search.runs.starting import address_of, search_of, start_search_run

_DEFAULT_SCALE = "graded"
_CHUNK = 1000


@dataclass(frozen=True, slots=True)
class RunOptions:
    """What can be chosen when a run is made; None: the evaluation's or the product's default."""

    scale: str | None = None
    metrics: Sequence[str] | None = None
    relevant_from: int = 1
    judgments_wanted: int = 1
    engine_model: str = ""
    depth: int | None = None
    query_limit: int | None = None
    query_template: QueryTemplate | None = None
    # What differs from the query template, by the names of its settings.
    overrides: Mapping[str, Any] = field(default_factory=dict)


def create_search_run(
    *,
    evaluation: Evaluation,
    actor: Actor,
    name: str,
    options: RunOptions | None = None,
    start: bool = False,
    idempotency_key: str = "",
) -> EvaluationRun:
    """Make a run that is `pending`, or `queued` with `start`.

    With an idempotency key, the same request again returns the run it made. Raise Forbidden, Invalid, Conflict
    (idempotency_key_reused), or what starting raises.
    """
    require_member(actor)
    options = options or RunOptions()
    template = options.query_template
    asked_for: dict[str, Any] = {"run_of": str(evaluation.pk), "name": name, "start": start}
    chosen = {**asdict(replace(options, query_template=None)), "query_template": str(template.pk) if template else None}
    once = once_of(idempotency_key, {**asked_for, **chosen})
    earlier = find_earlier(SearchRun, actor=actor, once=once)
    if earlier is not None:
        return earlier.evaluation_run
    check_in_use(evaluation)
    if evaluation.endpoint_id is None:
        raise no_endpoint()
    depth = evaluation.default_depth if options.depth is None else options.depth
    errors = {
        key: [f"a whole number from 1 to {most:,}"]
        for key, value, most in (("depth", depth, MAX_DEPTH), ("query_limit", options.query_limit, 2**31 - 1))
        if value is not None and not (isinstance(value, int) and 1 <= value <= most)
    }
    if errors:
        raise Invalid("a number is out of range", errors=errors)
    run = new_run(
        evaluation,
        actor,
        name,
        options.scale or evaluation.default_scale or _DEFAULT_SCALE,
        options.metrics if options.metrics is not None else evaluation.default_metrics or DEFAULT_METRICS,
        relevant_from=options.relevant_from,
        judgments_wanted=options.judgments_wanted,
        engine_model=options.engine_model,
        depth=depth,
    )
    search = SearchRun(
        evaluation_run=run,
        endpoint_id=evaluation.endpoint_id,
        query_set_id=evaluation.query_set_id,
        query_template_id=template.pk if template else evaluation.query_template_id,
        query_limit=options.query_limit,
        overrides=checked_overrides(options.overrides),
        created_by=user_of(actor),
        idempotency_key=once.key,
        request_hash=once.request_hash,
    )

    def make() -> SearchRun:
        with transaction.atomic():
            run.save(force_insert=True)
            search.save(force_insert=True)
            if start:
                search.evaluation_run = start_search_run(run=run, actor=actor)
        return search

    return make_once(SearchRun, make, actor=actor, once=once).evaluation_run


def clone_search_run(*, run: EvaluationRun, actor: Actor, name: str = "") -> EvaluationRun:
    """Make a pending run with the same pinned inputs. Raise Forbidden, or Conflict (not_executed, endpoint_changed)."""
    require_member(actor)
    check_in_use(run.evaluation)
    original = search_of(run)
    if original.pinned_at is not None and (
        original.endpoint is None or address_of(original.endpoint.url) != address_of(original.endpoint_url)
    ):
        raise Conflict("the endpoint's address is another one since this run", code="endpoint_changed")
    clone = new_run(
        run.evaluation,
        actor,
        name or f"{run.name} (again)",
        run.scale,
        run.metrics,
        relevant_from=run.relevant_from,
        judgments_wanted=run.judgments_wanted,
        engine_model=run.engine_model,
        depth=run.depth,
    )
    clone.cloned_from, clone.blind = run, run.blind
    search = SearchRun(evaluation_run=clone, created_by=user_of(actor))
    for name_ in ("endpoint_id", "query_set_id", "query_template_id", "query_limit", "overrides", *PINNED_FIELDS):
        setattr(search, name_, getattr(original, name_))
    with transaction.atomic():
        clone.save(force_insert=True)
        search.save(force_insert=True)
        if original.pinned_at is not None:
            _copy_queries(run.pk, clone.pk)
            search.pinned_at, search.total_count = timezone.now(), original.total_count
            search.save(update_fields=["pinned_at", "total_count"])
            EvaluationRun.objects.filter(pk=clone.pk, status=EvaluationRunStatus.PENDING).update(
                query_count=original.total_count
            )
    clone.refresh_from_db()
    return clone


def no_endpoint() -> Invalid:
    message = "The evaluation has no search endpoint: a run needs results."
    return Invalid(message, errors={"results": [message]}, code="not_executed")


def _copy_queries(source: UUID, target: UUID) -> None:
    rows = RunQuery.objects.filter(run_id=source).order_by("position")
    queries = rows.values_list("query_id", "position", "label", "body", "text", "tags")
    for start in range(0, rows.count(), _CHUNK):
        write_searches(target, queries[start : start + _CHUNK])
