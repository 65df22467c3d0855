"""Who grades blind sees neither rank nor what the AI and others say: raters never, members of a candidate they graded."""

from typing import Any
from uuid import UUID

import pytest
from django.db import connection, transaction
from django.db.models import F
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from rest_framework.test import APIClient

from judging.models import AuditEvent, BlindnessLift, Candidate, EvaluationRun, Judgment, Role, User
from judging.review.grid import grid_rows
from judging.review.grid_order import ORDERINGS
from judging.review.handing_out import next_candidate, release_holds
from judging.runs.locks import lock_run
from tests.databases import Standing
from tests.factories import candidate, make_judge, make_run, make_user
from tests.rest_clients import assert_problem
from tests.review.test_grid import ai_grades, grade
from tests.review.test_grid_page import HTMX, before_of, client_of, give, own, row_ids

pytestmark = pytest.mark.django_db
DOCUMENTS = [f"d{number}" for number in range(12)]
# Null in REST where a row is hidden.
HIDDEN = (
    "rank", "effective_grade", "people_mean", "people_count", "ai_grade", "ai_judge_id", "ai_judge_name", "reasoning",
    "last_item_status", "failure_code", "content_changed",
)  # fmt: skip
# What would tell them: the judge, its reasoning, the name of a person.
TOLD = ("Careful", "because of", "grace@example.com", "By AI", "By people")


@pytest.fixture(scope="module")
def made(standing: Standing) -> UUID:
    with standing(), transaction.atomic():
        run = make_run({"red shoes": DOCUMENTS, "blue shirt": ["d1"]}, name="bm25", blind=True)
        ai_grades(run, {("red shoes", "d0"): 4, ("red shoes", "d1"): 4}, make_judge(name="Careful"))
        grade(run, make_user(email="grace@example.com"), "red shoes", "d0", 3)
        return run.pk


@pytest.fixture
def run(made: UUID, db: None) -> EvaluationRun:
    """A blind run on which the AI and Grace agree that d0 and d1 are good."""
    return EvaluationRun.objects.get(pk=made)


@pytest.fixture
def client(request: pytest.FixtureRequest) -> Any:
    return request.getfixturevalue(request.param)


def rows(client: APIClient, run: EvaluationRun, **query: Any) -> list[dict[str, Any]]:
    response = client.get(f"/api/v1/evaluations/runs/{run.pk}/candidates", {"page_size": 50, **query})
    assert response.status_code == 200, response.content
    found: list[dict[str, Any]] = response.json()["results"]
    return found


def judge(client: APIClient, run: EvaluationRun, key: str, value: int | None, **fields: Any) -> dict[str, Any]:
    query_id = str(candidate(run, "red shoes", key).run_query_id)
    body = {"queries": [{"query_id": query_id, "judgments": [{"candidate_id": key, "grade": value, **fields}]}]}
    response = client.post("/api/v1/judgments", body)
    assert response.status_code == 200, response.content
    answered: dict[str, Any] = response.json()["results"][0]
    return answered


def show_grades(client: APIClient, run: EvaluationRun) -> Any:
    return client.post(f"/api/v1/evaluations/runs/{run.pk}/show-grades")


@pytest.mark.parametrize("is_blind", [True, False])
def test_a_rater_never_sees_what_others_say(as_rater: APIClient, run: EvaluationRun, is_blind: bool) -> None:
    EvaluationRun.objects.update(blind=is_blind)
    answered = judge(as_rater, run, "d0", 1, reasoning="my words")
    found = [answered, *rows(as_rater, run)]
    assert {row[name] for row in found for name in HIDDEN} == {None}
    assert [row["my_grade"] for row in found if row["candidate_id"] == "d0"] == [1, 1]


@pytest.mark.on_both
def test_a_member_sees_what_others_say_of_what_they_graded(as_member: APIClient, run: EvaluationRun) -> None:
    assert {row[name] for row in rows(as_member, run) for name in HIDDEN} == {None}
    shown = judge(as_member, run, "d0", 1)
    assert (shown["rank"], shown["ai_grade"], shown["people_count"], shown["reasoning"]) == (1, 4, 2, "because of d0")
    by_key = {row["candidate_id"]: row for row in rows(as_member, run, search="red")}
    assert by_key["d0"] == shown
    assert {by_key["d1"][name] for name in HIDDEN} == {None}
    assert judge(as_member, run, "d0", None)["ai_grade"] is None


