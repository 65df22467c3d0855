"""The pages that compare judging runs and let one's grades count."""

from typing import Any
from uuid import UUID

import pytest
from django.db import transaction
from django.test import Client
from django.urls import reverse
from django.utils.html import escape

from judging import ledger
from judging.judges.judges import save_judge
from judging.judging_runs.making_current import make_judging_run_current
from judging.models import AIJudge, Candidate, EvaluationRun, JudgingItem, JudgingRun, Judgment, Role, User
from judging.runs.locks import lock_run
from judging.trust.figure_words import REFUSAL_WORDS
from tests.databases import Standing
from tests.draining import drain
from tests.factories import make_judge, make_run, make_user
from tests.markup import one_line
from tests.review.giving import GivenGrade, record_judgments
from tests.trust.judged import Rows, make_judged_run

pytestmark = pytest.mark.django_db

EVIL = "<script>alert(1)</script>"


def browser(user: User) -> Client:
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client


@pytest.fixture
def visit(member: User) -> Client:
    return browser(member)


def text_of(client: Client, path: str, **options: Any) -> str:
    response = client.get(path, **options)
    assert response.status_code == 200, response.content
    return one_line(response.content.decode())


def compare(old: JudgingRun, new: JudgingRun, **more: object) -> str:
    given = "".join(f"&{name.strip('_')}={value}" for name, value in more.items())
    return f"{reverse('compare_judging_runs')}?old={old.pk}&new={new.pk}{given}"


def twelve_queries(name: str = "bm25") -> EvaluationRun:
    return make_run({f"query {q}": [f"d{q}-{c}" for c in range(5)] for q in range(12)}, name=name)


BEFORE: Rows = [[0, 1, 2, 3, 4]] * 12
AFTER: Rows = [[0, 1, 2, 3, 4]] * 6 + [[1, 1, 2, 3, 3]] * 5 + [[0, 3, 2, 3, 4]]


@pytest.fixture(scope="module")
def made(standing: Standing) -> tuple[UUID, UUID]:
    with standing(), transaction.atomic():
        run = twelve_queries()
        judge = make_judge(name="Careful")
        old = make_judged_run(run, BEFORE, judge=judge, trial=False)
        judge = save_judge(actor=make_user(Role.ADMIN), judge=judge, fields={"temperature": 0.5})
        return old.pk, make_judged_run(run, AFTER, judge=judge).pk


@pytest.fixture
def pair(made: tuple[UUID, UUID], db: None) -> tuple[EvaluationRun, JudgingRun, JudgingRun]:
    old, new = (JudgingRun.objects.select_related("evaluation_run", "judge_version").get(pk=each) for each in made)
    return old.evaluation_run, old, new


def test_what_changed_stands_in_words_with_intervals(
    visit: Client, pair: tuple[EvaluationRun, JudgingRun, JudgingRun]
) -> None:
    run, old, new = pair
    page = text_of(visit, compare(old, new))
    assert "<strong>60</strong> compared, <strong>11</strong> changed: 6 up, 5 down." in page
    assert "Neither is clearly more generous" in page
    assert "The two agree with each other at" in page
    assert page.count(" to ") >= 4
    assert "Careful v1, bm25" in page
    versions = reverse("ai_judge_versions", args=[new.judge_version.judge_id])
    assert f"{versions}?from=1&amp;to=2" in page
    for metric in run.metrics:
        assert f">{metric}<" in page


def test_a_cell_opens_its_rows_with_both_reasonings_and_people_s_grades(
    visit: Client, member: User, pair: tuple[EvaluationRun, JudgingRun, JudgingRun]
) -> None:
    run, old, new = pair
    record_judgments(grades=[GivenGrade(run.run_queries.get(position=12).pk, "d11-1", 2)], actor=member)
    assert "from=1&amp;to=3#rows" in text_of(visit, compare(old, new))
    page = text_of(visit, compare(old, new, from_=1, to=3))
    assert "From 1 to 3" in page
    assert "Title of d11-1" in page
    assert "Careful v1 says 1" in page
    assert "Careful v2 says 3" in page
    assert member.email in page
    assert "Title of d6-0" not in page
    part = text_of(visit, compare(old, new, change="down"), headers={"HX-Request": "true", "HX-Target": "rows"})
    assert "<html" not in part
    assert part.count("Careful v2 says 3") == 5
    assert "Careful v2 says 1" not in part


