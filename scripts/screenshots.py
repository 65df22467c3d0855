"""Photograph every page, light and dark, wide and on a phone, into screenshots/ (git-ignored), over sample data.

    .venv/bin/python scripts/screenshots.py [NAME ...]      only the pages whose name contains one of NAME

Makes a database of its own in a temporary directory; needs Chromium. Add a page: a line in `pages`.
What there is to see: screenshot_worlds.py.
"""

import os
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
OUT = ROOT / "screenshots"
WIDE, PHONE = {"width": 1280, "height": 800}, {"width": 390, "height": 844}


def main(wanted: list[str]) -> None:
    from playwright.sync_api import sync_playwright

    with tempfile.TemporaryDirectory() as directory:
        os.environ |= {
            "RELEVAL_DATA_DIR": directory,
            "RELEVAL_DEBUG": "1",
            "DJANGO_SETTINGS_MODULE": "releval.settings",
            "DJANGO_ALLOW_ASYNC_UNSAFE": "true",
        }
        import django

        django.setup()
        from django.conf import settings

        # Static files as they are written, but the pages as people see them, not the developer's.
        settings.DEBUG = False
        from django.core.management import call_command

        call_command("migrate", verbosity=0)
        OUT.mkdir(exist_ok=True)
        from judging.work import workers
        from scripts.screenshot_team import fill_team, pages_of_team
        from scripts.screenshot_worlds import fill_all, fill_nothing
        from tests.browser.conftest import CHROMIUM, FLAGS
        from tests.stub.fixtures import Stub

        stub = Stub()
        with serving() as address, sync_playwright() as playwright:
            chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
            world: dict[str, Any] = {}
            stages: tuple[tuple[Callable[[], dict[str, Any]], Callable[[dict[str, Any]], Iterator[Shot]]], ...] = (
                (fill_nothing, pages_before),
                (lambda: fill_all(stub), pages_after),
                (lambda: fill_team(world, stub), pages_of_team),
            )
            for fill, pages in stages:
                # In another thread: Playwright's event loop runs in this one, and judging wants its own.
                with ThreadPoolExecutor(1) as executor:
                    world = executor.submit(fill).result()
                for name, path, user, act in pages(world):
                    if wanted and not any(part in name for part in wanted):
                        continue
                    if pages is not pages_before:
                        workers.beat("screenshots")
                    for scheme in ("light", "dark"):
                        for size, viewport in (("wide", WIDE), ("phone", PHONE)):
                            context = chromium.new_context(
                                viewport=viewport, color_scheme=scheme, reduced_motion="reduce", locale="en-GB"
                            )
                            if user is not None:
                                context.add_cookies([session_of(user, address)])
                            page = context.new_page()
                            page.goto(address + path)
                            act(page)
                            page.wait_for_timeout(200)
                            page.screenshot(path=OUT / f"{name}-{scheme}-{size}.png", full_page=True)
                            context.close()
                    print(name)
            chromium.close()
        stub.stop()


Act = Callable[[Any], object]
Shot = tuple[str, str, Any, Act]


def find(page: Any) -> None:
    page.keyboard.press("Control+k")
    page.get_by_label("Find by name").fill("bm25")
    page.locator(".is-chosen").wait_for()


def look(page: Any) -> None:
    """Do nothing before the picture is taken."""


def open_details(page: Any) -> None:
    page.locator("details.trust-details summary").click()


def take_a_batch(page: Any) -> None:
    """Take a batch the first time; later pictures find it leased."""
    if page.locator("#next-unrated").count():
        page.locator("#next-unrated").click()
    page.locator(".judge-grade").first.wait_for()


def open_examples(page: Any) -> None:
    page.locator(".probe-table details summary").first.click()


def pages_before(world: dict[str, Any]) -> Iterator[Shot]:
    """Name each page of a new installation with its path, who looks at it and what they do first."""
    yield "first-steps", "/", world["admin"], look
    yield "login", "/login", None, look
    yield "invitation", f"/invitations/{world['invitation']}", None, look


