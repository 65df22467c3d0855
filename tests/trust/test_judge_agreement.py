"""A judge's versions against people over all runs they judged: every pair once, private judges to those who see them."""

import re
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from judging.models import User
from judging.trust.judge_agreement import version_agreements
from tests.factories import make_evaluation, make_judge, make_run, make_user
from tests.review.test_grid import ai_grades
from tests.trust.graded import make_graded_run
from tests.trust.test_agreement import PEOPLE

pytestmark = pytest.mark.django_db


def test_the_newest_item_counts_and_a_pair_of_two_runs_once() -> None:
    run = make_graded_run(raters={"ann": [[2, 3]]})
    twin = make_run({"query 0": ["d1"]}, evaluation=make_evaluation(run.evaluation.corpus))
    judge = make_judge()
    ai_grades(run, {("query 0", "d1"): 0, ("query 0", "d2"): 3}, judge)
    ai_grades(twin, {("query 0", "d1"): 4}, judge)
    (found,) = version_agreements([judge.versions.get().pk]).values()
    assert (found.pair_count, found.confusion[4][2], found.confusion[3][3]) == (2, 1, 1)


def test_several_people_are_averaged_and_set_beside_each_other() -> None:
    run = make_graded_run(raters={"ann": [[2]], "ben": [[3]]})
    judge = make_judge()
    ai_grades(run, {("query 0", "d1"): 3}, judge)
    (found,) = version_agreements([judge.versions.get().pk]).values()
    assert (found.pair_count, found.confusion[3][3]) == (1, 1)
    assert len(found.given.grades) == 2


def test_scales_are_kept_apart_and_the_one_with_most_pairs_is_taken() -> None:
    judge = make_judge()
    graded = make_graded_run(raters={"ann": [[2, 3]]})
    binary = make_graded_run(raters={"ann": [[1]]}, scale="binary")
    ai_grades(graded, {("query 0", "d1"): 2, ("query 0", "d2"): 2}, judge)
    ai_grades(binary, {("query 0", "d1"): 0}, judge)
    key = judge.versions.get().pk
    assert version_agreements([key])[key].scale.name == "graded"
    other = version_agreements([key], scale="binary")[key]
    assert (other.pair_count, other.confusion[0][1]) == (1, 1)
    assert [scale.name for scale in other.scales] == ["binary", "graded"]


def test_the_page_and_the_list_say_what_the_numbers_are(client: Client, member: User) -> None:
    run = make_graded_run(raters={"ann": PEOPLE})
    judge = make_judge()
    grades = {
        (f"query {query}", f"d{rank}"): min(grade + (rank == 1), 4)
        for query, row in enumerate(PEOPLE)
        for rank, grade in enumerate(row, start=1)
    }
    ai_grades(run, grades, judge)
    client.force_login(member)
    page = client.get(reverse("ai_judge_trust", args=[judge.pk])).content.decode()
    cells = client.get(reverse("judges_agreement"), {"judge": str(judge.pk)}).content.decode()
    value = re.search(r"<strong class=\"tabular\">(0\.\d\d)</strong>", cells)
    assert value is not None
    assert value[0] in page
    assert "too generous" in page


def test_a_judge_nobody_checked_says_so(client: Client, member: User) -> None:
    judge = make_judge()
    client.force_login(member)
    assert "No people to compare with yet" in client.get(reverse("ai_judge_trust", args=[judge.pk])).content.decode()
    assert "No blind grades" in client.get(reverse("judges_agreement"), {"judge": str(judge.pk)}).content.decode()


def test_the_list_tells_nothing_of_others_private_judges(client: Client, member: User) -> None:
    judge = make_judge(owner=make_user())
    client.force_login(member)
    assert client.get(reverse("ai_judge_trust", args=[judge.pk])).status_code == 404
    answer = client.get(reverse("judges_agreement"), {"judge": [str(judge.pk), "rubbish"]})
    assert str(judge.pk) not in answer.content.decode()


def test_a_page_of_judges_takes_no_question_each(django_assert_max_num_queries: Any) -> None:
    run = make_graded_run(raters={"ann": [[2]]})
    judges = [make_judge() for _ in range(5)]
    for judge in judges:
        ai_grades(run, {("query 0", "d1"): 2}, judge)
    keys = [judge.versions.get().pk for judge in judges]
    with django_assert_max_num_queries(1):
        assert len(version_agreements(keys)) == 5
