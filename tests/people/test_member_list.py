"""The accounts, searched and page by page."""

import pytest
from rest_framework.test import APIClient

from judging.models import User
from tests.people.test_page_access import client_of
from tests.rest_clients import assert_problem
from tests.rest_clients import client_of as rest_client

pytestmark = pytest.mark.django_db


@pytest.fixture
def team(admin: User) -> User:
    User.objects.bulk_create(
        [
            User(email="grace@example.com", name="Grace <Hopper>"),
            *(User(email=f"rater{number:02}@example.org", role="rater") for number in range(60)),
        ]
    )
    return admin


def test_accounts_are_found_by_name_and_address_over_rest(team: User) -> None:
    client: APIClient = rest_client(team)
    for search, expected in {"hopper": ["grace@example.com"], "RATER07": ["rater07@example.org"], "nobody": []}.items():
        found = client.get("/api/v1/members", {"search": search}).json()["results"]
        assert [each["email"] for each in found] == expected
    assert_problem(client.get("/api/v1/members?search=a%00b"), 400, field="search")


def test_the_page_of_accounts_is_searched_and_paged(team: User) -> None:
    browser = client_of(team)
    found = browser.get("/members", {"search": "Grace <"}).content.decode()
    assert "Grace &lt;Hopper&gt;" in found
    assert "rater07" not in found
    second = browser.get("/members", {"search": "rater", "page": "2"})
    assert len(second.context["members"].rows) == 10
    assert "search=rater" in second.context["members"].previous_url
    assert "Nobody has “nobody” in" in browser.get("/members", {"search": "nobody\0"}).content.decode()
