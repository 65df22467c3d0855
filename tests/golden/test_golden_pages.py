"""Golden sets on the page of a judge: made, followed, checked, and told in words and as a picture."""

import html
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from judging.models import GoldenCheck, GoldenSet, User
from judging.web.golden.pictures import drift_picture
from judging.web.golden.words import check_words
from tests.draining import drain
from tests.factories import make_golden_check, make_judge, make_provider, make_run
from tests.golden.golden_sets import golden_run
from tests.stub.fixtures import Stub

HTMX = {"HX-Request": "true"}


def page_of(client: Client, judge: Any) -> str:
    answer = client.get(reverse("ai_judge_trust", args=[judge.pk]))
    return " ".join(html.unescape(answer.content.decode()).split())


@pytest.mark.django_db(transaction=True)
def test_a_golden_set_is_made_followed_and_checked_on_the_page(client: Client, stub: Stub, member: User) -> None:
    judge, run = make_judge(make_provider(stub.base_url), batch_size=2), golden_run(name="A run")
    client.force_login(member)
    assert "No golden set watches this judge yet" in page_of(client, judge)
    form = {"name": "Nightly", "evaluation_run_id": str(run.pk), "query_count": 10, "per_query": 2, "every_days": ""}
    answer = client.post(reverse("create_golden_set", args=[judge.pk]), form, follow=True)
    made = GoldenSet.objects.get()
    part = reverse("golden_set", args=[judge.pk, made.pk])
    assert f'hx-get="{part}"' in answer.content.decode()
    assert "0 of 80 questions" in " ".join(answer.content.decode().split())
    drain()
    assert "hx-get" not in client.get(part, headers=HTMX).content.decode()
    client.post(reverse("check_golden_set", args=[judge.pk, made.pk]))
    drain()
    page = page_of(client, judge)
    assert "No drift seen" in page
    assert "0 of 20 grades changed." in page
    assert "Answered by stub-model-2026-01-01." in page
    assert "The first one: four judgings" in page
    assert 'class="drift-point drift-is-quiet"' in page


@pytest.mark.django_db
def test_a_set_is_scheduled_and_deleted_on_the_page(client: Client, member: User) -> None:
    judge = make_judge()
    made = make_golden_check(judge, make_run()).golden_set
    client.force_login(member)
    schedule = reverse("schedule_golden_set", args=[judge.pk, made.pk])
    assert "checked every 7 days" in client.post(schedule, {"every_days": "7"}, follow=True).content.decode()
    assert "Every days: Ensure" in client.post(schedule, {"every_days": "0"}, follow=True).content.decode()
    assert GoldenSet.objects.get().every_days == 7
    client.post(schedule, {"every_days": ""})
    assert GoldenSet.objects.get().every_days is None
    client.post(reverse("delete_golden_set", args=[judge.pk, made.pk]))
    assert not GoldenSet.objects.exists()


@pytest.mark.django_db
def test_what_is_refused_is_said_on_the_page(client: Client, member: User) -> None:
    judge, run = make_judge(), make_run()
    client.force_login(member)
    form = {"name": "x", "evaluation_run_id": str(run.pk), "query_count": 40, "per_query": 5}
    answer = client.post(reverse("create_golden_set", args=[judge.pk]), form, follow=True)
    assert "It takes 40 queries with 5 documents each" in answer.content.decode()
    started = make_golden_check(
        judge, run, status="queued", outcome="", shift=None, z=None, flip_count=None, total_count=1
    )
    again = client.post(reverse("check_golden_set", args=[judge.pk, started.golden_set_id]), follow=True)
    assert "is under way" in again.content.decode()
    client.post(reverse("cancel_golden_check", args=[judge.pk, started.pk]))
    assert GoldenCheck.objects.get().status == "cancelled"


@pytest.mark.django_db
def test_sets_of_another_judge_are_not_found_below_this_one(client: Client, member: User) -> None:
    judge, other = make_judge(), make_judge(owner=member)
    ended = make_golden_check(judge, make_run())
    client.force_login(member)
    assert client.get(reverse("golden_set", args=[other.pk, ended.golden_set_id]), headers=HTMX).status_code == 404
    assert client.post(reverse("cancel_golden_check", args=[other.pk, ended.pk])).status_code == 404


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"outcome": "quiet", "z": -0.4, "shift": -0.012, "flip_count": 3}, "3 of 200 grades changed; on average 0.01 grades lower than at the baseline, 0.4 standard deviations of chance."),
        ({"outcome": "alarm", "z": 3.4, "shift": 0.2, "flip_count": 40}, "40 of 200 grades changed; on average 0.20 grades higher than at the baseline, 3.4 standard deviations of chance. More than 3 are an alarm."),
        ({"outcome": "alarm", "z": None, "shift": 0.0, "flip_count": 1}, "1 of 200 grades changed. The judge graded alike four times, so any change is drift."),
        ({"outcome": "watch", "z": 1.5, "shift": 0.1, "flip_count": 9}, "9 of 200 grades changed; on average 0.10 grades higher than at the baseline, 1.5 standard deviations of chance. Small shifts the same way have added up over several checks."),
        ({"outcome": "baseline", "is_baseline": True, "baseline_reason": "version_changed"}, "The judge has a new version: four judgings that checks are compared with."),
    ],
)  # fmt: skip
def test_outcomes_are_told_in_words(fields: dict[str, Any], said: str) -> None:
    check = GoldenCheck(**{"is_baseline": False, "compared_count": 200, "status": "completed", **fields})
    assert check_words(check) == said


def test_the_picture_keeps_what_is_far_off_at_its_edge() -> None:
    baseline = GoldenCheck(is_baseline=True, outcome="baseline")
    checks = [GoldenCheck(is_baseline=False, outcome="alarm", shift=0.5, z=z) for z in (40.0, 3.0, 0.0)]
    picture = drift_picture([*checks, baseline])
    assert picture is not None
    assert [point.y for point in picture.points] == [picture.middle, picture.alarm_above, 11.0]
    assert picture.breaks == [picture.left]
    assert drift_picture([baseline]) is None
