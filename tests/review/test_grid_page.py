"""The review grid as a page: who sees it, what it costs, what saving answers, and that nothing breaks out of its text."""

import json
import re
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from judging.models import Candidate, DocumentVersion, EvaluationRun, Judgment, Role, RunQuery, User
from judging.runs.locks import lock_run
from tests.factories import candidate, make_judge, make_run, make_user
from tests.review.test_grid import ai_grades, grade

HTMX = {"HX-Request": "true"}
HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>"


def client_of(user: User) -> Client:
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client


@pytest.fixture
def run(db: None) -> EvaluationRun:
    run = make_run({"red shoes": ["d1", "d2", "d3"], "blue shirt": ["d2", "d4"]}, name="bm25")
    ai_grades(run, {("red shoes", "d1"): 4, ("red shoes", "d2"): 0}, make_judge(name="Careful"))
    return run


def url(run: EvaluationRun, **query: Any) -> str:
    return reverse("review_grid", args=[run.pk], query=query or None)


def page_of(client: Client, run: EvaluationRun, **query: Any) -> str:
    response = client.get(url(run, **query))
    assert response.status_code == 200
    return response.content.decode()


def row_ids(page: str) -> list[str]:
    return [part.split('"')[0] for part in page.split('id="entry-')[1:]]


def own(
    row: Candidate, grade: int | None, reasoning: str | None = None, saw_ai_grade: bool | None = None
) -> dict[str, Any]:
    return {"candidate_pk": row.pk, "grade": grade, "reasoning": reasoning, "saw_ai_grade": saw_ai_grade}


def give(client: Client, run: EvaluationRun, *grades: dict[str, Any]) -> Any:
    return client.post(reverse("give_grade", args=[run.pk]), {"grades": json.dumps(grades)}, headers=HTMX)


def before_of(response: Any) -> list[Any]:
    told: list[Any] = json.loads(response["HX-Trigger"])["releval:graded"]["before"]
    return told


def mine(user: User) -> list[tuple[int, bool | None]]:
    return list(Judgment.objects.filter(member=user).values_list("grade", "saw_ai_grade"))


@pytest.mark.parametrize("role", [Role.ADMIN, Role.MEMBER])
def test_members_see_ranked_lists_with_everybodys_grades(run: EvaluationRun, role: str) -> None:
    user, other = make_user(role), make_user(email="grace@example.com")
    grade(run, other, "red shoes", "d1", 3)
    page = page_of(client_of(user), run)
    assert [page.count(text) for text in ("Careful v1", "because of d1", "grace@example.com: ")] == [2, 1, 0]
    assert len(row_ids(page)) == 5
    assert page.index("red shoes</a>") < page.index("blue shirt</a>")
    assert f'href="review?query_id={RunQuery.objects.get(text="red shoes").pk}"' in page
    assert "grace@example.com" in page


def test_a_stranger_is_led_to_the_door_and_an_unknown_run_is_nothing(client: Client, member: User) -> None:
    run = make_run()
    for name in ("review_grid", "export_review", "evaluate"):
        assert client.get(reverse(name, args=[run.pk])).status_code == 302
        assert client_of(member).get(reverse(name, args=[uuid4()])).status_code == 404
    for name in ("give_grade", "confirm_grades", "restore_grades"):
        assert client.post(reverse(name, args=[run.pk])).status_code == 302
        assert client_of(member).get(reverse(name, args=[run.pk])).status_code == 405