def pages_after(world: dict[str, Any]) -> Iterator[Shot]:
    """The same of a team at work."""
    from django.urls import reverse

    admin, rater, run = world["admin"], world["rater"], world["run"]
    routes: list[tuple[str, tuple[Any, ...], str, Act]] = [
        ("home", (), "", look),
        ("usage", (), "", look),
        ("find", (), "?q=bm25", find),
        ("account", (), "", new_token),
        ("password", (), "", look),
        ("members", (), "", look),
        ("audit", (), "", look),
        ("evaluations", (), "", look),
        ("evaluation_create", (), "", look),
        ("evaluation", (run.evaluation_id,), "", look),
        ("import_run", (run.evaluation_id,), "", import_with_mistakes),
        ("import_judgments", (run.evaluation_id,), "", look),
        ("evaluation_run", (run.pk,), "?judge=1", look),
        ("run_settings", (run.pk,), "", look),
        ("run_people", (run.pk,), "", look),
        ("review_grid", (run.pk,), "?status=disagreement", open_a_row),
        ("compare", (world["title_run"].pk, run.pk), "", look),
        ("side_by_side", (world["title_run"].pk, run.pk, run.run_queries.all()[0].query.identity), "", look),
        ("trust_how", (), "", look),
        ("run_trust", (run.pk,), "", open_details),
        ("run_samples", (run.pk,), "", lambda page: page.locator("#sample-plan p").first.wait_for()),
        ("check_sample", (world["sample"],), "", look),
        ("grade_sample", (world["sample"],), "", look),
        ("certificate", (world["certificate"],), "", look),
        ("judging_run", (world["ended"],), "", look),
        ("query_sets", (), "", look),
        ("query_set", (world["query_set"],), "", look),
        ("query_set_create", (), "?from=log", look),
        ("query_templates", (), "", look),
        ("query_template", (world["query_template"],), "", look),
        ("query_template_versions", (world["query_template"],), "", look),
        ("ai_judges", (), "", look),
        ("ai_judge", (world["judge"],), "", test_the_judge),
        ("ai_judge_versions", (world["judge"],), "", look),
        ("ai_judge_trust", (world["judge"],), "", open_examples),
        ("ai_judge_create", (), "?template=product_search", look),
        ("ai_providers", (), "", look),
        ("ai_provider", (world["provider"],), "", look),
        ("ai_provider_create", (), "", look),
        ("search_evaluation", (world["search_evaluation"],), "", look),
        ("run_searches", (world["search_run"],), "", look),
        ("run_search", (world["search_run"], world["search_failed"]), "", look),
        ("analyses", (), "", look),
        ("analysis_create", (), "", look),
        ("analysis", (world["analysis"],), "", look),
        ("search_endpoints", (), "", look),
        ("search_endpoint", (world["endpoint"],), "", ask_the_engine),
        ("search_endpoint_create", (), "", look),
        ("query_lab", (), f"?query=red+shoes&b-template={world['query_template']}&a-depth=5", ask_all_sides),
        ("batches", (), "", look),
        ("batch", (world["batch"],), "", look),
        ("batch_upload", (), "", look),
        ("compare_batch", (world["batch"],), f"?with={world['batch']}", look),
        ("evaluators", (), "", look),
        ("evaluator", (world["evaluator"],), "", look),
        ("evaluator_create", (), "", look),
        ("response_judges", (), "", look),
        ("response_judge", (world["response_judge"],), "", look),
        ("response_judge_create", (), "", look),
        ("api-docs", (), "", lambda page: page.locator(".opblock").first.wait_for()),
    ]
    for route, args, query, act in routes:
        yield route.replace("_", "-"), reverse(route, args=args) + query, admin, act
    several = reverse("compare", args=(world["title_run"].pk, run.pk)) + f"?with={world['embedded'].pk}"
    yield "searched-run", reverse("evaluation_run", args=(world["search_run"],)), admin, look
    yield "searched-run-under-way", reverse("evaluation_run", args=(world["search_queued"],)), admin, look
    yield "analysis-under-way", reverse("analysis", args=(world["analysis_under_way"],)), admin, look
    yield "searched-evaluation", reverse("evaluation", args=(world["search_evaluation"],)), admin, look
    yield "compare-several", several, admin, look
    yield "compare-related", reverse("compare", args=(run.pk, world["embedded"].pk)), admin, look
    yield "compare-refused", reverse("compare", args=(run.pk, world["strict"].pk)), admin, look
    yield "judging-run-trial", reverse("judging_run", args=(world["trial"],)), admin, look
    yield "make-current", reverse("make_judging_run_current", args=(world["trial"],)), admin, look
    yield "made-current", reverse("make_judging_run_current", args=(world["ended"],)), admin, let_its_grades_count
    yield "compare-judging", f"{reverse('compare_judging_runs')}?new={world['trial']}", admin, look
    yield "ai_judge-several-queries", reverse("ai_judge", args=(world["judge"],)), admin, test_several_queries
    several_judges = [f"judge=judging_run:{world[name]}" for name in ("ended", "trial")]
    yield "consensus", f"{reverse('run_consensus', args=(run.pk,))}?{'&'.join(several_judges)}", admin, look
    yield "judging-run-under-way", reverse("judging_run", args=(world["under_way"],)), admin, look
    yield (
        "evaluate",
        reverse("evaluate", args=(run.pk,)),
        rater,
        lambda page: page.locator(".open-samples").wait_for(),
    )
    yield "evaluate-committed", reverse("evaluate", args=(run.pk,)), rater, lambda page: page.keyboard.type("2")
    yield "check-sample-of-two-runs", reverse("check_sample", args=(world["compared"],)), admin, look
    grading = reverse("grade_sample", args=(world["sample"],))
    yield "grade-sample-of-a-rater", grading, rater, look
    yield "grade-sample-item", grading, rater, take_a_batch
    yield "home-of-a-rater", "/", rater, lambda page: page.locator(".open-samples").wait_for()
    yield "not-found", "/no-such-page", admin, look
    yield "forbidden", "/members", rater, look


