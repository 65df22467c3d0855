"""Who sees which page, and what happens to those who don't."""

import re

import pytest
from django.conf import settings
from django.test import Client, override_settings
from django.urls import reverse

from judging.models import ApiToken, Role, User
from judging.people.accounts import create_user, invite_member
from judging.people.tokens import create_token
from judging.records.roles import SYSTEM
from tests.factories import make_evaluation, make_run, make_user

HTMX = {"HX-Request": "true", "HX-Current-URL": "http://testserver/account?page=2"}
PAGES = ("home", "account", "password", "members", "audit")


def client_of(user: User) -> Client:
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client


@pytest.mark.django_db
@pytest.mark.parametrize("name", PAGES)
def test_a_page_leads_a_stranger_to_the_door_and_then_back(client: Client, name: str) -> None:
    path = reverse(name)
    assert client.get(path)["Location"] == f"/login?next={path}"


@pytest.mark.django_db
def test_an_expired_session_redirects_the_page_that_htmx_asked_from(client: Client) -> None:
    response = client.post(reverse("create_token"), {"name": "x"}, headers=HTMX)
    assert response.status_code == 200
    assert response["HX-Redirect"] == "/login?next=%2Faccount%3Fpage%3D2"
    assert response.content == b""


@pytest.mark.parametrize(
    ("role", "refused"), [(Role.ADMIN, set()), (Role.MEMBER, {"members", "audit"}), (Role.RATER, {"members", "audit"})]
)
@pytest.mark.django_db
def test_pages_for_admins_are_refused_to_others_and_not_offered(role: str, refused: set[str]) -> None:
    client = client_of(make_user(role))
    assert {name for name in PAGES if client.get(reverse(name)).status_code == 403} == refused
    page = client.get(reverse("account")).content.decode()
    assert {name for name in ("members", "audit") if f'href="{reverse(name)}"' not in page} == refused


def test_a_rater_sees_evaluation_runs_and_neither_evaluations_nor_judges(rater: User) -> None:
    make_run(name="bm25", evaluation=make_evaluation(name="Shoes"))
    page = client_of(rater).get("/").content.decode()
    assert "bm25" in page
    assert "API docs" not in page
    assert "under-way" not in page
    assert 'id="watch"' not in page


def test_a_page_is_kept_by_no_cache_and_carries_the_strict_policy(member: User) -> None:
    response = client_of(member).get("/account")
    assert "no-store" in response["Cache-Control"]
    assert "HX-Request" in response["Vary"]
    policy = response["Content-Security-Policy"]
    assert "script-src 'self'" in policy
    assert "unsafe" not in policy
    page = response.content.decode()
    assert "style=" not in page
    assert "onclick" not in page
    assert "<script>" not in page


@pytest.mark.django_db
def test_what_an_unknown_address_answers_is_a_page() -> None:
    response = client_of(make_user()).get("/no/such/page")
    assert response.status_code == 404
    assert "There is nothing here" in response.content.decode()


@override_settings(AXES_ENABLED=True)
@pytest.mark.django_db
def test_password_guesses_are_stopped_in_any_letter_case(client: Client) -> None:
    make_user(email="ada@example.com")
    for attempt in range(10):
        name = "ada@example.com" if attempt % 2 else "ADA@example.com"
        response = client.post("/login", {"username": name, "password": f"guess {attempt}"})
    assert response.status_code == 429
    response = client.post("/login", {"username": "Ada@example.com", "password": "secret-pass-1"})
    assert response.status_code == 429
    assert "15 min" in response.content.decode()
    other = make_user(email="grace@example.com")
    response = client.post("/login", {"username": other.email, "password": "secret-pass-1"})
    assert response["Location"] == "/"


def test_a_form_without_its_token_is_refused_with_a_page(member: User) -> None:
    client = Client(enforce_csrf_checks=True)
    response = client.post("/login", {"username": member.email, "password": "secret-pass-1"})
    assert response.status_code == 403
    assert "This form has expired" in response.content.decode()


def test_the_page_of_a_server_error_needs_nothing_that_could_be_broken_too() -> None:
    page = (settings.BASE_DIR / "templates" / "500.html").read_text()
    assert "Something went wrong" in page
    assert "{%" not in page
    assert "{{" not in page


def test_signing_out_needs_a_post(member: User) -> None:
    client = client_of(member)
    assert client.get("/logout").status_code == 405
    assert client.post("/logout")["Location"] == "/login"
    assert client.get("/").status_code == 302


def test_the_door_does_not_lead_to_other_sites(client: Client, member: User) -> None:
    data = {"username": member.email, "password": "secret-pass-1", "next": "https://evil.example"}
    assert client.post("/login", data)["Location"] == "/"


