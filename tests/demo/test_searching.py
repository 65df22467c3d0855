"""What the demo's live searches need, made in the database; nothing is asked here."""

import io
import socket
from typing import Any

import pytest

from judging.demo.searching import DEPTH, ENDPOINT, TEMPLATES, demo_search_port, ensure_live_evaluation, ensure_live_run
from judging.management import serving
from judging.management.commands.serve import Command
from judging.models import (
    Evaluation,
    EvaluationRun,
    EvaluationRunStatus,
    QueryTemplate,
    SearchEndpoint,
    SearchQuerySet,
    SearchRun,
    SearchRunStatus,
    User,
)
from tests.factories import make_evaluation
from tests.ports import free_port

pytestmark = pytest.mark.django_db


@pytest.fixture
def evaluation(admin: User) -> Evaluation:
    return ensure_live_evaluation(actor=admin, corpus=make_evaluation().corpus)


def test_a_second_time_nothing_is_made(evaluation: Evaluation, admin: User) -> None:
    made = [
        [ensure_live_run(actor=admin, evaluation=known, name=name) for name in TEMPLATES]
        for known in (evaluation, ensure_live_evaluation(actor=admin, corpus=evaluation.corpus))
    ]
    assert made[0] == made[1]
    counts = [model.objects.count() for model in (SearchEndpoint, SearchQuerySet, QueryTemplate, EvaluationRun)]
    assert counts == [1, 1, 2, 2]


def test_each_run_asks_all_queries_with_the_template_of_its_name(evaluation: Evaluation, admin: User) -> None:
    for name, body in TEMPLATES.items():
        run = ensure_live_run(actor=admin, evaluation=evaluation, name=name)
        search = SearchRun.objects.get(pk=run.pk)
        assert (search.query_template_name, search.body, search.total_count, run.depth) == (name, body, 135, DEPTH)


def test_a_run_that_failed_is_made_anew(evaluation: Evaluation, admin: User) -> None:
    failed = ensure_live_run(actor=admin, evaluation=evaluation, name="Title only")
    SearchRun.objects.filter(pk=failed.pk).update(status=SearchRunStatus.FAILED)
    EvaluationRun.objects.filter(pk=failed.pk).update(status=EvaluationRunStatus.FAILED)
    assert ensure_live_run(actor=admin, evaluation=evaluation, name="Title only").status == EvaluationRunStatus.QUEUED
    assert not EvaluationRun.objects.filter(pk=failed.pk).exists()


def test_the_endpoint_follows_the_port(evaluation: Evaluation, admin: User, settings: Any) -> None:
    settings.DEMO_SEARCH_PORT = 18_999
    assert ensure_live_evaluation(actor=admin, corpus=evaluation.corpus) == evaluation
    assert demo_search_port() == 18_999


def test_an_endpoint_that_was_led_elsewhere_stays(evaluation: Evaluation, admin: User) -> None:
    SearchEndpoint.objects.update(url="https://search.example.com/shop/_search")
    ensure_live_evaluation(actor=admin, corpus=evaluation.corpus)
    assert SearchEndpoint.objects.get().url == "https://search.example.com/shop/_search"
    assert demo_search_port() is None


def test_without_the_endpoint_nobody_wants_the_search_service(db: None) -> None:
    assert demo_search_port() is None


def test_serve_starts_it_where_the_endpoint_asks_and_needs_it_for_nothing(evaluation: Evaluation) -> None:
    port = free_port()
    SearchEndpoint.objects.filter(name=ENDPOINT).update(url=f"http://127.0.0.1:{port}/electronics/_search")
    wanted = Command().free_demo_search_port()
    children = serving.children(listener=None, worker=True, local_judge=False, log_dir=None, demo_search_port=wanted)
    assert [(child.command[-1], child.is_optional) for child in children] == [
        (f"--port={port}", True),
        ("worker", False),
    ]


def test_serve_goes_without_it_when_its_port_is_taken(evaluation: Evaluation) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        SearchEndpoint.objects.filter(name=ENDPOINT).update(url=f"http://127.0.0.1:{port}/electronics/_search")
        said = io.StringIO()
        assert Command(stderr=said).free_demo_search_port() is None
        assert f"Port {port} on 127.0.0.1" in said.getvalue()