def ask_the_engine(page: Any) -> None:
    """Ask something that listens but is no search engine: the failure, its remedy and the raw answer show."""
    page.get_by_label("Queries").fill('red shoes\n27" monitor')
    page.locator("#ask-engine").click()
    page.locator(".bench-result").first.wait_for()


def ask_all_sides(page: Any) -> None:
    """Ask engines of which none answers as its mapping wants: each failure stands in its place."""
    page.locator("#ask-engine").click()
    page.locator(".lab-list").first.wait_for()


def new_token(page: Any) -> None:
    page.get_by_label("Name").first.fill("laptop")
    page.get_by_role("button", name="Make").first.click()
    page.wait_for_load_state("networkidle")


def import_with_mistakes(page: Any) -> None:
    lines = b'{"query": "aa", "candidates": [{"id": "d1"}, {"id": "d1"}]}\n{"query": 7}\nno JSON\n'
    page.get_by_label("Name of the run").fill("bm25-synonyms")
    page.get_by_label("One file with everything").check()
    file = {"name": "run.jsonl", "mimeType": "application/json", "buffer": lines}
    page.locator("#id_results").set_input_files(file)
    page.get_by_role("button", name="Import").last.click()
    page.wait_for_load_state("networkidle")


def open_a_row(page: Any) -> None:
    page.keyboard.type("jr")
    page.wait_for_load_state("networkidle")


def test_the_judge(page: Any) -> None:
    page.get_by_role("button", name="Test judge").click()
    page.wait_for_load_state("networkidle")


def test_several_queries(page: Any) -> None:
    page.get_by_text("Several queries at once").click()
    page.get_by_role("button", name="Test on several queries").click()
    page.get_by_text("5 of 5 queries").wait_for()


def let_its_grades_count(page: Any) -> None:
    button = page.get_by_role("button", name="Let these grades count")
    if button.count():
        button.click()
        page.wait_for_load_state("networkidle")


def session_of(user: Any, address: str) -> Any:
    from django.conf import settings
    from django.test import Client

    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    value = client.cookies[settings.SESSION_COOKIE_NAME].value
    return {"name": settings.SESSION_COOKIE_NAME, "value": value, "url": address}


@contextmanager
def serving() -> Iterator[str]:
    """Serve the application on a free port of this machine, in this process."""
    from socketserver import ThreadingMixIn
    from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

    from releval.wsgi import application

    class Quiet(WSGIRequestHandler):
        def log_message(self, *args: Any) -> None:
            return

    class Server(ThreadingMixIn, WSGIServer):
        daemon_threads = True

    app: Callable[..., Any] = application
    server = make_server("127.0.0.1", 0, app, server_class=Server, handler_class=Quiet)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()


if __name__ == "__main__":
    main(sys.argv[1:])