def test_on_other_runs_members_see_everything(as_member: APIClient, run: EvaluationRun) -> None:
    EvaluationRun.objects.update(blind=False)
    assert [row["rank"] for row in rows(as_member, run)] == [*range(1, 13), 1]
    assert [row["ai_grade"] for row in rows(as_member, run, search="red")] == [4, 4, *[None] * 10]


def test_a_locked_run_stays_blind_and_shows_what_one_graded(member: User, run: EvaluationRun) -> None:
    grade(run, member, "red shoes", "d0", 1)
    lock_run(run=run, actor=member)
    run.refresh_from_db()
    ranks = {row.document_key: row.rank for row in grid_rows(run, viewer=member).rows}
    assert (ranks["d0"], ranks["d5"]) == (1, None)


def test_filters_and_orders_by_what_is_hidden_are_refused(
    as_member: APIClient, member: User, run: EvaluationRun
) -> None:
    cases: list[dict[str, Any]] = [
        *({"ordering": each} for each in ORDERINGS if not each.endswith("query")),
        {"grade": 1}, {"min_grade": 1}, {"max_grade": 1}, {"ai_grade": 1}, {"min_ai_grade": 1}, {"max_ai_grade": 1},
        {"ai_judge_id": "00000000-0000-0000-0000-000000000000"}, {"max_rank": 3}, {"people": "none"},
        *({"status": each} for each in ("unjudged", "judged", "by_people", "failed", "disagreement")),
    ]  # fmt: skip
    url, page_url = f"/api/v1/evaluations/runs/{run.pk}/candidates", reverse("review_grid", args=[run.pk])
    client = client_of(member)
    for asked in cases:
        assert_problem(as_member.get(url, asked), 400, "blind", field=next(iter(asked)))
    for asked in ({"ordering": "-ai_grade"}, {"grade": 1}, {"status": "disagreement"}):
        page = client.get(page_url, asked).content.decode()
        assert "hidden from you" in page, asked
        assert row_ids(page) == [], asked


@pytest.mark.on_both
def test_what_tells_nothing_can_be_asked_for(as_rater: APIClient, run: EvaluationRun) -> None:
    judge(as_rater, run, "d3", 2)
    assert rows(as_rater, run, search="d1", ordering="-query")[0]["candidate_id"] == "d1"
    left = rows(as_rater, run, people="not_me", query_id=str(candidate(run, "red shoes", "d0").run_query_id))
    assert sorted(row["candidate_id"] for row in left) == sorted({*DOCUMENTS} - {"d3"})


@pytest.mark.on_both
def test_lists_are_shuffled_for_each_one_and_stay_so(db: None) -> None:
    run = make_run({"red shoes": DOCUMENTS}, id=UUID(int=1), blind=True)
    # Who gets which order depends on ids alone.
    candidates = Candidate.objects.filter(run=run)
    candidates.update(id=F("id") - candidates.earliest("id").pk + 10**9)

    def order(person: User) -> list[str]:
        return [row.document_key for row in grid_rows(run, viewer=person).rows]

    # Squared once in place of twice, the numbers of these bring the ranks, and the ranks backwards.
    people = [make_user(Role.RATER, id=UUID(int=each)) for each in (1430, 5812, 1570, 1730)]
    orders = [order(person) for person in people]
    assert orders == [order(person) for person in people]
    assert len({tuple(each) for each in [DOCUMENTS, DOCUMENTS[::-1], *orders]}) == 6
    assert all(sorted(each) == sorted(DOCUMENTS) for each in orders)


@pytest.mark.on_both
@pytest.mark.parametrize("ordering", ["query", "-query"])
def test_pages_of_shuffled_lists_lead_on_and_back(rater: User, run: EvaluationRun, ordering: str) -> None:
    whole = [row.candidate_pk for row in grid_rows(run, viewer=rater, ordering=ordering).rows]
    first = grid_rows(run, viewer=rater, ordering=ordering, limit=5)
    second = grid_rows(run, viewer=rater, ordering=ordering, limit=5, cursor=first.next_cursor)
    again = grid_rows(run, viewer=rater, ordering=ordering, limit=5, cursor=second.previous_cursor)
    assert [row.candidate_pk for row in [*first.rows, *second.rows]] == whole[:10]
    assert again.rows == first.rows


