"""Every change of settings makes a version, whatever they are the settings of."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import transaction

from judging.foundation.errors import Conflict, NotFound
from judging.models import Evaluator, ResponseJudge, User
from judging.records.roles import SYSTEM
from judging.records.versions import EVALUATORS, JUDGES, RESPONSE_JUDGES, Versioning
from tests.factories import make_judge

pytestmark = pytest.mark.django_db


def evaluator() -> Evaluator:
    made = Evaluator(name="Tone", prompt_template="{{response}}")
    EVALUATORS.create(made, actor=SYSTEM)
    return made


def response_judge() -> ResponseJudge:
    made = ResponseJudge(name="Answers")
    RESPONSE_JUDGES.create(made, actor=SYSTEM)
    return made


KINDS = [(JUDGES, make_judge), (EVALUATORS, evaluator), (RESPONSE_JUDGES, response_judge)]


@pytest.mark.parametrize(("versioning", "make"), KINDS)
def test_a_changed_setting_makes_the_next_version(
    member: User, versioning: Versioning[Any, Any], make: Callable[[], Any]
) -> None:
    thing = make()
    with transaction.atomic():
        stored = versioning.lock(thing)
        before = stored.settings_dict()
        stored.name = "another"
        change = versioning.change(stored, before=before, actor=member)
    assert change.settings == ["name"]
    assert change.version is not None
    assert (change.version.number, change.version.name, change.version.created_by) == (2, "another", member)
    assert [version.number for version in thing.versions.order_by("number")] == [1, 2]
    # The first one stays as it was.
    assert thing.versions.get(number=1).settings_dict() == before
    stored.refresh_from_db()
    assert (stored.name, stored.version) == ("another", 2)


@pytest.mark.parametrize(("versioning", "make"), KINDS)
def test_the_same_settings_make_none(member: User, versioning: Versioning[Any, Any], make: Callable[[], Any]) -> None:
    thing = make()
    with transaction.atomic():
        stored = versioning.lock(thing)
        change = versioning.change(stored, before=stored.settings_dict(), actor=member)
    assert (change.settings, change.version, thing.versions.count()) == ([], None, 1)


@pytest.mark.parametrize(("versioning", "make"), KINDS)
def test_two_changes_at_one_moment_make_one_version(
    member: User, versioning: Versioning[Any, Any], make: Callable[[], Any]
) -> None:
    first = make()
    second = versioning.things._default_manager.get(pk=first.pk)
    for thing in (first, second):
        thing.name = f"{thing.name} again"
    versioning.change(first, before={**first.settings_dict(), "name": "x"}, actor=member)
    with pytest.raises(Conflict, match="changed at the same moment"):
        versioning.change(second, before={**second.settings_dict(), "name": "x"}, actor=member)
    assert first.versions.count() == 2


@pytest.mark.parametrize(("versioning", "make"), KINDS)
def test_what_is_gone_can_t_be_changed(versioning: Versioning[Any, Any], make: Callable[[], Any]) -> None:
    thing = make()
    versioning.things._default_manager.filter(pk=thing.pk).delete()
    with transaction.atomic(), pytest.raises(NotFound):
        versioning.lock(thing)


def test_who_may_use_a_judge_is_no_setting_of_a_version(member: User) -> None:
    judge = make_judge()
    judge.description = "careful"
    change = JUDGES.change(judge, before=judge.settings_dict(), actor=member, others=("description",))
    judge.refresh_from_db()
    assert (change.version, judge.description, judge.version) == (None, "careful", 1)
