"""The frame around every page: signing in, the theme, menus, messages, the account and the team."""

from collections.abc import Callable

from playwright.sync_api import expect

from judging.judging_runs.starting import start_judging_run
from judging.models import ApiToken, JudgingRun, JudgingRunStatus, Role, User
from tests.browser.conftest import Visitor
from tests.factories import make_judge, make_run, make_user

NewVisitor = Callable[..., Visitor]


def make_running(user: User) -> JudgingRun:
    run = start_judging_run(evaluation_run=make_run(name="bm25"), judge=make_judge(name="Careful"), actor=user)
    JudgingRun.objects.filter(pk=run.pk).update(status=JudgingRunStatus.RUNNING)
    return run


def end(run: JudgingRun) -> None:
    JudgingRun.objects.filter(pk=run.pk).update(status=JudgingRunStatus.COMPLETED, judged_count=run.total_count)


def test_sign_in_keeps_the_address_and_then_opens_the_wanted_page(visitor: Visitor) -> None:
    make_user(email="ada@example.com")
    page = visitor.open("/account")
    page.get_by_label("E-mail").fill("Ada@Example.com")
    page.get_by_label("Password").fill("wrong")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_contain_text("do not go together")
    expect(page.get_by_label("E-mail")).to_have_value("Ada@Example.com")
    page.get_by_label("Password").fill("secret-pass-1")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Account", exact=True)).to_be_visible()
    page.get_by_label("Account menu").click()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


def test_the_theme_follows_the_system_until_one_is_chosen(new_visitor: NewVisitor) -> None:
    visitor = new_visitor(color_scheme="dark")
    page = visitor.open("/login")
    root = page.locator("html")
    expect(root).to_have_attribute("data-bs-theme", "dark")
    page.emulate_media(color_scheme="light")
    expect(root).to_have_attribute("data-bs-theme", "light")
    page.get_by_label("Theme: follows the system").click()
    page.get_by_label("Theme: light").click()
    expect(root).to_have_attribute("data-bs-theme", "dark")
    visitor.open("/login")
    expect(root).to_have_attribute("data-bs-theme", "dark")
    page.get_by_label("Theme: dark").click()
    expect(root).to_have_attribute("data-bs-theme", "light")


def test_a_token_is_made_shown_once_copied_and_revoked_after_a_question(new_visitor: NewVisitor) -> None:
    user = make_user()
    visitor = new_visitor(user, permissions=["clipboard-read", "clipboard-write"])
    page = visitor.open("/account")
    page.get_by_label("Name").fill("nightly <b>")
    page.get_by_role("button", name="Make a token").click()
    shown = page.locator("#new-token")
    expect(shown).to_contain_text("rlv_")
    page.get_by_role("button", name="Copy as curl").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    curl = page.evaluate("navigator.clipboard.readText()")
    assert curl == f'curl {visitor.base_url}/api/v1/me -H "Authorization: Bearer {shown.inner_text()}"'
    visitor.open("/account")
    expect(page.locator("#new-token")).to_have_count(0)
    expect(page.get_by_role("cell", name="nightly <b>", exact=True)).to_be_visible()
    page.get_by_role("button", name="Revoke").click()
    page.get_by_role("button", name="Keep as it is").click()
    assert ApiToken.objects.get().revoked_at is None
    page.get_by_role("button", name="Revoke").click()
    page.get_by_role("dialog").get_by_role("button", name="Revoke").click()
    expect(page.locator("#toasts")).to_contain_text("nightly <b> stopped working")
    expect(page.get_by_text("Revoked", exact=True)).to_be_visible()
    assert ApiToken.objects.get().revoked_at is not None


def test_an_invitation_leads_from_the_members_page_to_an_account(new_visitor: NewVisitor) -> None:
    admin_page = new_visitor(make_user(Role.ADMIN)).open("/members")
    admin_page.get_by_label("E-mail").fill("Grace@Example.com")
    admin_page.locator("#invitations").get_by_label("Role", exact=True).select_option("rater")
    admin_page.get_by_role("button", name="Make a link").click()
    link = admin_page.locator("#new-link").inner_text()
    guest = new_visitor()
    page = guest.open(link.removeprefix(guest.base_url))
    page.get_by_label("Your name").fill("Grace")
    page.get_by_label("Password").fill("short")
    page.get_by_role("button", name="Make my account").click()
    expect(page.locator(".field-error")).to_contain_text("too short")
    page.get_by_label("Password").fill("a-longer-password-7")
    page.get_by_role("button", name="Make my account").click()
    expect(page.get_by_role("heading", name="Evaluation runs", exact=True)).to_be_visible()
    assert User.objects.get(email="grace@example.com").role == Role.RATER
    guest.sign_out()
    guest.allow("404")
    guest.open(link.removeprefix(guest.base_url))
    expect(page.get_by_role("heading", name="There is nothing here")).to_be_visible()


