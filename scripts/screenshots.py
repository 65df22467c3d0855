"""Photograph every page, light and dark, wide and on a phone, into screenshots/ (git-ignored), over sample data.

    .venv/bin/python scripts/screenshots.py [NAME ...]      only the pages whose name contains one of NAME

Makes a database of its own in a temporary directory; needs chromium. Add a page: a line in `pages`.
"""

import os
import shutil
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
OUT = ROOT / "screenshots"
WIDE, PHONE = {"width": 1280, "height": 800}, {"width": 390, "height": 844}
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
]


def main(wanted: list[str]) -> None:
    from playwright.sync_api import sync_playwright

    with tempfile.TemporaryDirectory() as directory:
        os.environ |= {
            "RELEVAL_DATA_DIR": directory,
            "DJANGO_SETTINGS_MODULE": "releval.settings",
            "DJANGO_ALLOW_ASYNC_UNSAFE": "true",
        }
        import django

        django.setup()
        from django.conf import settings

        # The pages as people see them, not the developer's.
        settings.DEBUG = False
        from django.core.management import call_command

        call_command("migrate", verbosity=0)
        OUT.mkdir(exist_ok=True)
        with serving() as address, sync_playwright() as playwright:
            chromium = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
            for stage, fill in (("empty", fill_nothing), ("", fill_all)):
                world = fill()
                for name, path, user in pages(world, stage):
                    if wanted and not any(part in name for part in wanted):
                        continue
                    for scheme in ("light", "dark"):
                        for size, viewport in (("wide", WIDE), ("phone", PHONE)):
                            context = chromium.new_context(
                                viewport=viewport, color_scheme=scheme, reduced_motion="reduce", locale="en-GB"
                            )
                            if user is not None:
                                context.add_cookies([session_of(user, address)])
                            page = context.new_page()
                            page.goto(address + path)
                            page.wait_for_timeout(150)
                            page.screenshot(path=OUT / f"{name}-{scheme}-{size}.png", full_page=True)
                            context.close()
                    print(name)
            chromium.close()


def pages(world: dict[str, Any], stage: str) -> Iterator[tuple[str, str, Any]]:
    """Name each page with its path and who looks at it; routes that do not exist are left out."""
    from django.urls import NoReverseMatch, reverse

    admin, rater, run = world["admin"], world["rater"], world.get("run")
    if stage == "empty":
        yield "first-steps", "/", admin
        yield "login", "/login", None
        yield "invitation", f"/invitations/{world['invitation']}", None
        return
    routes: list[tuple[str, tuple[Any, ...], Any]] = [
        ("home", (), admin),
        ("account", (), admin),
        ("password", (), admin),
        ("members", (), admin),
        ("audit", (), admin),
        ("evaluations", (), admin),
        ("evaluation_create", (), admin),
        ("evaluation", (run and run.evaluation_id,), admin),
        ("import_run", (run and run.evaluation_id,), admin),
        ("import_judgments", (run and run.evaluation_id,), admin),
        ("evaluation_run", (run and run.pk,), admin),
        ("review_grid", (run and run.pk,), admin),
        ("evaluate", (run and run.pk,), rater),
        ("judging_run", (world.get("judging_run"),), admin),
        ("ai_judges", (), admin),
        ("ai_judge", (world.get("judge"),), admin),
        ("ai_judge_versions", (world.get("judge"),), admin),
        ("ai_judge_create", (), admin),
        ("ai_providers", (), admin),
        ("ai_provider", (world.get("provider"),), admin),
        ("ai_provider_create", (), admin),
        ("batches", (), admin),
        ("evaluators", (), admin),
        ("evaluator_create", (), admin),
        ("response_judges", (), admin),
        ("response_judge_create", (), admin),
        ("api-docs", (), admin),
    ]
    for route, args, user in routes:
        try:
            yield route.replace("_", "-"), reverse(route, args=args), user
        except NoReverseMatch:
            print(f"  (no page {route} yet)")
    yield "home-of-a-rater", "/", rater
    yield "not-found", "/no-such-page", admin
    yield "forbidden", "/members", rater


def fill_nothing() -> dict[str, Any]:
    from judging.models import Role
    from judging.services.accounts import create_token, create_user, invite_member

    admin = create_user(email="ada@example.com", password="a-password-of-ada", role=Role.ADMIN, name="Ada Lovelace")
    rater = create_user(email="grace@example.com", password="a-password-of-grace", role=Role.RATER, actor=admin)
    create_user(email="joan@example.com", password="a-password-of-joan", name="Joan Clarke", actor=admin)
    _, secret = invite_member(actor=admin, email="new.colleague@example.com", role=Role.MEMBER)
    create_token(user=admin, name="nightly evaluation in CI")
    create_token(user=admin, name="notebook")
    return {"admin": admin, "rater": rater, "invitation": secret}


def fill_all() -> dict[str, Any]:
    """Load the electronics collection, with a judging run under way and one that is over."""
    from django.utils import timezone

    from judging.management.sample import load_sample
    from judging.models import JudgingRun, User
    from judging.services.judging_runs import start_judging_run

    sample = load_sample(lambda text: None)
    admin = User.objects.get(email="ada@example.com")
    started = start_judging_run(evaluation_run=sample.title_run, judge=sample.judge, actor=sample.user)
    third = started.total_count // 3
    JudgingRun.objects.filter(pk=started.pk).update(
        status="running",
        judged_count=third,
        failed_count=7,
        input_tokens=third * 412,
        output_tokens=third * 38,
        started_at=timezone.now() - timedelta(seconds=94),
    )
    return {
        "admin": admin,
        "rater": User.objects.get(email="grace@example.com"),
        "run": sample.fields_run,
        "judging_run": started.pk,
        "judge": sample.judge.pk,
        "provider": sample.judge.ai_provider_id,
    }


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