def test_rows_come_by_the_page(visit: Client, pair: tuple[EvaluationRun, JudgingRun, JudgingRun]) -> None:
    _, old, new = pair
    first, last = (text_of(visit, compare(old, new, change="all", page=page)) for page in (1, 3))
    assert first.count("Careful v1 says") == 25
    assert last.count("Careful v1 says") == 10
    assert "Next" in first


def test_few_queries_say_why_there_is_no_number(visit: Client) -> None:
    run = make_run({"red shoes": ["d1", "d2"]})
    page = text_of(visit, compare(make_judged_run(run, [[0, 1]]), make_judged_run(run, [[1, 1]])))
    assert "<strong>2</strong> compared, <strong>1</strong> changed: 1 up, 0 down." in page
    assert page.count(escape(REFUSAL_WORDS["too_few_queries"].sentence)) == 2 + len(run.metrics)


def test_without_another_run_the_page_offers_a_trial(visit: Client) -> None:
    run = make_run()
    page = text_of(visit, f"{reverse('compare_judging_runs')}?run_id={run.pk}")
    assert "no other judging run to compare with" in page
    only = make_judged_run(run, [[1, 2, 3], [0, 1]])
    assert "no other judging run" in text_of(visit, f"{reverse('compare_judging_runs')}?new={only.pk}")
    empty = make_judged_run(run, [[None] * 3, [None] * 2])
    assert "no document was graded by both" in text_of(visit, compare(only, empty))
    assert visit.get(reverse("compare_judging_runs"))["Location"] == reverse("evaluations")
    assert visit.get(f"{reverse('compare_judging_runs')}?run_id=x").status_code == 404


def test_the_other_side_is_whose_grades_count_else_the_one_before(
    visit: Client, member: User, pair: tuple[EvaluationRun, JudgingRun, JudgingRun]
) -> None:
    run, old, new = pair
    third = make_judged_run(run, BEFORE, judge=make_judge(name="Third"))

    def old_of(judging_run: JudgingRun) -> str:
        page = text_of(visit, f"{reverse('compare_judging_runs')}?new={judging_run.pk}")
        chosen = page.split('name="old"')[1].split(" selected")[1]
        return chosen.split(">")[1].split(",")[0].strip()

    assert old_of(third) == "Careful v2"
    assert old_of(old) == "Third v1"
    make_judging_run_current(judging_run=old, actor=member)
    assert old_of(third) == "Careful v1"
    assert old_of(new) == "Careful v1"


def test_judge_versions_on_a_run_and_scales_that_differ(
    visit: Client, pair: tuple[EvaluationRun, JudgingRun, JudgingRun]
) -> None:
    run, old, new = pair
    sides = f"old=judge_version:{old.judge_version_id}&new=judge_version:{new.judge_version_id}"
    page = text_of(visit, f"{reverse('compare_judging_runs')}?{sides}&run_id={run.pk}")
    assert "<strong>11</strong> changed" in page
    assert "Careful v2, all of it" in page
    binary = make_judged_run(make_run(scale="binary", evaluation=run.evaluation), [[1, 0, 1]])
    assert "graded on different scales" in text_of(visit, compare(old, binary))


def test_the_page_of_a_judge_s_versions_leads_to_what_both_said(
    visit: Client, pair: tuple[EvaluationRun, JudgingRun, JudgingRun]
) -> None:
    run, old, new = pair
    page = text_of(visit, f"{reverse('ai_judge_versions', args=[new.judge_version.judge_id])}?from=1&to=2")
    sides = f"old=judge_version:{old.judge_version_id}&amp;new=judge_version:{new.judge_version_id}"
    assert f"{reverse('compare_judging_runs')}?{sides}&amp;run_id={run.pk}" in page


def test_what_models_say_is_text(visit: Client, pair: tuple[EvaluationRun, JudgingRun, JudgingRun]) -> None:
    _, old, new = pair
    JudgingItem.objects.update(reasoning=EVIL)
    page = text_of(visit, compare(old, new))
    assert EVIL not in page
    assert "&lt;script&gt;" in page