def test_an_admin_changes_a_role_and_closes_an_account_in_place(new_visitor: NewVisitor) -> None:
    member = make_user(name="Grace")
    page = new_visitor(make_user(Role.ADMIN)).open("/members")
    page.get_by_label("Role of Grace", exact=True).select_option("admin")
    page.get_by_label("Save the role of Grace").click()
    expect(page.locator("#toasts")).to_contain_text("Grace is now Admin")
    page.get_by_label("Close account: Grace").click()
    page.get_by_role("dialog").get_by_role("button", name="Close the account").click()
    expect(page.get_by_role("button", name="Open again: Grace")).to_be_visible()
    member.refresh_from_db()
    assert (member.role, member.is_active) == (Role.ADMIN, False)


def test_a_refused_act_is_a_message_and_leaves_the_page_as_it_is(new_visitor: NewVisitor) -> None:
    visitor = new_visitor(make_user(Role.ADMIN))
    member = make_user(name="Grace")
    page = visitor.open("/members")
    User.objects.filter(pk=member.pk).delete()
    visitor.allow("404")
    page.get_by_label("Role of Grace", exact=True).select_option("admin")
    page.get_by_label("Save the role of Grace").click()
    expect(page.locator("#toasts")).to_contain_text("No such member.")
    expect(page.get_by_label("Role of Grace", exact=True)).to_have_value("member")


def test_an_expired_session_sends_the_whole_page_to_sign_in_and_back(
    new_visitor: NewVisitor,
) -> None:
    make_user(email="ada@example.com")
    visitor = new_visitor(User.objects.get())
    page = visitor.open("/account")
    visitor.sign_out()
    page.get_by_label("Name").fill("late")
    page.get_by_role("button", name="Make a token").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    page.get_by_label("E-mail").fill("ada@example.com")
    page.get_by_label("Password").fill("secret-pass-1")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="API tokens")).to_be_visible()


def test_the_end_of_a_run_shows_on_any_page_and_stops_polling(new_visitor: NewVisitor) -> None:
    user = make_user()
    run = make_running(user)
    visitor = new_visitor(user)
    page = visitor.open("/account")
    expect(page.locator("#watch")).to_contain_text("No worker is running")
    assert "every" in (page.locator("#watch").get_attribute("hx-trigger") or "")
    end(run)
    expect(page.locator("#toasts")).to_contain_text("Careful v1 on bm25 is completed: 5 of 5 judged, 0 failed.")
    expect(page.locator("#watch[hx-trigger*=every]")).to_have_count(0)


def test_home_follows_the_runs_under_way_and_renews_the_list_when_they_end(new_visitor: NewVisitor) -> None:
    user = make_user()
    run = make_running(user)
    visitor = new_visitor(user)
    page = visitor.open("/")
    expect(page.locator("#under-way")).to_contain_text("0 of 5 judged")
    assert visitor.problems_in_both_looks() == []
    JudgingRun.objects.filter(pk=run.pk).update(judged_count=3, failed_count=1)
    expect(page.locator("#under-way")).to_contain_text("3 of 5 judged")
    JudgingRun.objects.filter(pk=run.pk).update(failed_count=0)
    type(run.evaluation_run).objects.filter(pk=run.evaluation_run_id).update(judged_count=5)
    end(run)
    expect(page.locator("#under-way progress")).to_have_count(0)
    assert page.locator("#under-way").get_attribute("hx-get") is None
    expect(page.locator("#runs .coverage-figure")).to_have_text("100 %")


