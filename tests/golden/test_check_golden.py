"""`manage.py check_golden`: exit codes and what it prints."""

import json
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import call_command
from django.utils import timezone

from judging.models import GoldenCheck, User
from tests.golden.golden_sets import answer, golden_set, watched_set
from tests.stub.fixtures import Stub

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.seldom]


def run(*arguments: str) -> tuple[int, str]:
    """Run the command; return its exit code and what it printed."""
    out = StringIO()
    code = 0
    try:
        call_command("check_golden", *arguments, stdout=out, stderr=StringIO())
    except SystemExit as ended:
        code = int(ended.code or 0)
    return code, out.getvalue()


def test_it_ends_with_3_when_a_judge_drifts_and_0_before(stub: Stub, member: User) -> None:
    watched = watched_set(member, stub=stub)
    code, said = run()
    assert (code, said.strip()) == (
        0,
        f"Watched, {watched.judge.name} v1: No drift seen (0 of 20 grades changed, +0.000 on average).",
    )
    stub.script(grades={pair.document_version.document.external_id: 0 for pair in watched.pairs.all()})
    code, said = run("Watched", "--json")
    assert code == 3
    assert [check["outcome"] for check in json.loads(said)] == ["alarm"]


def test_a_check_that_says_nothing_ends_with_1(stub: Stub, member: User) -> None:
    watched = golden_set(stub, member)
    assert run()[0] == 1, "its baseline is under way"
    answer(watched.checks.get())
    stub.script(fault="401")
    code, said = run()
    assert code == 1
    assert "Too few answers" in said


def test_another_model_s_new_baseline_is_made_at_once(stub: Stub, member: User) -> None:
    watched = watched_set(member, stub=stub)
    stub.script(release="2026-06-01")
    code, said = run()
    assert (code, "Another model answered" in said) == (0, True)
    assert watched.checks.latest("created_at").outcome == "baseline"


def test_due_takes_only_what_is_due(stub: Stub, member: User) -> None:
    watched_set(member, stub=stub, name="By hand")
    watched_set(member, stub=stub, name="Weekly", every_days=7)
    assert run("--due") == (0, "No golden set is due.\n")
    GoldenCheck.objects.update(created_at=timezone.now() - timedelta(days=8))
    code, said = run("--due", "--json")
    assert (code, [check["golden_set"] for check in json.loads(said)]) == (0, ["Weekly"])
