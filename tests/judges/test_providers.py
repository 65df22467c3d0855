"""AI providers: who may make and change them, and that a key never leaves."""

import pytest

from judging.foundation.errors import Conflict, Forbidden, Invalid, NotFound
from judging.judges import providers
from judging.judges.judges import save_judge
from judging.judges.providers import delete_provider, save_provider
from judging.models import AIProvider, AuditEvent, User
from tests.factories import make_judge, make_provider, make_user
from tests.stub.fixtures import Stub

FIELDS = {"type": "custom", "name": "vLLM", "base_url": "http://127.0.0.1:9/v1"}


@pytest.mark.on_both
def test_only_a_personal_provider_has_an_owner(member: User, admin: User) -> None:
    mine = save_provider(actor=member, fields=FIELDS, api_key="sk-1")
    assert (mine.owner, mine.shared, mine.api_key()) == (member, False, "sk-1")
    assert "sk-1" not in AIProvider.objects.get().encrypted_api_key
    ours = save_provider(actor=admin, fields={**FIELDS, "shared": True})
    assert (ours.owner, ours.shared, ours.has_api_key) == (None, True, False)


@pytest.mark.parametrize(
    "pasted",
    [
        " sk-1=\n",
        "Bearer sk-1=",
        "bearer  sk-1=",
        "Api-Key sk-1=",
        '"sk-1="',
        "'Bearer sk-1='",
        "`sk-1=`",
        "“sk-1=”",
        "Authorization: Bearer sk-1=",
        'authorization: "Bearer sk-1="',
        "-H 'Authorization: Bearer sk-1='",
        "x-api-key: sk-1=",
        'OPENAI_API_KEY="sk-1="',
        "export OPENAI_API_KEY=sk-1=",
    ],
)
def test_what_is_pasted_around_a_key_is_taken_off(member: User, pasted: str) -> None:
    assert save_provider(actor=member, fields=FIELDS, api_key=pasted).api_key() == "sk-1="


def test_what_is_no_key_is_refused_with_advice(member: User) -> None:
    with pytest.raises(Invalid) as refused:
        save_provider(actor=member, fields=FIELDS, api_key="my key is sk-1")
    assert refused.value.errors == {"api_key": ['Paste the key alone: without "Bearer", quotes or spaces.']}


def test_only_admins_share(member: User, admin: User, rater: User) -> None:
    for actor, fields in ((member, {**FIELDS, "shared": True}), (rater, FIELDS)):
        with pytest.raises(Forbidden):
            save_provider(actor=actor, fields=fields)
    mine = make_provider(owner=member)
    with pytest.raises(Forbidden):
        save_provider(actor=member, provider=mine, fields={"shared": True})
    assert save_provider(actor=admin, provider=mine, fields={"shared": True}).owner is None


def test_strangers_change_nothing_and_members_no_shared_one(member: User) -> None:
    with pytest.raises(NotFound):
        save_provider(actor=member, provider=make_provider(owner=make_user()), fields={"name": "x"})
    with pytest.raises(Forbidden):
        save_provider(actor=member, provider=make_provider(), fields={"name": "x"})


@pytest.mark.parametrize(
    ("fields", "api_key", "field"),
    [
        ({"type": "openai"}, None, "api_key"),
        ({"type": "nothing"}, None, "type"),
        ({"base_url": ""}, None, "base_url"),
        ({"base_url": "ftp://example.com"}, None, "base_url"),
        ({"base_url": "http://169.254.169.254/v1"}, None, "base_url"),
        ({"region": "us-east-1"}, None, "region"),
        ({"name": " "}, None, "name"),
        ({"name": "a\0b"}, None, "name"),
        ({}, "two\nlines", "api_key"),
        ({}, "two words", "api_key"),
        ({}, "Bearer", "api_key"),
        ({}, 'sk-1" "sk-2', "api_key"),
        ({}, '""', "api_key"),
        ({}, "k" * 5001, "api_key"),
    ],
)
def test_a_connection_that_cannot_work_is_refused(
    member: User, fields: dict[str, str], api_key: str | None, field: str
) -> None:
    with pytest.raises(Invalid) as refused:
        save_provider(actor=member, fields={**FIELDS, **fields}, api_key=api_key)
    assert field in refused.value.errors
    assert not AIProvider.objects.exists()