@pytest.mark.parametrize("role", [Role.RATER, Role.MEMBER])
def test_the_grid_s_page_tells_the_blind_nothing(run: EvaluationRun, role: str) -> None:
    visit, row = client_of(make_user(role)), candidate(run, "red shoes", "d0")
    url = reverse("review_grid", args=[run.pk])
    pages = [visit.get(url), visit.get(f"{url}/candidates/{row.pk}"), visit.get(f"{url}?part=counts", headers=HTMX)]
    texts = [page.content.decode() for page in pages]
    assert [(told, text) for text in texts for told in TOLD if told in text] == []
    assert [tab.title for tab in pages[0].context["tabs"]] == ["All", "Not by me", "Can't tell"]
    assert [control.name for control in pages[0].context["filters"]] == ["people"]
    assert ("This run is judged blind" in texts[0]) == ("Show me the grades" in texts[0]) == (role == Role.MEMBER)


def test_saving_shows_a_member_the_row_and_a_rater_nothing(member: User, rater: User, run: EvaluationRun) -> None:
    row = candidate(run, "red shoes", "d0")
    assert "because of d0" in give(client_of(member), run, own(row, 1, saw_ai_grade=False)).content.decode()
    answer = give(client_of(rater), run, own(row, 1, saw_ai_grade=False))
    assert [told for told in (*TOLD, "NDCG", "metric-cell") if told in answer.content.decode()] == []
    assert before_of(answer)[0]["grade"] is None


def test_confirming_tells_the_blind_nothing_of_the_ai(member: User, rater: User, run: EvaluationRun) -> None:
    row, url = candidate(run, "red shoes", "d1"), reverse("confirm_grades", args=[run.pk])
    for person in (rater, member):
        for guess in ("3", "4"):
            answer = client_of(person).post(url, {"seen": f"{row.pk}:{guess}"})
            assert (answer.status_code, "hidden from you" in answer.content.decode()) == (403, True)
    grade(run, member, "red shoes", "d1", 1)
    client_of(member).post(url, {"seen": f"{row.pk}:4"})
    assert Judgment.objects.get(member=member).grade == 4


@pytest.mark.parametrize("role", [Role.RATER, Role.MEMBER])
def test_the_grid_s_export_is_not_for_the_blind(run: EvaluationRun, role: str) -> None:
    answer = client_of(make_user(role)).get(reverse("export_review", args=[run.pk]))
    assert answer.status_code == 403
    assert "judge this run blind" in answer.content.decode()


def test_side_by_side_leaves_out_what_is_hidden(as_member: APIClient, member: User, run: EvaluationRun) -> None:
    other = make_run({"red shoes": DOCUMENTS[::-1]}, evaluation=run.evaluation, name="open")
    key = candidate(run, "red shoes", "d0").query.identity
    url = f"/api/v1/evaluations/runs/{run.pk}/compare/{other.pk}/queries/{key}"
    judge(as_member, run, "d3", 2)
    documents = as_member.get(url, {"depth": 1}).json()["documents"]
    assert sorted(each["candidate_id"] for each in documents) == sorted(DOCUMENTS)
    for each in documents:
        expected = (4, 9, "moved") if each["candidate_id"] == "d3" else (None, None, None)
        assert (each["rank_a"], each["rank_b"], each["mark"]) == expected
        # The other run is not blind, but has the same grades.
        assert each["b"]["rank"] == expected[1]
    page = client_of(member).get(reverse("side_by_side", args=[run.pk, other.pk, key])).content.decode()
    assert [told for told in TOLD if told in page] == []
    assert "is judged blind" in page


def test_a_member_lifts_blindness_for_oneself_alone(
    as_member: APIClient, as_stranger: APIClient, run: EvaluationRun
) -> None:
    assert show_grades(as_member, run).status_code == show_grades(as_member, run).status_code == 204
    assert [row["rank"] for row in rows(as_member, run)] == [*range(1, 13), 1]
    assert {row["rank"] for row in rows(as_stranger, run)} == {None}
    assert AuditEvent.objects.filter(action="run_grades_shown", subject_id=str(run.pk)).count() == 1


def test_grades_given_after_lifting_are_not_blind(as_member: APIClient, run: EvaluationRun) -> None:
    judge(as_member, run, "d0", 1, saw_ai_grade=False)
    show_grades(as_member, run)
    for key in ("d0", "d1"):
        judge(as_member, run, key, 2, saw_ai_grade=False)
    given = Judgment.objects.filter(member=as_member.user).order_by("pk")  # type: ignore[attr-defined]
    assert list(given.values_list("grade", "saw_ai_grade", "blind_grade")) == [(2, True, 1), (2, True, None)]