def test_everything_is_reached_by_keyboard_beginning_with_the_skip_link(new_visitor: NewVisitor) -> None:
    visitor = new_visitor(make_user(Role.ADMIN))
    page = visitor.open("/account")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()
    visitor.open("/account")
    wanted = {"Home", "API docs", "Account and tokens", "Members", "Sign out", "Change password", "Make a token"}
    reached: set[str] = set()
    for _ in range(60):
        page.keyboard.press("Tab")
        label = page.evaluate("document.activeElement.getAttribute('aria-label') || document.activeElement.textContent")
        reached.add(label.strip())
        if wanted <= reached:
            break
        if page.evaluate("document.activeElement.matches('summary[aria-label=\"Account menu\"]')"):
            page.keyboard.press("Enter")
    assert wanted <= reached
    menu = page.get_by_label("Account menu")
    expect(page.get_by_role("link", name="Members")).to_be_hidden()
    menu.focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Account and tokens")).to_be_focused()
    page.keyboard.press("Escape")
    expect(menu).to_be_focused()
    expect(page.get_by_role("link", name="Members")).to_be_hidden()


def test_the_api_docs_stand_in_the_frame_without_a_complaint_of_the_policy(new_visitor: NewVisitor) -> None:
    page = new_visitor(make_user()).open("/api/docs")
    expect(page.get_by_text("/ai-judges", exact=False).first).to_be_visible()
    expect(page.get_by_role("link", name="API docs")).to_have_attribute("aria-current", "page")
    page.get_by_role("link", name="Batch judging").click()
    expect(page.get_by_text("/v1/execution-logs/", exact=True).first).to_be_visible()
    expect(page.get_by_role("link", name="API docs")).to_have_attribute("aria-current", "page")
    expect(page.get_by_role("link", name="Batch judging")).to_have_attribute("aria-current", "page")
    expect(page.get_by_role("link", name="OpenAPI 3")).to_have_attribute("href", "/v1/schema/")


def test_a_chart_is_drawn_and_drawn_again_in_the_other_theme(new_visitor: NewVisitor) -> None:
    page = new_visitor(make_user()).open("/")
    page.evaluate(
        """async () => {
            document.querySelector("main").insertAdjacentHTML("beforeend",
                '<div class="chart"><canvas data-chart="figures"></canvas></div>' +
                '<script type="application/json" id="figures">{"type": "bar", "labels": ["0", "1"], "colours": "grades",' +
                ' "steps": [0, 9], "series": [{"name": "Candidates", "values": [3, 5]}]}</' + "script>");
            for (const path of ["vendor/chart.js-4.6.1/chart.umd.min.js", "js/charts.js"]) {
                const script = document.createElement("script");
                script.src = "/static/" + path;
                await new Promise((done) => { script.onload = done; document.body.append(script); });
            }
        }"""
    )
    colours = "Chart.getChart(document.querySelector('canvas')).data.datasets[0].backgroundColor"
    light = page.evaluate(colours)
    page.get_by_label("Theme: follows the system").click()
    page.get_by_label("Theme: light").click()
    dark = page.evaluate(colours)
    assert len(set(light)) == len(set(dark)) == 2
    assert light != dark


def test_an_end_that_nobody_sees_is_told_on_the_desktop_where_a_click_allowed_it(new_visitor: NewVisitor) -> None:
    user = make_user()
    run = make_running(user)
    visitor = new_visitor(user, is_alone=True)
    # What the browser is asked, and what it shows, is noted.
    visitor.page.add_init_script("""
        window.asked = 0; window.shown = [];
        window.Notification = class extends EventTarget {
          static permission = "default";
          static async requestPermission() { window.asked += 1; return (this.permission = "granted"); }
          constructor(title, options) { super(); window.shown.push([title, options.body, options.tag]); }
        };
    """)
    page = visitor.open("/")
    button = page.get_by_role("button", name="Tell me on the desktop")
    expect(button).to_be_visible()
    assert page.evaluate("window.asked") == 0
    button.click()
    expect(button).to_be_hidden()
    assert page.evaluate("window.asked") == 1
    page.evaluate("Object.defineProperty(document, 'hidden', { get: () => true })")
    end(run)
    expect(page.locator("#toasts")).to_contain_text("is completed")
    ((title, body, tag),) = page.evaluate("window.shown")
    assert (title, tag) == ("Releval", str(run.pk))
    assert body == f"Careful v1 on bm25 is completed: {run.total_count} of {run.total_count} judged, 0 failed."
