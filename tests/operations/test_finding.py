"""The search over everything: what it finds, for whom, in which order, and what it costs."""

from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django.fixtures import DjangoAssertNumQueries
from rest_framework.test import APIClient

from judging.foundation import limits
from judging.judging_runs.starting import start_judging_run
from judging.models import BatchExecution, Evaluation, EvaluationRun, Evaluator, QueryTemplate, ResponseJudge, User
from judging.operations import finding
from judging.operations.finding import KINDS
from tests.factories import make_analysis, make_evaluation, make_judge, make_provider, make_run, make_user
from tests.rest_clients import assert_problem
from tests.search.runs.searching import make_search_evaluation

HTMX = {"HX-Request": "true"}
Names = Callable[..., list[tuple[str, str]]]


@pytest.fixture
def names(as_member: APIClient) -> Names:
    def read(text: str, client: APIClient = as_member) -> list[tuple[str, str]]:
        answer = client.get("/api/v1/search", {"q": text})
        assert answer.status_code == 200, answer.content
        return [(each["kind"], each["name"]) for each in answer.json()["results"]]

    return read


def test_every_kind_is_found_by_its_name_and_leads_to_its_page(member: User, names: Names, client: Client) -> None:
    run = make_run(name="zebra run", evaluation=make_evaluation(name="zebra evaluation"))
    judge = make_judge(make_provider(name="zebra provider"), name="zebra judge")
    judging_run = start_judging_run(evaluation_run=run, judge=judge, actor=member)
    searching = make_search_evaluation("http://127.0.0.1:9")
    for thing in (searching.endpoint, searching.query_set, searching.query_template):
        type(thing).objects.filter(pk=thing.pk).update(name=f"zebra {thing.pk}")
    analysis = make_analysis()
    type(analysis.evaluation).objects.filter(pk=analysis.evaluation_id).update(name="zebra analysis")
    Evaluator.objects.filter(name="Correctness").update(name="zebra preset")
    ResponseJudge.objects.filter(preset__gt="").update(name="zebra preset")
    batch = BatchExecution.objects.create(tags=["zebra"], max_concurrency=1, total_count=1)
    found = names("zebra")
    assert {kind for kind, _ in found} == set(KINDS)
    assert ("judging_run", "zebra judge v1") in found
    client.force_login(member, backend="django.contrib.auth.backends.ModelBackend")
    page = client.get("/find", {"q": "zebra"}).content.decode()
    assert reverse("judging_run", args=[judging_run.pk]) in page
    assert reverse("batch", args=[batch.pk]) in page
    assert "<html" not in client.get("/find", {"q": "zebra"}, headers=HTMX).content.decode()


@pytest.mark.parametrize("typed", ["ÜBERGRÖSSEN", "übergrößen", "ubergrossen", "  mode   übergr", "GRÖßEN mode"])
def test_case_umlauts_and_the_order_of_words_make_no_difference(names: Names, typed: str) -> None:
    make_run(name="Übergrößen, Mode")
    assert names(typed) == [("evaluation_run", "Übergrößen, Mode")]


def test_the_nearest_name_comes_first_and_then_the_newest(names: Names) -> None:
    evaluation = make_evaluation(name="e")
    for name in ("not bm25b", "old bm25", "bm25 late", "new bm25", "bm25"):
        make_run(name=name, evaluation=evaluation)
    found = [name for _, name in names("bm25")]
    assert found == ["bm25", "bm25 late", "new bm25", "old bm25", "not bm25b"]


def test_an_id_finds_its_thing(names: Names) -> None:
    run = make_run(name="by id")
    assert names(str(run.pk)) == names(str(run.pk)[:9].upper()) == [("evaluation_run", "by id")]


def test_raters_find_evaluation_runs_alone(names: Names, as_rater: APIClient) -> None:
    make_run(name="apple", evaluation=make_evaluation(name="apple evaluation"))
    make_judge(name="apple judge")
    assert names("apple", as_rater) == [("evaluation_run", "apple")]


def test_what_is_private_to_others_is_not_found(names: Names, as_admin: APIClient) -> None:
    other = make_user()
    make_judge(make_provider(name="hidden provider", owner=other), name="hidden judge", owner=other)
    assert names("hidden") == []
    assert len(names("hidden", as_admin)) == 2


def test_archived_things_are_not_found(names: Names, member: User) -> None:
    template = QueryTemplate.objects.create(name="shelved")
    run = make_run(name="shelved", evaluation=make_evaluation(name="shelved"))
    start_judging_run(evaluation_run=run, judge=make_judge(name="shelved judge"), actor=member)
    assert len(names("shelved")) == 5
    QueryTemplate.objects.filter(pk=template.pk).update(archived_at=template.created_at)
    EvaluationRun.objects.filter(pk=run.pk).update(archived_at=template.created_at)
    assert {kind for kind, _ in names("shelved")} == {"evaluation", "ai_judge"}
    EvaluationRun.objects.update(archived_at=None)
    Evaluation.objects.update(archived_at=template.created_at)
    assert {kind for kind, _ in names("shelved")} == {"ai_judge"}


def test_names_are_escaped_and_signs_of_patterns_mean_themselves(names: Names, client: Client, member: User) -> None:
    make_run(name="<script>alert(1)</script> 100%_(a+")
    assert len(names("100%_(a+")) == 1
    assert names("1__%") == []
    client.force_login(member, backend="django.contrib.auth.backends.ModelBackend")
    page = client.get("/find", {"q": "<script>alert(1)"}, headers=HTMX).content.decode()
    assert "<script>alert(1)</script>" not in page
    assert "&lt;script&gt;" in page


def test_nothing_to_look_for_and_too_much_of_it_are_refused(as_member: APIClient, names: Names) -> None:
    for text in ("", "  ", "x" * (limits.MAX_SEARCH + 1), "a\0b"):
        assert_problem(as_member.get("/api/v1/search", {"q": text}), 400)


def test_the_answer_and_what_is_looked_at_are_bounded(
    names: Names, monkeypatch: pytest.MonkeyPatch, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    evaluation = make_evaluation(name="e")
    for number in range(limits.MAX_FOUND + 2):
        make_run({"q": ["d"]}, name=f"many {number}", evaluation=evaluation)
    with django_assert_max_num_queries(16):
        assert len(names("many")) == limits.MAX_FOUND
    monkeypatch.setattr(finding, "MAX_SEARCHED", 1)
    assert names("many") == [("evaluation_run", f"many {limits.MAX_FOUND + 1}")]