@pytest.mark.parametrize(
    ("client", "expected"), [("as_member", (4, True, 1)), ("as_rater", (4, False, 4))], indirect=["client"]
)
def test_a_grade_taken_back_and_given_again_is_blind_for_who_saw_nothing(
    client: APIClient, run: EvaluationRun, expected: tuple[int, bool, int]
) -> None:
    """A member's own grade opened the AI's to them, as long as it stood."""
    for value in (1, None, 4):
        judge(client, run, "d0", value, saw_ai_grade=False)
    given = Judgment.objects.filter(member=client.user)  # type: ignore[attr-defined]
    assert given.values_list("grade", "saw_ai_grade", "blind_grade").get() == expected


def test_a_run_that_is_not_blind_has_nothing_to_lift(as_member: APIClient, as_rater: APIClient) -> None:
    run = make_run()
    assert_problem(show_grades(as_member, run), 409, "run_not_blind")
    assert_problem(show_grades(as_rater, run), 403)
    assert not BlindnessLift.objects.exists()


def test_lifting_on_a_page_leads_back_to_it(member: User, run: EvaluationRun) -> None:
    visit, back = client_of(member), reverse("review_grid", args=[run.pk])
    answer = visit.post(reverse("show_grades", args=[run.pk]), {"next": back}, follow=True)
    assert answer.redirect_chain == [(back, 302)]
    text = answer.content.decode()
    assert "because of d0" in text
    assert "judged blind" not in text


def test_the_switch_is_audited_and_changes_no_grade(as_member: APIClient, as_rater: APIClient) -> None:
    run = make_run({"red shoes": DOCUMENTS})
    judge(as_member, run, "d0", 1, saw_ai_grade=True)
    before = list(Judgment.objects.values())
    url = f"/api/v1/evaluations/runs/{run.pk}"
    for switch in (True, True, False):
        assert as_member.patch(url, {"blind": switch}).json()["blind"] is switch
    assert_problem(as_rater.patch(url, {"blind": True}), 403)
    assert list(Judgment.objects.values()) == before
    audited = AuditEvent.objects.filter(subject_id=str(run.pk)).exclude(action="run_changed").order_by("pk")
    assert list(audited.values_list("action", flat=True)) == ["run_made_blind", "run_made_open"]


def test_the_settings_page_has_the_switch(member: User) -> None:
    run, visit = make_run(), client_of(member)
    url = reverse("run_settings", args=[run.pk])
    form = visit.get(url).context["form"]
    values: dict[str, Any] = {name: field.value() for name, field in ((each.name, each) for each in form)}
    visit.post(url, {**{name: value for name, value in values.items() if value}, "blind": "on"})
    run.refresh_from_db()
    assert run.blind


def test_a_page_for_the_blind_costs_the_same_queries_whatever_it_holds(member: User) -> None:
    visit: Client = client_of(member)
    counts = []
    for size in (1, 3):
        run = make_run({f"q{number}": DOCUMENTS for number in range(size)}, blind=True)
        visit.get(reverse("review_grid", args=[run.pk]))
        with CaptureQueriesContext(connection) as captured:
            visit.get(reverse("review_grid", args=[run.pk]))
        counts.append(len(captured))
    assert counts[0] == counts[1]


def test_evaluating_a_blind_run_shows_neither_rank_nor_feedback(member: User, rater: User, run: EvaluationRun) -> None:
    row, url = candidate(run, "red shoes", "d0"), reverse("evaluate", args=[run.pk])
    for person in (member, rater):
        visit = client_of(person)
        asked = visit.get(url, {"candidate": row.pk}).content.decode()
        answered = visit.post(url, {"candidate": row.pk, "grade": 1, "saw": 0}, headers=HTMX).content.decode()
        again = visit.get(url, {"candidate": row.pk}).content.decode()
        for text in (asked, answered, again):
            assert [told for told in (*TOLD, "rank 1", "agrees with you", "otherwise") if told in text] == []
        assert "You graded this" in again
    assert set(Judgment.objects.filter(member__in=[member, rater]).values_list("saw_ai_grade", flat=True)) == {False}


@pytest.mark.on_both
def test_evaluating_blind_goes_in_the_person_s_own_order(member: User, rater: User) -> None:
    run = make_run({"red shoes": DOCUMENTS[:4], "blue shirt": ["d1", "d2"]}, blind=True)
    for person in (member, rater):
        first = candidate_after = next_candidate(run=run, actor=person)
        order = []
        while candidate_after is not None and candidate_after.pk not in order:
            order.append(candidate_after.pk)
            candidate_after = next_candidate(run=run, actor=person, after=candidate_after)
        assert candidate_after == first
        assert order == [row.candidate_pk for row in grid_rows(run, viewer=person).rows]
        release_holds(run=run, actor=person)
