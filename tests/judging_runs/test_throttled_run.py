"""The page of an AI judging run says what holds it up."""

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from judging.judging_runs.starting import start_judging_run
from judging.models import JudgingRun, Throttle, User
from judging.work import lifecycle
from tests.factories import make_judge, make_run


@pytest.mark.parametrize(
    ("throttle", "why"), [("provider_limit", "limits set on the AI provider"), ("rate_limited", "429")]
)
def test_a_run_that_is_held_up_says_by_what_and_since_when(
    client: Client, member: User, throttle: str, why: str
) -> None:
    client.force_login(member, backend="django.contrib.auth.backends.ModelBackend")
    run = start_judging_run(evaluation_run=make_run(), judge=make_judge(), actor=member)
    live = reverse("judging_run", args=[run.pk]) + "?part=live"
    assert "throttle" not in client.get(live).content.decode()
    since = timezone.now() - timedelta(minutes=3, seconds=5)
    JudgingRun.objects.filter(pk=run.pk).update(throttle=throttle, throttle_changed_at=since)
    page = client.get(live).content.decode()
    assert f"<strong>{Throttle(throttle).label}.</strong>" in page
    assert why in page
    assert "3 minutes ago" in page
    lifecycle.cancel(run.kind, run.pk)
    assert 'id="throttle"' not in client.get(live).content.decode()
