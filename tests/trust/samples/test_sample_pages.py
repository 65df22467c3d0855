"""The pages of check samples: started by members, graded blind by everybody, and what each sees between batches."""

import re
from typing import Any

import pytest
from django.test import Client

from judging.models import Abstention, CheckSample, EvaluationRun, Judgment, User
from judging.runs.locks import lock_run
from judging.runs.run_lists import get_evaluation_run
from judging.trust.samples.handing_out import leased_candidates, next_items
from tests.databases import Standing
from tests.factories import make_evaluation, make_run, make_user
from tests.review.giving import GivenGrade, record_judgments
from tests.trust.graded import make_graded_run
from tests.trust.sampled import grade, grade_beginning, start
from tests.trust.samples.test_check_samples import AI, BY_PAIR

pytestmark = pytest.mark.django_db
HTMX: dict[str, Any] = {"headers": {"HX-Request": "true"}}


@pytest.fixture(scope="module")
def made(standing: Standing) -> EvaluationRun:
    with standing():
        return make_graded_run(ai=AI, scale="trec", relevant_from=2, metrics=["P@10", "NDCG@10"], name="bm25")


@pytest.fixture
def run(db: None, made: EvaluationRun) -> EvaluationRun:
    return get_evaluation_run(made.pk)


def as_person(user: User) -> Client:
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client


def url(sample: CheckSample, part: str = "") -> str:
    return f"/check-samples/{sample.pk}{part}"


def text_of(response: Any) -> str:
    assert response.status_code == 200, response
    return " ".join(response.content.decode().split())


def take(client: Client, sample: CheckSample) -> Any:
    return client.post(url(sample, "/grade"), {"act": "take"}, follow=True)


def test_a_member_sees_what_a_sample_takes_and_starts_it(run: EvaluationRun, member: User) -> None:
    client, path = as_person(member), f"/evaluations/runs/{run.pk}/check-samples"
    assert "Start a check sample" in text_of(client.get(path))
    plan = text_of(client.get(f"{path}/plan", {"goal": "certify", "metric": "P@10"}, **HTMX))
    assert "of 120 documents" in plan
    assert "for two people" in plan
    assert "about whole queries" in text_of(client.get(f"{path}/plan", {"goal": "certify", "metric": "NDCG@10"}))
    assert "Unknown metric" in text_of(client.get(f"{path}/plan", {"goal": "certify", "metric": "NDGC@10"}))
    assert "required" in text_of(client.get(f"{path}/plan", {"goal": "precision", "metric": "P@10"}))
    wrong = client.post(path, {"goal": "certify", "metric": "Judged@10"})
    assert "is not estimated from check samples" in text_of(wrong)
    done = client.post(path, {"goal": "precision", "metric": "P@10", "half_width": "0.05", "other_run_id": ""})
    sample = CheckSample.objects.get()
    assert done["Location"] == url(sample)
    assert (sample.goal, sample.half_width) == ("precision", 0.05)
    assert "P@10 to ±0.05" in text_of(client.get(path))
    assert "Not enough yet" in text_of(client.get(url(sample)))
    client.post(url(sample, "/delete"))
    assert not CheckSample.objects.exists()


def test_how_much_was_graded_in_sight_of_the_ai_s_is_said_before(run: EvaluationRun, member: User) -> None:
    row = run.candidates.order_by("position", "rank")[0]
    Judgment.objects.create(
        corpus_id=run.evaluation.corpus_id,
        query_id=row.query_id,
        document_id=row.document_id,
        scale="trec",
        author_kind="member",
        member=member,
        grade=1,
        saw_ai_grade=True,
    )
    plan = as_person(member).get(
        f"/evaluations/runs/{run.pk}/check-samples/plan", {"goal": "certify", "metric": "P@10"}
    )
    assert "&lt;1 % of these were graded with the AI" in text_of(plan)


