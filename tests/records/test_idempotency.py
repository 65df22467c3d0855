"""One key, one job: for every kind of job there is."""

from typing import NoReturn

import pytest
from django.db import IntegrityError

from judging.foundation.errors import Conflict, Invalid
from judging.foundation.limits import MAX_IDEMPOTENCY_KEY
from judging.judging_runs.starting import start_judging_run
from judging.models import JudgingRun, User
from judging.records.idempotency import Once, find_earlier, make_once, once_of
from tests.factories import make_judge, make_run, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def first(member: User) -> JudgingRun:
    return start_judging_run(evaluation_run=make_run(), judge=make_judge(), actor=member, idempotency_key="k1")


def too_late() -> NoReturn:
    raise IntegrityError("judging_run_idempotency_key_unique")


def test_the_job_that_the_same_request_made_at_the_same_moment_is_returned(member: User, first: JudgingRun) -> None:
    assert make_once(JudgingRun, too_late, actor=member, once=Once("k1", first.request_hash)) == first


def test_another_request_with_the_key_is_told_so(member: User, first: JudgingRun) -> None:
    with pytest.raises(Conflict) as caught:
        make_once(JudgingRun, too_late, actor=member, once=Once("k1", "another"))
    assert caught.value.code == "idempotency_key_reused"


def test_what_breaks_without_a_key_stays_broken(member: User, first: JudgingRun) -> None:
    with pytest.raises(IntegrityError):
        make_once(JudgingRun, too_late, actor=member, once=Once())


def test_a_key_is_its_user_s_own(first: JudgingRun) -> None:
    assert find_earlier(JudgingRun, actor=make_user(), once=Once("k1", first.request_hash)) is None


def test_the_hash_ignores_the_order_of_members() -> None:
    assert once_of("k", {"a": 1, "b": 2}) == once_of("k", {"b": 2, "a": 1}) != once_of("k", {"a": 1, "b": 3})
    assert once_of("", {"a": 1}) == Once()


@pytest.mark.parametrize("key", ["k" * (MAX_IDEMPOTENCY_KEY + 1), "a\nb", "\0"])
def test_a_key_that_can_t_be_is_refused(key: str) -> None:
    with pytest.raises(Invalid, match="Idempotency-Key takes up to 200 printable characters"):
        once_of(key, {})
