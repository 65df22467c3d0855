"""Evaluations as pages: made, edited, deleted, their runs side by side."""

import json
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from judging.models import Corpus, Evaluation, EvaluationRun, RunQuery, User
from judging.trust.samples.acts import create_check_sample
from tests.factories import make_certificate, make_evaluation, make_run
from tests.markup import one_line

EVIL = "<script>alert(1)</script>"


@pytest.fixture
def visit(member: User) -> Client:
    client = Client()
    client.force_login(member, backend="django.contrib.auth.backends.ModelBackend")
    return client


def text_of(client: Client, path: str) -> str:
    response = client.get(path)
    assert response.status_code == 200, response.content
    return response.content.decode()


def test_the_list_says_what_to_do_while_it_is_empty(visit: Client) -> None:
    assert "Load the electronics collection" in text_of(visit, "/evaluations")


def test_a_new_evaluation_gets_its_own_corpus_and_opens_the_import(visit: Client) -> None:
    response = visit.post("/evaluations/new", {"name": "Shop", "description": "Be strict.", "match_mode": "oid"})
    evaluation = Evaluation.objects.select_related("corpus").get()
    assert response["Location"] == f"/evaluations/{evaluation.pk}/import"
    assert (evaluation.corpus.name, evaluation.corpus.match_mode) == ("Shop", "oid")
    assert evaluation.description == "Be strict."


def test_a_refused_evaluation_keeps_what_was_typed_and_makes_no_corpus(visit: Client) -> None:
    page = visit.post("/evaluations/new", {"name": " \x0b ", "description": EVIL}).content.decode()
    assert "&lt;script&gt;" in page
    assert not Corpus.objects.exists()


def test_an_evaluation_compares_its_runs_with_coverage(visit: Client) -> None:
    evaluation = make_evaluation(description="Guidelines of ours")
    for name, value in (("before", 0.5), ("after", 0.625)):
        run = make_run(evaluation=evaluation, name=name, metrics=["NDCG@10"])
        RunQuery.objects.filter(run=run).update(is_scored=True, metric_values={"NDCG@10": value})
        EvaluationRun.objects.filter(pk=run.pk).update(
            metric_values={"NDCG@10": value}, coverage_values={"NDCG@10": 0.8}
        )
    page = text_of(visit, f"/evaluations/{evaluation.pk}")
    for words in ("Guidelines of ours", "0.5000", "0.6250", "80 % judged", "+0.1250", "<b>2</b> better", "(best)"):
        assert words in page
    assert json.loads(page.split('id="trend" type="application/json">')[1].split("</script>")[0])["series"] == [
        {"name": "NDCG@10", "values": [0.5, 0.625]}
    ]


def test_the_highest_value_is_called_best_from_the_coverage_that_is_set(visit: Client, settings: Any) -> None:
    evaluation = make_evaluation()
    for value, coverage in ((0.5, 1.0), (0.625, 0.79)):
        run = make_run(evaluation=evaluation, metrics=["NDCG@10"])
        EvaluationRun.objects.filter(pk=run.pk).update(
            metric_values={"NDCG@10": value}, coverage_values={"NDCG@10": coverage}
        )
    page = text_of(visit, f"/evaluations/{evaluation.pk}")
    assert "(best)" not in page
    assert page.count("highest, but under 80 % judged") == 1
    settings.BEST_COVERAGE = 79
    page = text_of(visit, f"/evaluations/{evaluation.pk}")
    assert page.count("(best)") == 1
    assert "highest, but" not in page


def test_runs_on_different_scales_are_not_compared(visit: Client) -> None:
    evaluation = make_evaluation()
    for scale in ("graded", "binary"):
        make_run(evaluation=evaluation, scale=scale, metric_values={"NDCG@10": 0.5})
    assert "judged on different scales" in text_of(visit, f"/evaluations/{evaluation.pk}")