def test_a_batch_is_graded_item_by_item_without_rank_run_or_ai_grade(run: EvaluationRun, rater: User) -> None:
    sample, client = start(run, metric="P@10"), as_person(rater)
    assert "Grade 40" in text_of(client.get(url(sample, "/grade")))
    page = text_of(take(client, sample))
    assert len(leased_candidates(sample, rater)) == 40
    assert "rank" not in page.split('id="evaluate"')[1].split("<aside")[0]
    assert "Judge v1" not in page
    assert "bm25" not in page
    first, second, third = leased_candidates(sample, rater)[:3]
    answer = client.post(url(sample, "/grade"), {"candidate": first, "grade": 2, "saw": "1"}, **HTMX)
    assert "releval:graded" in answer["HX-Trigger"]
    assert "Judge v1" not in text_of(answer)
    assert "No AI judge" not in text_of(answer)
    given = Judgment.objects.get(member=rater)
    assert (given.grade, given.blind_grade, given.saw_ai_grade) == (2, 2, False)
    client.post(url(sample, "/grade"), {"candidate": second, "act": "skip"}, **HTMX)
    assert leased_candidates(sample, rater)[0] == third
    assert leased_candidates(sample, rater)[-1] == second
    client.post(url(sample, "/grade"), {"candidate": third, "act": "abstain", "reason": "in Greek"}, **HTMX)
    assert Abstention.objects.get().reason == "in Greek"
    assert len(leased_candidates(sample, rater)) == 38
    back = text_of(client.get(url(sample, "/grade"), {"candidate": first}, **HTMX))
    assert "You graded this" in back
    assert "Judge v1" not in back
    client.post(url(sample, "/grade"), {"candidate": first, "act": "take_back"}, **HTMX)
    assert not Judgment.objects.filter(member=rater).exists()


def grade_batch(client: Client, sample: CheckSample, user: User) -> str:
    """Grade all that is handed out, the last two on the page; return what it shows then."""
    take(client, sample)
    page = ""
    rows = run_rows(sample.run)
    *first, one, last = leased_candidates(sample, user)
    queries = dict(sample.run.run_queries.values_list("text", "pk"))
    given = [GivenGrade(queries[rows[pk][0]], rows[pk][1], BY_PAIR[rows[pk]], saw_ai_grade=False) for pk in first]
    record_judgments(grades=given, actor=user)
    for pk in (one, last):
        page = text_of(client.post(url(sample, "/grade"), {"candidate": pk, "grade": BY_PAIR[rows[pk]]}, **HTMX))
    return page


def run_rows(run: EvaluationRun) -> dict[int, tuple[str, str]]:
    rows = run.candidates.values_list("pk", "run_query__text", "document__external_id")
    return {pk: (text, document) for pk, text, document in rows}


def test_after_a_batch_members_see_the_look_and_raters_their_own_count(run: EvaluationRun, member: User) -> None:
    sample, rater = start(run, metric="P@10"), make_user("rater")
    page = grade_batch(as_person(rater), sample, rater)
    assert "You have graded <b>40</b> documents" in page
    assert "People would say" not in page
    assert "blind grade" not in page
    assert "Grade the next 40" in page
    client = as_person(member)
    assert "From <b>80</b> blind grades" in grade_batch(client, sample, member)
    page = grade_batch(client, sample, member)
    assert "Nothing is left here" in page
    assert "People would say P@10" in page
    assert "You have graded <b>80</b>" in page
    shown = text_of(client.get(url(sample)))
    assert "Can be certified" in shown
    assert re.search(r"(0\.\d\d) to \1</span> for these queries", shown)


def test_open_samples_stand_on_the_evaluate_page(run: EvaluationRun, member: User) -> None:
    sample, rater = start(run, metric="P@10"), make_user("rater")
    client, path = as_person(rater), f"/evaluations/runs/{run.pk}/check-samples/open"
    assert path in text_of(client.get(f"/evaluations/runs/{run.pk}/evaluate"))
    grade_batch(client, sample, rater)
    shown = text_of(client.get(path, **HTMX))
    assert "Certify P@10" in shown
    assert "40 graded by you" in shown
    # Another's page, and what is no part of a page.
    assert "graded by you" not in text_of(as_person(member).get(path, **HTMX))
    assert client.get(path)["Location"] == f"/evaluations/runs/{run.pk}/evaluate"
    lock_run(run=run, actor=member)
    assert "Certify" not in text_of(client.get(path, **HTMX))
    assert "can&#x27;t be graded now" in text_of(client.get(url(sample, "/grade"))).replace("can't", "can&#x27;t")


