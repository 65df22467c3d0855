"""`/metrics`: the state of the installation in Prometheus' text format, read from the database at each request."""

import ipaddress
from collections.abc import Iterable, Iterator, Mapping
from datetime import timedelta

from django.conf import settings
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from judging.foundation.clock import shared_now
from judging.models import BatchExecution, EvaluationRun, JudgingRun
from judging.operations import totals
from judging.people.tokens import authenticate_token
from judging.rest.problems import problem_response
from judging.runs.importing.interrupted import interrupted_imports
from judging.work import queue, workers

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_RECENTLY = timedelta(hours=1)
_OF_PROXIES = ("Forwarded", "Via", "X-Real-Ip", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto")

Samples = Iterable[tuple[Mapping[str, str], float]]


@require_safe
@never_cache
def metrics(request: HttpRequest) -> HttpResponse:
    """Answer requests with an admin's token and, unless there is a proxy, from this machine."""
    if not _is_local(request):
        scheme, _, secret = request.headers.get("Authorization", "").partition(" ")
        token = authenticate_token(secret.strip()) if scheme.lower() == "bearer" else None
        if token is None:
            refused = problem_response(401, "The metrics are for this machine, and for the tokens of admins.")
            refused["WWW-Authenticate"] = 'Bearer realm="releval"'
            return refused
        if not token.user.is_admin:
            return problem_response(403, "The metrics are for admins.")
    try:
        lines = list(_up(1))
        for metric in _metrics():
            lines.extend(metric)
    except DatabaseError:
        # A failed scrape would look as if the process were down.
        lines = list(_up(0))
    return HttpResponse("\n".join([*lines, ""]), content_type=CONTENT_TYPE)


def _is_local(request: HttpRequest) -> bool:
    # A proxy on this machine calls for others, and most of them say so.
    is_forwarded = any(name in request.headers for name in _OF_PROXIES)
    if is_forwarded or settings.REST_FRAMEWORK["NUM_PROXIES"]:
        return False
    try:
        return ipaddress.ip_address(request.META.get("REMOTE_ADDR", "")).is_loopback
    except ValueError:
        return False


def _up(value: int) -> Iterator[str]:
    return _metric("releval_database_up", "gauge", "Whether the database answers.", [({}, value)])


def _metrics() -> Iterator[Iterator[str]]:
    now = shared_now()
    for name, title, model in (
        ("evaluation_runs", "Evaluation runs by status.", EvaluationRun),
        ("judging_runs", "AI judging runs by status.", JudgingRun),
        ("batches", "Batch executions by status.", BatchExecution),
    ):
        counts = totals.counts_by_status(model)
        yield _metric(f"releval_{name}", "gauge", title, _by("status", counts))
    by_kind = totals.totals_by_kind()
    # Gauges, all that is summed over rows: a deleted run takes its share along, which a counter must not.
    yield _metric(
        "releval_judging_items", "gauge", "Judging items by outcome.", _by("outcome", by_kind["judging"].items)
    )
    yield _metric("releval_batch_items", "gauge", "Batch items by outcome.", _by("outcome", by_kind["batch"].items))
    calls = {kind: totals.calls for kind, totals in by_kind.items()}
    yield _metric("releval_calls", "gauge", "Calls to AI providers.", _by("kind", calls))
    tokens = [
        ({"kind": kind, "direction": direction}, getattr(totals, f"{direction}_tokens"))
        for kind, totals in by_kind.items()
        for direction in ("input", "output")
    ]
    yield _metric("releval_tokens", "gauge", "Tokens that AI providers counted.", tokens)
    recent = {code or "none": count for code, count in totals.calls_by_error(now - _RECENTLY).items()}
    yield _metric(
        "releval_calls_last_hour", "gauge", "Calls of the last hour by error code.", _by("error_code", recent)
    )
    waiting_since = queue.oldest_waiting_since()
    age = 0.0 if waiting_since is None else max((now - waiting_since).total_seconds(), 0.0)
    yield _metric(
        "releval_queue_waiting_tasks", "gauge", "Tasks that wait for a worker.", [({}, queue.waiting_tasks())]
    )
    yield _metric("releval_queue_oldest_seconds", "gauge", "How long the oldest of them waits.", [({}, round(age, 3))])
    alive = workers.live_workers()
    yield _metric("releval_workers", "gauge", "Worker processes seen within 30 s.", [({}, alive)])
    stalled = totals.stalled_lanes().count()
    yield _metric("releval_stalled_lanes", "gauge", "Shares of runs whose worker is gone for long.", [({}, stalled)])
    left = interrupted_imports().count()
    yield _metric("releval_interrupted_imports", "gauge", "Imports whose process was killed.", [({}, left)])


def _by(label: str, counts: Mapping[str, int]) -> Samples:
    return [({label: value}, count) for value, count in sorted(counts.items())]


def _metric(name: str, kind: str, title: str, samples: Samples) -> Iterator[str]:
    yield f"# HELP {name} {title}"
    yield f"# TYPE {name} {kind}"
    for labels, value in samples:
        shown = ",".join(f'{label}="{_escaped(text)}"' for label, text in labels.items())
        yield f"{name}{{{shown}}} {value}" if shown else f"{name} {value}"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
