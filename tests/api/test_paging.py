"""Lists go page by page, each row once, in both directions, and cost the same however long they are."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.request import Request
from rest_framework.test import APIClient, APIRequestFactory

from judging.models import ApiToken, Candidate, Corpus, Evaluation, Invitation, User
from judging.rest.paging import KeysetPagination
from tests.factories import make_judge, make_provider, make_run
from tests.rest_clients import assert_problem


def pages(client: APIClient, url: str | None) -> Iterator[dict[str, Any]]:
    while url:
        body = client.get(url).json()
        yield body
        url = body["next"]


@pytest.mark.on_both
def test_every_row_comes_once_forwards_and_backwards(as_member: APIClient) -> None:
    # Equal names: the id decides.
    Corpus.objects.bulk_create([Corpus(name=f"name {number // 5}") for number in range(23)])
    expected = [str(pk) for pk in Corpus.objects.order_by("name", "id").values_list("pk", flat=True)]
    forwards = list(pages(as_member, "/api/v1/corpora?page_size=4&search=kept"))
    assert [row["id"] for page in forwards for row in page["results"]] == expected
    assert [len(page["results"]) for page in forwards] == [4, 4, 4, 4, 4, 3]
    assert forwards[0]["previous"] is None
    assert all("search=kept" in page["next"] for page in forwards[:-1])
    backwards: list[Any] = []
    url = forwards[-1]["previous"]
    while url:
        page = as_member.get(url).json()
        assert page["next"]
        backwards.insert(0, page["results"])
        url = page["previous"]
    assert [row["id"] for rows in backwards for row in rows] == expected[:-3]


@pytest.mark.on_both
def test_a_row_added_meanwhile_moves_nothing(as_member: APIClient) -> None:
    Corpus.objects.bulk_create([Corpus(name=name) for name in "bdf"])
    first = as_member.get("/api/v1/corpora?page_size=2").json()
    Corpus.objects.create(name="a")
    Corpus.objects.create(name="e")
    assert [row["name"] for row in as_member.get(first["next"]).json()["results"]] == ["e", "f"]


@pytest.mark.on_both
@pytest.mark.parametrize(
    "order", [("effective_grade?", "id"), ("-effective_grade?", "-id"), ("-people_mean?", "rank", "id")]
)
def test_nulls_come_last_and_are_paged_like_all_else(db: None, order: tuple[str, ...]) -> None:
    run = make_run({"q": [f"d{number}" for number in range(11)]})
    for number, row in enumerate(Candidate.objects.filter(run=run)):
        if number % 3:
            Candidate.objects.filter(pk=row.pk).update(effective_grade=number % 2, people_mean=number / 2)
    seen, url, all_urls = [], "/?page_size=2", []
    while url:
        paging, request = KeysetPagination(), Request(APIRequestFactory().get(url))
        seen += paging.page(Candidate.objects.filter(run=run), request, order=order)
        answer = paging.get_paginated_response([]).data
        url = answer["next"]
        all_urls.append(answer["previous"])
    values = [getattr(row, order[0].strip("-?")) for row in seen]
    graded = [value for value in values if value is not None]
    assert values == sorted(graded, reverse=order[0].startswith("-")) + [None] * 4
    assert len({row.pk for row in seen}) == 11
    back = KeysetPagination().page(
        Candidate.objects.filter(run=run), Request(APIRequestFactory().get(all_urls[-1])), order=order
    )
    assert back == seen[-3:-1]


@pytest.mark.on_both
@pytest.mark.parametrize(
    "query",
    [
        *(f"page_size={size}" for size in ("", "0", "501", "-1", "x", "²", "9" * 30, "1.5")),
        *(f"cursor={cursor}" for cursor in ("x", "bnVsbA", "W10", "WyJuIixbXSxbXV0", "%00", "é")),
        # numbers and text that no column can be compared with
        "cursor=WyJuIiwgImEiLCAxZTk5OV0",
        "cursor=WyJuIiwgImFcdTAwMDAiLCAieCJd",
        "cursor=WyJuIiwgImEiLCA5OTk5OTk5OTk5OTk5OTk5OTk5OTk5OV0",
    ],
)
def test_sizes_and_cursors_that_cannot_be_answer_400(as_member: APIClient, query: str) -> None:
    assert_problem(as_member.get(f"/api/v1/corpora?{query}"), 400, "invalid", query.partition("=")[0])


@pytest.mark.parametrize(
    "path", ["corpora", "evaluations", "ai-providers", "ai-judges", "members", "invitations", "tokens"]
)
def test_a_long_list_takes_no_more_queries_than_a_short_one(as_admin: APIClient, path: str) -> None:
    admin = User.objects.get()

    def add(number: int) -> None:
        corpus = Corpus.objects.create(name=f"corpus {number}")
        Evaluation.objects.create(corpus=corpus, name="x", created_by=admin)
        make_judge(make_provider(), owner=admin)
        User.objects.create(email=f"{number}@example.com")
        Invitation.objects.create(
            email="x@example.com", token_hash=str(number), created_by=admin, expires_at=corpus.created_at
        )
        ApiToken.objects.create(user=admin, name="x", prefix="rlv_", token_hash=str(number))

    def count() -> int:
        with CaptureQueriesContext(connection) as queries:
            assert as_admin.get(f"/api/v1/{path}").status_code == 200
        return len(queries)

    add(1)
    as_admin.get("/api/v1/me")  # notes the token's use
    few = count()
    for number in range(2, 8):
        add(number)
    # The token with its user, and the page.
    assert count() == few == 2


def test_the_versions_of_a_judge_take_no_query_each(as_member: APIClient) -> None:
    judge = make_judge(owner=User.objects.get())
    path = f"/api/v1/ai-judges/{judge.pk}"
    for size in range(2, 8):
        as_member.patch(path, {"batch_size": size})
    with CaptureQueriesContext(connection) as queries:
        versions = as_member.get(f"{path}/versions?page_size=3").json()
    assert len(queries) == 4
    assert [(row["version"], row["changes"]) for row in versions["results"]] == [
        (number, ["batch_size"]) for number in (7, 6, 5)
    ]
    last = list(pages(as_member, versions["next"]))[-1]["results"][-1]
    assert (last["version"], last["changes"]) == (1, [])
