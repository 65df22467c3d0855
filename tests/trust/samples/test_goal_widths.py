"""How far a check sample is from its goal: the width reached beside the one wanted."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from rest_framework.test import APIClient

from judging.models import User
from tests.markup import one_line
from tests.trust.graded import make_graded_run
from tests.trust.sampled import get, grade_beginning, start, state_of
from tests.trust.samples.test_check_samples import AI, BY_PAIR, PEOPLE

pytestmark = pytest.mark.django_db


def test_what_is_reached_stands_beside_what_is_wanted(as_member: APIClient, client: Client, member: User) -> None:
    run = make_graded_run(ai=AI, scale="trec", relevant_from=2, metrics=["P@10"])
    wanted = start(run, "precision", metric="P@10", half_width=0.001)
    certified = start(run, "certify", metric="P@10")
    assert get(as_member, wanted)["goal_width"] is None
    grade_beginning(wanted, member, BY_PAIR, most=100)
    state = state_of(wanted)
    assert state.status == "open"
    assert state.goal_width.wanted == 0.001
    # A goal of a width is reached with a tenth to spare.
    assert state.goal_width.reached == pytest.approx(1.1 * state.estimate.half_width)
    assert state.goal_width.reached > state.goal_width.wanted
    assert get(as_member, wanted)["goal_width"] == {"reached": state.goal_width.reached, "wanted": 0.001}
    width = state_of(certified).goal_width
    assert (width.wanted, width.reached) == (1.15, state_of(certified).look.estimate.width_ratio)

    client.force_login(member)
    said = f"Half the width with a tenth to spare is <strong>{state.goal_width.reached:.3f}</strong>"
    for page in (reverse("check_sample", args=[wanted.pk]), reverse("run_trust", args=[run.pk])):
        shown = one_line(client.get(page).content.decode())
        assert said in shown
        # What is needed is the end of the bar, not all there is.
        assert f'max="{state.graded_count + state.needed_count}"' in shown


def test_a_whole_run_graded_is_as_narrow_as_can_be(as_member: APIClient) -> None:
    run = make_graded_run(ai=AI, raters={"ann": PEOPLE}, scale="trec", relevant_from=2, metrics=["P@10"])
    goals = {"certify": (1.0, 1.15), "precision": (0.0, 0.05), "agreement": (0.0, 0.1)}
    for goal, (reached, wanted) in goals.items():
        fields: dict[str, Any] = {} if goal == "agreement" else {"metric": "P@10"}
        fields |= {"half_width": 0.05} if goal == "precision" else {}
        state = state_of(start(run, goal, **fields))
        assert (state.goal_width.reached, state.goal_width.wanted) == (pytest.approx(reached, abs=1e-9), wanted), goal
        assert state.status == "reached"