def test_a_token_is_shown_once_to_its_owner_and_revoked_by_nobody_else(member: User) -> None:
    client = client_of(member)
    page = client.post(reverse("create_token"), {"name": "ci", "expires_in": "30"}).content.decode()
    token = ApiToken.objects.get()
    assert token.expires_at is not None
    assert f"{token.prefix}" in page
    assert "curl" in page
    assert "curl" not in client.get("/account").content.decode()
    stranger = client_of(make_user(Role.ADMIN))
    assert stranger.post(reverse("revoke_token", args=[token.pk])).status_code == 404
    client.post(reverse("revoke_token", args=[token.pk]))
    token.refresh_from_db()
    assert token.revoked_at is not None


def test_a_wrong_form_tells_its_field_what_is_wrong(member: User) -> None:
    page = client_of(member).post(reverse("create_token"), {"name": "", "expires_in": "30"}, headers=HTMX)
    assert page.status_code == 200
    assert 'aria-invalid="true"' in page.content.decode()
    assert "<html" not in page.content.decode()
    assert not ApiToken.objects.exists()


def test_a_password_is_changed_with_the_current_one_and_other_sessions_end(member: User) -> None:
    here, elsewhere = client_of(member), client_of(member)
    wrong = here.post("/account/password", {"current": "wrong", "password": "another-pass-2"})
    assert "not your current password" in wrong.content.decode()
    weak = here.post("/account/password", {"current": "secret-pass-1", "password": "123"})
    assert "too short" in weak.content.decode()
    response = here.post("/account/password", {"current": "secret-pass-1", "password": "another-pass-2"})
    assert response["Location"] == "/account"
    assert here.get("/account").status_code == 200
    assert elsewhere.get("/account").status_code == 302


def test_an_invitation_makes_one_account_with_its_role_and_signs_in(admin: User, client: Client) -> None:
    _, secret = invite_member(actor=admin, email="new@example.com", role=Role.RATER)
    path = reverse("invitation", args=[secret])
    assert "new@example.com" in client.get(path).content.decode()
    response = client.post(path, {"name": "New", "password": "a-longer-pass-3"})
    assert response["Location"] == "/"
    assert client.get("/account").status_code == 200
    assert User.objects.get(email="new@example.com").role == Role.RATER
    assert Client().get(path).status_code == 404


def test_an_address_that_has_an_account_is_not_invited(admin: User, member: User) -> None:
    page = client_of(admin).post(reverse("invite_member"), {"email": member.email, "role": "member"}, headers=HTMX)
    assert "An account with this e-mail address exists." in page.content.decode()


def test_the_last_admin_can_not_be_demoted(admin: User) -> None:
    client = client_of(admin)
    path = reverse("change_member", args=[admin.pk])
    response = client.post(path, {"role": "member"})
    assert response.status_code == 409
    assert "the last admin" in response.content.decode()
    response = client.post(path, {"role": "member"}, headers=HTMX)
    assert response.status_code == 409
    assert response["HX-Reswap"] == "none"
    assert "last admin" in response["HX-Trigger"]
    assert "last admin" not in client.get("/account").content.decode()


def test_a_name_is_escaped_in_pages_and_toasts(admin: User) -> None:
    member = make_user(name="<script>alert(1)</script>")
    client = client_of(admin)
    assert "<script>alert" not in client.get("/members").content.decode()
    response = client.post(reverse("change_member", args=[member.pk]), {"role": "rater"}, headers=HTMX)
    assert "<script>alert" not in response.content.decode()
    assert "&lt;script&gt;" in response["HX-Trigger"]


def test_a_revoked_token_stays_in_the_list(member: User) -> None:
    token, _ = create_token(actor=member, user=member, name="old one")
    client = client_of(member)
    client.post(reverse("revoke_token", args=[token.pk]))
    page = client.get("/account").content.decode()
    assert "Revoked" in page
    assert "old one" in page


def test_the_audit_list_says_what_the_command_line_did(admin: User) -> None:
    create_user(actor=SYSTEM, email="first@example.com", password="a-good-pass-1", role=Role.RATER)
    create_user(actor=admin, email="second@example.com", password="a-good-pass-1", role=Role.RATER)
    page = client_of(admin).get(reverse("audit")).content.decode()
    cells = re.findall(r'<td data-label="Who"[^>]*>(.*?)</td>', page, re.DOTALL)
    assert [re.sub(r"<[^>]*>", "", cell).strip() for cell in cells] == [str(admin), "the command line"]


def test_an_admin_revokes_somebody_s_token_in_django_s_admin(admin: User, member: User) -> None:
    token, _ = create_token(actor=member, user=member, name="lost one")
    chosen = {"action": "revoke", "_selected_action": [str(token.pk)]}
    assert client_of(admin).post(reverse("admin:judging_apitoken_changelist"), chosen).status_code == 302
    token.refresh_from_db()
    assert token.revoked_at is not None