def test_a_rater_s_first_page_lists_open_samples_of_all_runs(run: EvaluationRun, rater: User, member: User) -> None:
    other = make_graded_run(ai=AI, scale="trec", relevant_from=2, metrics=["P@10"], name="dense")
    locked = make_graded_run(ai=[[1]], scale="trec", metrics=["P@1"], name="locked")
    samples = [start(each, metric="P@1") for each in (run, other, locked)]
    lock_run(run=locked, actor=member)
    client, path = as_person(rater), "/check-samples/open"
    assert f'hx-get="{path}"' in text_of(client.get("/"))
    item = next_items(sample=samples[0], actor=rater, count=1).items[0]
    grade(rater, [item], BY_PAIR)
    shown = text_of(client.get(path, **HTMX))
    assert [url(sample, "/grade") in shown for sample in samples] == [True, True, False]
    assert shown.index("on dense") < shown.index("on bm25") < shown.index("1 graded by you")
    assert client.get(path)["Location"] == "/"


def test_an_item_leased_by_another_is_not_shown(run: EvaluationRun, member: User, rater: User) -> None:
    sample = start(run, metric="P@10")
    take(as_person(member), sample)
    pk = leased_candidates(sample, member)[0]
    assert "Grade 40" in text_of(as_person(rater).get(url(sample, "/grade"), {"candidate": pk}))
    elsewhere = make_run({"a": ["d1"]})
    other = elsewhere.candidates.get().pk
    assert as_person(rater).get(url(sample, "/grade"), {"candidate": other}).status_code == 404
    assert as_person(rater).post(url(sample, "/grade"), {"candidate": other, "grade": 1}).status_code == 404


def test_two_runs_are_told_apart_in_words(run: EvaluationRun, member: User) -> None:
    worse = make_run(
        {f"query {i}": [f"d{rank}" for rank in range(12, 0, -1)] for i in range(12)},
        evaluation=make_evaluation(run.evaluation.corpus),
        scale="trec",
        relevant_from=2,
        name="backwards",
    )
    sample = start(run, "compare", metric="P@3", other_run=worse)
    client = as_person(member)
    assert "Two runs by P@3" in text_of(client.get(url(sample)))
    grade_beginning(sample, member, BY_PAIR)
    shown = text_of(client.get(url(sample)))
    assert "By people's grades bm25 less backwards in P@3" in shown.replace("&#x27;", "'")
    assert "can't be told yet" in shown or "better, however often one looks" in shown


def test_a_void_sample_says_so(run: EvaluationRun, member: User) -> None:
    sample = start(run, metric="P@10")
    run.candidates.filter(rank=12, position=1).update(rank=13)
    client = as_person(member)
    assert "have changed since this sample was started" in text_of(client.get(url(sample)))
    page = text_of(client.get(url(sample, "/grade")))
    assert 'value="take"' not in page


def test_an_address_fills_in_the_form_of_a_new_sample(run: EvaluationRun, member: User) -> None:
    other = make_run(evaluation=run.evaluation, scale="trec")
    page = text_of(
        as_person(member).get(
            f"/evaluations/runs/{run.pk}/check-samples",
            {"goal": "compare", "metric": 'NDCG@10"><b>', "other_run_id": str(other.pk), "csrf": "x"},
        )
    )
    assert f'<option value="{other.pk}" selected' in page
    assert 'value="NDCG@10&quot;&gt;&lt;b&gt;"' in page
    assert re.search(r'<input[^>]*value="compare"[^>]* checked', page)