def test_raters_and_other_people_s_judges(pair: tuple[EvaluationRun, JudgingRun, JudgingRun], rater: User) -> None:
    _, old, new = pair
    AIJudge.objects.update(owner=make_user(), shared=False)
    assert browser(rater).get(compare(old, new)).status_code == 403
    assert browser(rater).post(reverse("make_judging_run_current", args=[new.pk])).status_code == 403
    stranger = text_of(browser(make_user()), compare(old, new))
    assert "<strong>11</strong> changed" in stranger
    assert "What differs between the two prompts" not in stranger


def test_the_comparison_costs_as_many_statements_however_many_rows(
    visit: Client, pair: tuple[EvaluationRun, JudgingRun, JudgingRun], django_assert_max_num_queries: Any
) -> None:
    _, old, new = pair
    with django_assert_max_num_queries(25):
        text_of(visit, compare(old, new, change="all"))


# Let its grades count


def test_the_preview_says_what_would_change_and_the_button_does_it_and_goes_back(
    visit: Client, member: User, pair: tuple[EvaluationRun, JudgingRun, JudgingRun]
) -> None:
    run, old, new = pair
    make_judging_run_current(judging_run=old, actor=member)
    before = list(Candidate.objects.filter(run=run).order_by("pk").values_list("effective_grade", flat=True))
    address = reverse("make_judging_run_current", args=[new.pk])
    assert address in text_of(visit, reverse("judging_run", args=[new.pk]))
    page = text_of(visit, address)
    assert "Of its 60 grades, <strong>11</strong> would change" in page
    assert "One click goes back" in page
    response = visit.post(address)
    assert (response.status_code, response["Location"]) == (302, address)
    page = text_of(visit, address)
    assert "Its grades count" in page
    assert "Go back to the grades of Careful v1" in page
    assert Candidate.objects.filter(run=run, last_item__judging_run=new).count() == 60
    visit.post(reverse("make_judging_run_current", args=[old.pk]))
    after = list(Candidate.objects.filter(run=run).order_by("pk").values_list("effective_grade", flat=True))
    assert after == before


def test_while_a_large_run_is_written_the_page_says_so(
    visit: Client, pair: tuple[EvaluationRun, JudgingRun, JudgingRun], monkeypatch: pytest.MonkeyPatch
) -> None:
    _, _, new = pair
    monkeypatch.setattr("judging.judging_runs.making_current.PATIENCE_SECONDS", 0.0)
    monkeypatch.setattr("judging.ledger.making_current.CHUNK", 10)
    address = reverse("make_judging_run_current", args=[new.pk])
    visit.post(address)
    page = text_of(visit, address)
    assert "Its grades are being written" in page
    assert "would change" not in page
    drain()
    assert "Its grades count" in text_of(visit, address)


def test_where_no_run_brings_it_back_the_page_says_so(
    visit: Client, pair: tuple[EvaluationRun, JudgingRun, JudgingRun]
) -> None:
    run, _, new = pair
    row = Candidate.objects.filter(run=run).order_by("pk")[0]
    Judgment.objects.create(
        corpus=run.evaluation.corpus, query_id=row.query_id, document_id=row.document_id, scale=run.scale, grade=4,
        author_kind="ai", judge_label="gpt-old",
    )  # fmt: skip
    ledger.refresh_run(run.pk)
    address = reverse("make_judging_run_current", args=[new.pk])
    page = text_of(visit, address)
    assert "<strong>59</strong> would be the first AI grade of their candidates" in page
    assert "gpt-old <span" in page
    assert "Going back exactly is not one click" in page
    assert "Imported grades can't come back" in page
    visit.post(address)
    page = text_of(visit, address)
    assert "No single click brings back exactly what was there" in page
    assert "Imported grades can't come back" in page


def test_a_locked_run_and_one_without_grades_say_why_not(
    visit: Client, member: User, pair: tuple[EvaluationRun, JudgingRun, JudgingRun]
) -> None:
    run, _, new = pair
    nothing = make_judged_run(run, [[None]])
    assert "This run gave no grade" in text_of(visit, reverse("make_judging_run_current", args=[nothing.pk]))
    ledger.refresh_run(run.pk)
    lock_run(run=run, actor=member)
    address = reverse("make_judging_run_current", args=[new.pk])
    page = text_of(visit, address)
    assert "The evaluation run is locked" in page
    assert '<button class="btn btn-primary"' not in page
    assert visit.post(address).status_code == 409