def test_a_page_costs_the_same_queries_whatever_it_holds(member: User) -> None:
    client = client_of(member)
    counts = []
    for size in (2, 6):
        run = make_run({f"q{number}": [f"d{each}" for each in range(size // 2)] for number in range(size)})
        ai_grades(run, {("q0", "d0"): 2})
        grade(run, make_user(), "q0", "d0", 1)
        page_of(client, run)
        with CaptureQueriesContext(connection) as captured:
            page_of(client, run)
        counts.append(len(captured))
    assert counts[0] == counts[1] <= 18


def test_pages_hold_whole_ranked_lists_and_lead_on_and_back(member: User) -> None:
    run = make_run({f"q{number}": [f"d{each}" for each in range(60)] for number in range(3)})
    client, seen, sizes, address = client_of(member), [], [], url(run)
    while address:
        response = client.get(address)
        ids = row_ids(response.content.decode())
        seen += ids
        sizes.append(len(ids))
        address = response.context["next_url"]
    assert sizes == [60, 60, 60]
    assert len(set(seen)) == 180
    back = client.get(response.context["previous_url"])
    assert row_ids(back.content.decode()) == seen[60:120]


def test_a_list_longer_than_a_page_continues_on_the_next(member: User) -> None:
    run = make_run({"long": [f"d{each}" for each in range(110)], "short": ["d1"]})
    client = client_of(member)
    first = client.get(url(run))
    second = client.get(first.context["next_url"])
    ids = row_ids(first.content.decode()) + row_ids(second.content.decode())
    assert len(ids) == len(set(ids)) == 111
    query = RunQuery.objects.get(text="long")
    assert len(row_ids(page_of(client, run, query_id=query.pk))) == 110


def test_members_see_how_many_candidates_each_view_and_the_filter_hold(run: EvaluationRun, member: User) -> None:
    response = client_of(member).get(url(run, people="none", search="shoes"))
    assert [tab.count for tab in response.context["tabs"]] == [5, 1, 1, 0, 0, 3, 0]
    assert "3 candidates" in response.content.decode()
    rater = client_of(make_user(Role.RATER)).get(url(run))
    assert {tab.count for tab in rater.context["tabs"]} == {None}


def test_a_large_run_is_counted_after_its_page(run: EvaluationRun, member: User) -> None:
    client = client_of(member)
    EvaluationRun.objects.filter(pk=run.pk).update(candidate_count=100_000)
    assert client.get(url(run, search="shoes")).context["counts"] is None
    part = url(run, part="counts", search="shoes")
    assert f'hx-get="{part.replace("&", "&amp;")}"' in page_of(client, run, search="shoes")
    counted = client.get(part, headers=HTMX).content.decode()
    assert "3 candidates" in counted
    assert "hx-get" not in counted


def test_saved_views_are_tabs_and_the_current_one_says_so(run: EvaluationRun, member: User) -> None:
    client = client_of(member)
    tabs = client.get(url(run)).context["tabs"]
    assert [tab.title for tab in tabs] == [
        "All", "AI says highly relevant", "AI says not relevant in the top 3", "People and AI disagree", "Failed",
        "Unjudged", "Can't tell",
    ]  # fmt: skip
    assert [tab.title for tab in tabs if tab.is_current] == ["All"]
    # What each of them holds, test_grid.py says.
    for tab, count in ((tabs[2], 1), (tabs[5], 3)):
        response = client.get(tab.url)
        assert [each.title for each in response.context["tabs"] if each.is_current] == [tab.title]
        assert len(row_ids(response.content.decode())) == count


def test_filters_keep_what_was_chosen_and_what_cant_be_read_is_said(run: EvaluationRun, member: User) -> None:
    client = client_of(member)
    page = page_of(client, run, search="d2", min_ai_grade="0", ordering="rank")
    assert row_ids(page) == [str(candidate(run, "red shoes", "d2").pk)]
    assert 'value="d2"' in page
    assert '<option value="rank" selected>' in page
    assert '<option value="0" selected>' in page
    page = page_of(client, run, min_grade="9", search="shoes")
    assert "This filter can't be read" in page
    assert "a grade of the scale graded, 0 to 4" in page
    assert 'value="shoes"' in page
    assert "one of query" in page_of(client, run, ordering="title")
    assert client.get(url(run, cursor="x")).status_code == 400
    assert "Nothing matches" in page_of(client, run, search="no such thing")


def test_a_saved_grade_answers_one_row_and_the_metric_cards(run: EvaluationRun, member: User) -> None:
    client, row = client_of(member), candidate(run, "red shoes", "d1")
    response = give(client, run, own(row, 3, saw_ai_grade=True))
    answer = response.content.decode()
    assert re.findall('hx-swap-oob="([^"]*)"', answer) == [f"outerHTML:#entry-{row.pk} > .entry-row", "true"]
    assert 'id="grid-metrics"' in answer
    assert "renewing" not in answer
    assert mine(member) == [(3, True)]
    assert before_of(response) == [own(row, None)]


def test_undo_restores_the_earlier_grade_or_removes_the_first(run: EvaluationRun, member: User) -> None:
    client, row = client_of(member), candidate(run, "red shoes", "d3")
    first = before_of(give(client, run, own(row, 3, saw_ai_grade=False)))
    Judgment.objects.filter(member=member).update(reasoning="looked twice")
    second = before_of(give(client, run, own(row, 1, saw_ai_grade=True)))
    assert second == [own(row, 3, "looked twice", False)]
    restore = reverse("restore_grades", args=[run.pk])
    response = client.post(restore, {"grades": json.dumps(second)}, headers=HTMX)
    assert "HX-Trigger" not in response.headers
    judgment = Judgment.objects.get(member=member)
    assert (judgment.grade, judgment.reasoning, judgment.saw_ai_grade) == (3, "looked twice", False)
    client.post(restore, {"grades": json.dumps(first)}, headers=HTMX)
    assert mine(member) == []


def test_confirming_copies_only_the_ai_grades_seen(run: EvaluationRun, member: User) -> None:
    client = client_of(member)
    d1, d2, d3 = (candidate(run, "red shoes", doc) for doc in ("d1", "d2", "d3"))
    chosen = [f"{d1.pk}:4", f"{d2.pk}:1", f"{d3.pk}:"]
    response = client.post(reverse("confirm_grades", args=[run.pk]), {"seen": chosen}, headers=HTMX)
    assert mine(member) == [(4, True)]
    (told,) = json.loads(response["HX-Trigger"])["releval:toasts"]["toasts"]
    assert (
        told["html"] == "1 AI grade confirmed. 1 without an AI grade left alone. 1 changed meanwhile: look again. "
        '<button type="button" class="btn btn-quiet btn-sm" data-undo>Undo</button>'
    )
    assert before_of(response) == [own(d1, None)]
    assert response.content.decode().count('class="entry-row') == 3


@pytest.mark.parametrize(
    ("fields", "status"),
    [({"grade": 5}, 400), ({"grade": -1}, 400), ({"candidate_pk": 999999}, 404)],
)  # fmt: skip
def test_a_grade_that_is_none_is_refused_as_a_message(
    run: EvaluationRun, member: User, fields: dict[str, int], status: int
) -> None:
    response = give(client_of(member), run, {**own(candidate(run, "red shoes", "d1"), 1), **fields})
    assert response.status_code == status
    assert response["HX-Reswap"] == "none"
    assert "releval:toasts" in response["HX-Trigger"]
    assert mine(member) == []


def test_grades_that_cant_be_read_are_refused(run: EvaluationRun, member: User) -> None:
    unreadable = (
        "", "{}", "[]", "[1]", "[[1, 2]]", "[{}]", '[{"candidate_pk": true, "grade": 1}]',
        '[{"candidate_pk": "1", "grade": 1}]', '[{"candidate_pk": 1, "grade": 1.5}]',
        '[{"candidate_pk": 1, "grade": 1, "reasoning": 1}]', '[{"candidate_pk": 1, "grade": 1, "saw_ai_grade": 1}]',
        '[{"candidate_pk": 1, "grade": 1, "run_pk": 1}]', '[{"candidate_pk": 99999999999999999999, "grade": 1}]',
        "[" * 9999,
    )  # fmt: skip
    client = client_of(member)
    # Both read them in one place.
    for route, cases in (("give_grade", unreadable), ("restore_grades", unreadable[:3])):
        for grades in cases:
            response = client.post(reverse(route, args=[run.pk]), {"grades": grades}, headers=HTMX)
            assert response.status_code == 400, (route, grades[:60])
    assert mine(member) == []


def test_a_page_of_details_has_the_grades_as_they_are_given_and_undone(run: EvaluationRun, member: User) -> None:
    client = client_of(member)
    for doc, saw in (("d1", True), ("d3", False)):
        row = candidate(run, "red shoes", doc)
        (path,) = re.findall(rf'href="(review/candidates/{row.pk})"', page_of(client, run))
        here = f"{url(run).removesuffix('review')}{path}"
        shown = client.get(here).content.decode().split('data-grade="2"')[0]
        (given,) = json.loads(re.findall(r"name=\"grades\"\s+value='([^']*)'", shown)[-1])
        assert given == {"candidate_pk": row.pk, "grade": 2, "saw_ai_grade": saw}
    form = {"grades": json.dumps([given]), "next": here}
    assert client.post(reverse("give_grade", args=[run.pk]), form)["Location"] == here
    (before,) = before_of(give(client, run, given))
    assert before.keys() == {"candidate_pk", "grade", "reasoning", "saw_ai_grade"}
    restored = {"grades": json.dumps([{**before, "grade": None}])}
    client.post(reverse("restore_grades", args=[run.pk]), restored, headers=HTMX)
    assert mine(member) == []


def test_a_candidate_of_another_run_is_not_graded_here(run: EvaluationRun, member: User) -> None:
    other = make_run({"x": ["d1"]})
    assert give(client_of(member), run, own(candidate(other, "x", "d1"), 1, saw_ai_grade=False)).status_code == 404


def test_a_locked_run_is_read_only_and_a_late_grade_is_a_conflict_message(run: EvaluationRun, member: User) -> None:
    client, row = client_of(member), candidate(run, "red shoes", "d1")
    lock_run(run=run, actor=member)
    page = page_of(client, run)
    assert "This run is <strong>locked</strong>" in page
    assert 'name="grades"' not in page
    assert 'name="seen"' not in page
    assert "Careful v1" in page
    response = give(client, run, own(row, 1, saw_ai_grade=True))
    assert response.status_code == 409
    assert "locked" in response["HX-Trigger"]


def test_without_javascript_a_grade_leads_back_to_where_one_was(run: EvaluationRun, member: User) -> None:
    client, row = client_of(member), candidate(run, "red shoes", "d1")
    path = reverse("give_grade", args=[run.pk])
    here = url(run, ordering="rank")
    assert client.post(path, {"grades": json.dumps([own(row, 2)]), "next": here})["Location"] == here
    assert client.post(path, {"grades": json.dumps([own(row, 2)]), "next": "https://evil.example/"})["Location"] == url(
        run
    )


def test_details_hold_fields_reasoning_and_what_earlier_judging_runs_said(run: EvaluationRun, member: User) -> None:
    ai_grades(run, {("red shoes", "d1"): 2}, make_judge(name="Second"))
    client, row = client_of(member), candidate(run, "red shoes", "d1")
    path = reverse("grid_detail", args=[run.pk, row.pk])
    part = client.get(path, headers=HTMX).content.decode()
    assert "<html" not in part
    assert all(text in part for text in ("brand", "Acme", "because of d1", "Second v1", "Careful v1"))
    assert "<html" in client.get(path).content.decode()
    assert client.get(reverse("grid_detail", args=[make_run({"y": ["z"]}).pk, row.pk])).status_code == 404


def test_hostile_queries_titles_fields_and_reasons_are_shown_as_text(member: User) -> None:
    run = make_run({HOSTILE: ["d1"]}, name=HOSTILE)
    DocumentVersion.objects.update(
        title=HOSTILE, fields={HOSTILE: [HOSTILE], "n": {"a": HOSTILE}}, image="javascript:alert(1)"
    )
    ai_grades(run, {(HOSTILE, "d1"): 4})
    Judgment.objects.update(reasoning=HOSTILE, judge_label=HOSTILE)
    client, row = client_of(member), candidate(run, HOSTILE, "d1")
    pages = [
        page_of(client, run),
        page_of(client, run, search=HOSTILE, ordering="rank"),
        client.get(reverse("grid_detail", args=[run.pk, row.pk])).content.decode(),
        give(client, run, own(row, 4, saw_ai_grade=True)).content.decode(),
    ]
    for page in pages:
        assert "<script>alert" not in page
        assert "<img src=x" not in page
        assert "javascript:" not in page
        assert "&lt;script&gt;alert" in page


def test_addresses_are_links_and_words_of_the_query_are_marked(member: User) -> None:
    run = make_run({"Red <shoes> a": ["d1"]})
    fields = {
        "page": 'https://shop.example/?q="a"&b=<i>', "bad": "javascript:alert(1)", "said": "see https://x.example",
        "text": "A red shoe, RED shoes & more <mark>",
    }  # fmt: skip
    DocumentVersion.objects.update(title="Shoes <b>red</b>", fields=fields)
    row = candidate(run, "Red <shoes> a", "d1")
    client = client_of(member)
    part = client.get(reverse("grid_detail", args=[run.pk, row.pk]), headers=HTMX).content.decode()
    links = re.findall(r'<a\s+href="([^"]*)"\s+rel="nofollow noopener noreferrer"\s+target="_blank"', part)
    assert links == ["https://shop.example/?q=&quot;a&quot;&amp;b=&lt;i&gt;"]
    assert "A <mark>red</mark> shoe, <mark>RED shoes</mark> &amp; more &lt;mark&gt;" in part
    assert "<mark>Shoes</mark> &lt;b&gt;<mark>red</mark>&lt;/b&gt;" in page_of(client, run)


def test_the_export_holds_what_the_filter_leaves_and_no_formula(run: EvaluationRun, member: User) -> None:
    DocumentVersion.objects.filter(document__external_id="d1").update(title="=HYPERLINK(1)")
    grade(run, member, "red shoes", "d1", 3)
    client = client_of(member)
    response = client.get(reverse("export_review", args=[run.pk], query={"min_ai_grade": "3"}))
    lines = b"".join(response).decode().splitlines()
    assert len(lines) == 2
    assert lines[1].startswith("q1,red shoes,1,d1,'=HYPERLINK(1),3,3.0,1,")
    assert lines[1].endswith(",4,Careful v1,because of d1,judged,")
    assert 'filename="bm25-review.csv"' in response["Content-Disposition"]
    assert client.get(reverse("export_review", args=[run.pk], query={"grade": "x"})).status_code == 400


def test_the_metric_cards_renew_themselves_until_every_judgment_is_in_them(run: EvaluationRun, member: User) -> None:
    client = client_of(member)
    assert "every 4s" in client.get(url(run, part="metrics"), headers=HTMX).content.decode()
    RunQuery.objects.update(has_stale_metrics=False)
    assert "every 4s" not in client.get(url(run, part="metrics"), headers=HTMX).content.decode()
