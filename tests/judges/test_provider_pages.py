"""The pages of AI providers: keys go in and never come out."""

import re

import pytest
from django.conf import settings
from django.test import Client
from django.urls import reverse
from pytest_django.fixtures import DjangoAssertNumQueries

from judging.models import AIProvider, ProviderType, Role, User
from tests.factories import make_judge, make_provider, make_user
from tests.stub.fixtures import Stub

KEY = "sk-a-very-secret-key"
HTMX = {"HX-Request": "true"}


def client_of(user: User) -> Client:
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client


def make_keyed(user: User, **fields: str) -> AIProvider:
    provider = make_provider(owner=user, **fields)
    provider.set_api_key(KEY)
    provider.save()
    return provider


@pytest.mark.parametrize(
    ("method", "name"),
    [
        ("get", "ai_providers"),
        ("get", "ai_provider_create"),
        ("get", "ai_provider"),
        ("post", "delete_ai_provider"),
        ("post", "test_ai_provider"),
    ],
)
def test_raters_see_nothing_of_providers(rater: User, method: str, name: str) -> None:
    args = [] if name in ("ai_providers", "ai_provider_create") else [make_provider().pk]
    assert getattr(client_of(rater), method)(reverse(name, args=args)).status_code == 403


def test_a_provider_takes_its_type_s_fields_and_no_page_shows_its_key(member: User) -> None:
    client = client_of(member)
    typed = {"type": "openai", "region": "typed for another type", "api_key": KEY, "base_url": ""}
    answer = client.post(reverse("ai_provider_create"), typed, follow=True)
    provider = AIProvider.objects.get()
    assert (provider.name, provider.region, provider.owner, provider.api_key()) == ("OpenAI", "", member, KEY)
    assert KEY not in answer.content.decode()
    assert "A key is stored" in answer.content.decode()


def test_a_refused_form_keeps_what_was_typed_but_never_the_key(member: User) -> None:
    typed = {"type": "azure_openai", "name": "Team Azure", "api_key": KEY}
    answer = client_of(member).post(reverse("ai_provider_create"), typed)
    page = answer.content.decode()
    assert answer.status_code == 400
    assert "Azure OpenAI needs an address." in page
    assert re.findall(r'class="field-error"[^>]*data-types="([a-z_]*)"', page) == ["azure_openai"], "gone with the type"
    assert 'value="Team Azure"' in page
    assert KEY not in page


@pytest.mark.parametrize(("kind", "is_optional"), [("custom", False), ("ollama", True)])
def test_an_address_is_called_optional_where_it_is(member: User, kind: str, is_optional: bool) -> None:
    provider = make_provider(type=kind, owner=member)
    page = client_of(member).get(reverse("ai_provider", args=[provider.pk])).content.decode()
    label = page[page.index('for="id_base_url"') : page.index('id="id_base_url"')]
    assert ("optional" in label) == is_optional


def test_a_key_stays_is_replaced_or_removed(member: User) -> None:
    client, provider = client_of(member), make_keyed(member)
    address, typed = reverse("ai_provider", args=[provider.pk]), {"name": "Mine", "base_url": provider.base_url}

    def key_after(**more: str) -> str:
        assert client.post(address, {**typed, **more}).status_code == 302
        provider.refresh_from_db()
        return provider.api_key()

    assert key_after() == KEY
    assert key_after(api_key="sk-another") == "sk-another"
    assert key_after(remove_key="on") == ""


def test_limits_are_set_kept_and_taken_away(member: User) -> None:
    client, provider = client_of(member), make_provider(owner=member)
    address, typed = reverse("ai_provider", args=[provider.pk]), {"name": "Mine", "base_url": provider.base_url}
    client.post(address, {**typed, "max_concurrency": "4", "requests_per_minute": "120"})
    provider.refresh_from_db()
    assert (provider.max_concurrency, provider.requests_per_minute) == (4, 120)
    assert 'value="120"' in client.get(address).content.decode()
    assert client.post(address, {**typed, "max_concurrency": "0"}).status_code == 400
    client.post(address, typed)
    provider.refresh_from_db()
    assert (provider.max_concurrency, provider.requests_per_minute) == (None, None)


def test_another_host_does_not_get_the_stored_key(member: User) -> None:
    provider = make_keyed(member)
    typed = {"name": "Mine", "base_url": "http://127.0.0.2:9/v1"}
    page = client_of(member).post(reverse("ai_provider", args=[provider.pk]), typed).content.decode()
    assert "The address leads to another host now: give the key again." in page


def test_a_provider_in_use_is_not_deleted_and_the_page_says_by_whom(member: User) -> None:
    provider = make_provider(owner=member)
    make_judge(provider, owner=member, name="Careful <b>")
    answer = client_of(member).post(reverse("delete_ai_provider", args=[provider.pk]))
    assert answer.status_code == 409
    assert "The provider is used by Careful &lt;b&gt;" in answer.content.decode()
    assert AIProvider.objects.filter(pk=provider.pk).exists()


def test_an_unused_provider_is_deleted(member: User) -> None:
    provider = make_provider(owner=member)
    assert client_of(member).post(reverse("delete_ai_provider", args=[provider.pk])).status_code == 302
    assert not AIProvider.objects.exists()


def test_shared_providers_are_shown_to_members_and_changed_by_admins(member: User, admin: User) -> None:
    provider = make_provider(name="Team")
    address = reverse("ai_provider", args=[provider.pk])
    page = client_of(member).get(address).content.decode()
    assert 'name="base_url"' not in page
    assert "admins change it" in page
    assert client_of(member).post(address, {"name": "Mine now", "base_url": provider.base_url}).status_code == 403
    typed = {"name": "Renamed", "base_url": provider.base_url, "shared": "on"}
    assert client_of(admin).post(address, typed).status_code == 302
    provider.refresh_from_db()
    assert (provider.name, provider.shared) == ("Renamed", True)


def test_what_is_private_to_others_is_not_there(member: User) -> None:
    theirs = make_provider(owner=make_user(Role.MEMBER), name="Theirs")
    client = client_of(member)
    assert client.get(reverse("ai_provider", args=[theirs.pk])).status_code == 404
    assert "Theirs" not in client.get(reverse("ai_providers")).content.decode()


def test_a_test_tells_what_came_back(member: User, stub: Stub) -> None:
    provider = make_provider(stub.base_url, owner=member)
    client, address = client_of(member), reverse("test_ai_provider", args=[provider.pk])
    stub.script(text="<script>alert(1)</script>")
    fragment = client.post(address, {"model": "stub-model"}, headers=HTMX).content.decode()
    assert "It works." in fragment
    assert "&lt;script&gt;alert(1)" in fragment
    assert "stub-large" in fragment
    assert "<html" not in fragment
    stub.script(fault="401")
    page = client.post(address, {"model": "stub-model"}).content.decode()
    assert "It does not work." in page
    assert "<html" in page


def test_a_long_list_costs_no_query_per_row(member: User, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    client = client_of(member)
    make_judge(owner=member)
    client.get(reverse("ai_providers"))
    with django_assert_num_queries(7):
        client.get(reverse("ai_providers"))
    for _ in range(5):
        make_judge(make_keyed(member), owner=member)
    with django_assert_num_queries(7):
        client.get(reverse("ai_providers"))


def test_the_form_shows_the_fields_of_every_provider_type() -> None:
    styles = (settings.BASE_DIR / "static" / "css" / "judges.css").read_text(encoding="utf-8")
    unseen = [kind for kind in ProviderType.values if f'.connection:has([value="{kind}"]:checked)' not in styles]
    assert not unseen
