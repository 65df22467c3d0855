"""A team judges a run: a member shares it out on a keyboard, a rater finds their part and grades it to the end."""

from collections.abc import Callable

from playwright.sync_api import expect

from judging.models import Judgment, Role
from tests.browser.conftest import PHONE, Visitor
from tests.factories import make_run, make_user


def test_a_member_shares_out_and_a_rater_goes_on_from_home(new_visitor: Callable[..., Visitor]) -> None:
    run = make_run({"red shoes": ["d1"], "blue shirt": ["d2"]}, name="bm25")
    member, ada = make_user(), make_user(Role.RATER, email="ada@example.com", name="Ada")
    desk = new_visitor(member)
    page = desk.open(f"/evaluations/runs/{run.pk}/people")
    page.get_by_role("checkbox", name="Ada").focus()
    page.keyboard.press("Space")
    page.get_by_role("checkbox", name="blue shirt").focus()
    page.keyboard.press("Space")
    page.get_by_role("button", name="Assign the chosen queries").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_text("1 query assigned to 1 person.")).to_be_visible()
    expect(page.get_by_role("row", name="blue shirt")).to_contain_text("Ada")
    assert desk.accessibility_problems() == []

    phone = new_visitor(ada, viewport=PHONE, color_scheme="dark")
    page = phone.open("/")
    open_for_me = page.get_by_role("region", name="Open for you")
    expect(open_for_me).to_contain_text("Assigned to you")
    expect(open_for_me).to_contain_text("1 candidate left")
    assert phone.accessibility_problems() == []
    assert phone.overflow() <= 0
    open_for_me.get_by_role("link", name="Go on with bm25").click()
    expect(page.get_by_role("heading", name="blue shirt")).to_be_visible()
    page.wait_for_load_state()
    page.keyboard.type("33")
    expect(page.get_by_role("heading", name="Nothing is left for you here")).to_be_visible()
    assert Judgment.objects.filter(member=ada).count() == 1
    phone.open("/")
    expect(page.get_by_role("heading", name="Nothing is open for you")).to_be_visible()