def test_name_and_guidelines_are_edited(visit: Client) -> None:
    evaluation = make_evaluation(name="Old")
    assert 'value="Old"' in text_of(visit, f"/evaluations/{evaluation.pk}?edit=1")
    visit.post(f"/evaluations/{evaluation.pk}/edit", {"name": "New", "description": "Strict."})
    evaluation.refresh_from_db()
    assert (evaluation.name, evaluation.description) == ("New", "Strict.")
    refused = visit.post(f"/evaluations/{evaluation.pk}/edit", {"name": "", "description": "Kept"}).content.decode()
    assert "This field is required." in refused
    assert "Kept</textarea>" in refused


def test_an_evaluation_with_a_locked_run_is_not_deleted(visit: Client) -> None:
    run = make_run(is_locked=True, locked_at=timezone.now())
    assert visit.post(f"/evaluations/{run.evaluation_id}/delete").status_code == 409
    EvaluationRun.objects.update(is_locked=False)
    assert visit.post(f"/evaluations/{run.evaluation_id}/delete").status_code == 302
    assert not Evaluation.objects.exists()


SETTINGS = {
    "name": "renamed",
    "metrics": ["P@10"],
    "more_metrics": "P@3",
    "relevant_from": "2",
    "judgments_wanted": "3",
    "engine_model": "e5-large",
}


def test_settings_of_a_run_begin_with_what_it_has(visit: Client) -> None:
    run = make_run(name="first", metrics=["NDCG@10", "P@7"], judgments_wanted=2, engine_model="e5")
    assert f'href="/evaluations/runs/{run.pk}/settings"' in text_of(visit, f"/evaluations/runs/{run.pk}")
    form = visit.get(f"/evaluations/runs/{run.pk}/settings").context["form"]
    assert form.initial == {
        "name": "first",
        "description": "",
        "metrics": ["NDCG@10"],
        "more_metrics": "P@7",
        "relevant_from": 1,
        "judgments_wanted": 2,
        "engine_model": "e5",
        "blind": False,
    }


def test_changed_settings_are_saved_and_metrics_computed_anew(visit: Client) -> None:
    run = make_run()
    response = visit.post(f"/evaluations/runs/{run.pk}/settings", SETTINGS, follow=True)
    assert "The metrics are computed anew." in response.content.decode()
    run.refresh_from_db()
    assert (run.name, run.judgments_wanted, run.engine_model) == ("renamed", 3, "e5-large")
    assert (run.metrics, run.relevant_from) == (["P@10", "P@3"], 2)
    assert list(run.metric_values) == ["P@10", "P@3"]
    again = visit.post(f"/evaluations/runs/{run.pk}/settings", SETTINGS, follow=True)
    assert "computed anew" not in again.content.decode()


@pytest.mark.parametrize(
    "wrong", [{"more_metrics": f"{EVIL}@3"}, {"relevant_from": "5"}, {"judgments_wanted": "21"}, {"name": " "}]
)
def test_refused_settings_stay_in_the_form_and_change_nothing(visit: Client, wrong: dict[str, str]) -> None:
    run = make_run(name="first")
    response = visit.post(f"/evaluations/runs/{run.pk}/settings", SETTINGS | wrong)
    page = response.content.decode()
    assert list(response.context["form"].errors) in (list(wrong), ["metrics"])
    assert "e5-large" in page
    assert EVIL not in page
    run.refresh_from_db()
    assert (run.name, run.judgments_wanted) == ("first", 1)


def test_settings_of_a_locked_run_stand_still(visit: Client) -> None:
    run = make_run(name="first", is_locked=True, locked_at=timezone.now())
    for page in (
        text_of(visit, f"/evaluations/runs/{run.pk}/settings"),
        visit.post(f"/evaluations/runs/{run.pk}/settings", SETTINGS).content.decode(),
    ):
        assert "This run is locked" in page
        assert "Save</button>" not in page
    run.refresh_from_db()
    assert run.name == "first"


def test_settings_say_which_change_voids_certificates(visit: Client, member: User) -> None:
    run = make_run()
    url = f"/evaluations/runs/{run.pk}/settings"
    assert "void" not in text_of(visit, url)
    certificate = make_certificate(create_check_sample(run=run, goal="certify", metric="P@10", actor=member))
    assert "void for good when" in one_line(text_of(visit, url))
    visit.post(url, SETTINGS)
    certificate.refresh_from_db()
    assert certificate.void_reason == "relevant_from_changed"