def test_a_key_stays_until_it_is_replaced_or_removed(member: User) -> None:
    provider = save_provider(actor=member, fields=FIELDS, api_key="sk-1")
    assert save_provider(actor=member, provider=provider, fields={"name": "new"}).api_key() == "sk-1"
    assert save_provider(actor=member, provider=provider, fields={}, api_key=" sk-2 ").api_key() == "sk-2"
    assert not save_provider(actor=member, provider=provider, fields={}, api_key="").has_api_key
    assert "sk-" not in str(list(AuditEvent.objects.values()))


@pytest.mark.parametrize(
    "base_url", ["http://evil.example/v1", "http://127.0.0.1:10/v1", "https://127.0.0.1:9/v1", "http://127.0.0.2:9/v1"]
)
def test_a_key_does_not_follow_to_another_host(admin: User, base_url: str) -> None:
    provider = save_provider(actor=admin, fields={**FIELDS, "shared": True}, api_key="sk-1")
    with pytest.raises(Invalid) as refused:
        save_provider(actor=admin, provider=provider, fields={"base_url": base_url})
    assert "api_key" in refused.value.errors
    provider.refresh_from_db()
    assert provider.base_url == FIELDS["base_url"]
    assert save_provider(actor=admin, provider=provider, fields={"base_url": "http://127.0.0.1:9/other"}).api_key()
    moved = save_provider(actor=admin, provider=provider, fields={"base_url": base_url}, api_key="sk-2")
    assert (moved.base_url, moved.api_key()) == (base_url, "sk-2")


def test_the_key_of_a_cloud_does_not_follow_to_an_address_of_one_s_own(admin: User) -> None:
    provider = save_provider(actor=admin, fields={"type": "openai", "name": "OpenAI"}, api_key="sk-1")
    with pytest.raises(Invalid) as refused:
        save_provider(actor=admin, provider=provider, fields={"base_url": "https://evil.example/v1"})
    assert "api_key" in refused.value.errors


def test_the_type_cannot_be_changed(member: User) -> None:
    provider = save_provider(actor=member, fields=FIELDS)
    save_provider(actor=member, provider=provider, fields={"type": "custom"})
    with pytest.raises(Invalid) as refused:
        save_provider(actor=member, provider=provider, fields={"type": "ollama"})
    assert "type" in refused.value.errors


def test_an_undecryptable_key_asks_for_a_new_one(member: User) -> None:
    provider = save_provider(actor=member, fields=FIELDS, api_key="sk-1")
    AIProvider.objects.update(encrypted_api_key="lost")
    with pytest.raises(Conflict) as refused:
        save_provider(actor=member, provider=provider, fields={"name": "x"})
    assert refused.value.code == "undecryptable"
    assert not providers.try_provider(provider=AIProvider.objects.get(), model="m").ok
    assert save_provider(actor=member, provider=provider, fields={}, api_key="sk-2").api_key() == "sk-2"


@pytest.mark.on_both
def test_a_provider_that_a_judge_or_an_old_version_uses_is_not_deleted(admin: User) -> None:
    old, new = make_provider(), make_provider()
    judge = make_judge(old)
    save_judge(actor=admin, judge=judge, fields={"ai_provider_id": new.pk})
    for provider in (old, new):
        with pytest.raises(Conflict) as refused:
            delete_provider(actor=admin, provider=provider)
        assert refused.value.code == "provider_in_use"
        assert judge.name in refused.value.message
    assert AIProvider.objects.count() == 2
    judge.delete()
    delete_provider(actor=admin, provider=old)
    assert list(AIProvider.objects.all()) == [new]


@pytest.mark.on_both
def test_a_provider_that_others_judges_use_stays_shared(admin: User, member: User) -> None:
    provider = make_provider()
    make_judge(provider, owner=admin)
    judge = make_judge(provider, owner=member)
    with pytest.raises(Conflict):
        save_provider(actor=admin, provider=provider, fields={"shared": False})
    judge.delete()
    assert save_provider(actor=admin, provider=provider, fields={"shared": False}).owner == admin


def test_a_test_tells_what_the_provider_said(member: User, stub: Stub) -> None:
    provider = make_provider(stub.base_url, owner=member)
    result = providers.try_provider(provider=provider, model="stub-model")
    assert result.ok, result.message
    assert "<grade>" in result.message
    assert result.models == ["stub-large", "stub-model"]
    stub.script(fault="401")
    result = providers.try_provider(provider=provider, model="stub-model")
    assert not result.ok
    assert result.message
    with pytest.raises(Invalid):
        providers.try_provider(provider=provider, model=" ")


def test_a_test_of_a_dead_address_says_so(member: User) -> None:
    result = providers.try_provider(provider=make_provider(owner=member), model="m")
    assert (result.ok, result.models) == (False, None)
    assert result.message
