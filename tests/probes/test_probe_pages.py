"""Probes on the page of a judge: in words, with examples to read, followed while they run."""

import html
from typing import Any, get_args

import pytest
from django.test import Client
from django.urls import reverse

from judging.models import Probe, ProbeRun, User
from judging.statistics.probes import ProbeName
from judging.trust.probe_words import PROBE_WORDS
from judging.web.probes.words import reading_words
from tests.draining import drain
from tests.factories import make_judge, make_probe_run, make_provider, make_run
from tests.probes.probing import large_run
from tests.stub.fixtures import Stub

HTMX = {"HX-Request": "true"}


def page_of(client: Client, judge: Any) -> str:
    return html.unescape(client.get(reverse("ai_judge_trust", args=[judge.pk])).content.decode())


def test_probes_have_one_name_everywhere() -> None:
    assert {name: words.name for name, words in PROBE_WORDS.items()} == dict(Probe.choices)
    assert set(get_args(ProbeName)) == set(Probe.values)


@pytest.mark.parametrize(
    ("reading", "said"),
    [
        (
            {"name": "relevant", "count": 0, "total": 30, "value": 0.0, "low": 0.0, "high": 0.095},
            "0 of 30 were called relevant: below 9.5 % with 95 % confidence. Wanted: none.",
        ),
        (
            {"name": "relevant", "count": 30, "total": 30, "value": 1.0, "low": 0.905, "high": 1.0},
            "30 of 30 were called relevant: above 90.5 % with 95 % confidence. Wanted: none.",
        ),
        (
            {"name": "raised", "count": 3, "total": 30, "value": 0.1, "low": 0.03, "high": 0.24, "mark_value": 0.1},
            "3 of 30 were graded higher: 10 % (3 % to 24 %). Wanted: 10 % at most.",
        ),
        (
            {"name": "change", "value": -0.1, "low": -0.2, "high": 0.05, "total": 30, "mark": "holds_zero"},
            "Change in grades, on average: −0.10 (−0.20 to +0.05). Wanted: an interval that holds 0.",
        ),
        (
            {"name": "kappa", "value": None, "low": None, "high": None, "total": 60, "refused_code": "no_variance"},
            "Agreement with the first grades: not known. All values are one and the same, so nothing says how far they"
            " could be from the truth.",
        ),
    ],
)
def test_readings_are_told_in_words(reading: dict[str, Any], said: str) -> None:
    assert reading_words({"mark": "at_most", "mark_value": 0.0, "count": None, "refused_code": None, **reading}) == said


@pytest.mark.django_db(transaction=True)
def test_probes_are_started_followed_and_told_on_the_page(client: Client, stub: Stub, member: User) -> None:
    judge, run = make_judge(make_provider(stub.base_url), max_concurrency=8), large_run(name="A large run")
    client.force_login(member)
    assert "No version of this judge has been probed yet" in page_of(client, judge)
    chosen = {"evaluation_run_id": str(run.pk), "version": "1", "probes": ["repeat", "shuffle", "nonsense"]}
    answer = client.post(reverse("start_probes", args=[judge.pk]), chosen, follow=True)
    started = ProbeRun.objects.get()
    part = reverse("probes", args=[judge.pk, started.pk])
    page = answer.content.decode()
    assert f'hx-get="{part}"' in page
    assert "0 of 150 questions" in page
    again = client.post(reverse("start_probes", args=[judge.pk]), {"evaluation_run_id": str(run.pk)}, follow=True)
    assert "under way" in again.content.decode()
    drain()
    told = html.unescape(client.get(part, headers=HTMX).content.decode())
    assert "hx-get" not in told
    assert "60 of 60 got the same grade again" in told
    assert "The judge asks about one document at a time" in told
    assert "The worst 5 answers" in " ".join(told.split())
    assert told.split("<table")[1] in page_of(client, judge)


@pytest.mark.django_db
def test_probes_are_cancelled_on_the_page(client: Client, member: User) -> None:
    judge, run = make_judge(), large_run()
    client.force_login(member)
    client.post(reverse("start_probes", args=[judge.pk]), {"evaluation_run_id": str(run.pk)})
    cancel = reverse("cancel_probes", args=[judge.pk, ProbeRun.objects.get().pk])
    assert "Cancelled" in client.post(cancel, follow=True).content.decode()
    assert ProbeRun.objects.get().status == "cancelled"


@pytest.mark.django_db
def test_only_the_chosen_probes_are_asked_with_what_they_are_compared_with(client: Client, member: User) -> None:
    judge, run = make_judge(), large_run()
    client.force_login(member)
    page = page_of(client, judge)
    assert all(f'name="probes" value="{name}"' in page for name in Probe.values)
    start = reverse("start_probes", args=[judge.pk])
    client.post(start, {"evaluation_run_id": str(run.pk), "probes": ["nonsense", "instruction"]})
    assert ProbeRun.objects.get().probes == ["swapped", "nonsense", "instruction"]
    wrong = client.post(start, {"evaluation_run_id": str(run.pk), "probes": ["else"]})
    assert (wrong.status_code, ProbeRun.objects.count()) == (400, 1)


@pytest.mark.django_db
def test_the_newest_of_each_version_is_shown(client: Client, member: User) -> None:
    judge, run = make_judge(), make_run()
    make_probe_run(judge, run, text=" of old")
    make_probe_run(judge, run, text=" of new")
    client.force_login(member)
    page = page_of(client, judge)
    assert "Title of d4 of new" in page
    assert "Title of d4 of old" not in page
    assert "v1: 1 failed, 1 not run" in " ".join(page.replace("</strong>", "").replace("<strong>", "").split())


@pytest.mark.django_db
def test_probes_of_another_judge_are_not_found_below_this_one(client: Client, member: User) -> None:
    judge, other, run = make_judge(), make_judge(owner=member), make_run()
    ended = make_probe_run(judge, run)
    client.force_login(member)
    assert client.get(reverse("probes", args=[other.pk, ended.pk]), headers=HTMX).status_code == 404
