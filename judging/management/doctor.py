"""What is wrong with an installation, and how it is mended. Looks only: the one thing it writes is rolled back."""

import http.client
import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

from django.conf import settings
from django.core import checks
from django.db import DatabaseError, connection, transaction
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone

from judging.foundation.clock import shared_now
from judging.foundation.crypto import Undecryptable
from judging.models import AIProvider, Installation, ProviderType, Role, User, WorkerHeartbeat
from judging.operations.totals import stalled_lanes
from judging.responses.default_model import default_model
from judging.runs.importing.interrupted import interrupted_imports
from judging.work import queue, workers

OK, WARNING, ERROR = "ok", "warning", "error"
_LEAST_BYTES, _FEW_BYTES = 100_000_000, 1_000_000_000
_LONG_WAIT = timedelta(minutes=10)
_CLOCK_TOLERANCE = timedelta(seconds=5)
_LOCAL_JUDGE_SECONDS = 3.0


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check saw. `level` is ok, warning or error; `remedy` says what to do about it, "" when fine."""

    check: str
    level: str
    message: str
    remedy: str = ""


def examine() -> Iterator[Finding]:
    """Yield what every check finds; those of the database end where it does not answer."""
    yield from _settings()
    yield from _disk()
    yield from _static_files()
    database = _reachable()
    yield database
    if database.level == ERROR:
        return
    migrations = _migrations()
    yield migrations
    if migrations.level == ERROR:
        return
    for name, check in _OF_THE_DATABASE.items():
        try:
            yield from check()
        except DatabaseError as error:
            connection.close()
            yield Finding(
                name, ERROR, f"The database could not say: {error}", "See the other findings, then try again."
            )


def _settings() -> Iterator[Finding]:
    found = checks.run_checks(include_deployment_checks=settings.IS_PRODUCTION)
    serious = [message for message in found if message.level >= checks.WARNING and not message.is_silenced()]
    for message in serious:
        level = ERROR if message.level >= checks.ERROR else WARNING
        yield Finding(
            "settings", level, str(message.msg), str(message.hint or f"See {message.id}: manage.py check --deploy")
        )
    if settings.IS_PRODUCTION and not settings.ALLOWED_HOSTS:
        yield Finding(
            "settings", ERROR, "No host name is allowed: every request is refused.", "Set RELEVAL_ALLOWED_HOSTS."
        )
    elif settings.IS_PRODUCTION and "*" in settings.ALLOWED_HOSTS:
        yield Finding("settings", WARNING, "Any host name is allowed.", "Name yours in RELEVAL_ALLOWED_HOSTS.")
    if not settings.IS_PRODUCTION and settings.HOST not in ("127.0.0.1", "localhost", "::1"):
        yield Finding(
            "settings",
            WARNING,
            f"A development installation listens on {settings.HOST}.",
            "Set RELEVAL_ENV=production.",
        )
    for path in _secret_files():
        if path.exists() and path.stat().st_mode & 0o077:
            yield Finding("settings", WARNING, f"Others on this machine may read {path}.", f"chmod 600 {path}")
    if not serious:
        mode = "production" if settings.IS_PRODUCTION else "development"
        yield Finding("settings", OK, f"The settings pass Django's checks ({mode}).")


def _secret_files() -> Iterator[Path]:
    """Name the files with keys, session keys or password hashes in them."""
    for name in ("secret_key", "encryption_keys"):
        yield Path(settings.DATA_DIR) / name
    if settings.IS_SQLITE:
        database = str(settings.DATABASES["default"]["NAME"])
        yield from (Path(f"{database}{ending}") for ending in ("", "-wal", "-shm"))


def _disk() -> Iterator[Finding]:
    free = shutil.disk_usage(settings.DATA_DIR).free
    level = ERROR if free < _LEAST_BYTES else WARNING if free < _FEW_BYTES else OK
    remedy = "" if level == OK else "Make room; manage.py prune empties what need not be kept."
    yield Finding("disk", level, f"{free / 1_000_000_000:.1f} GB are free where the data is.", remedy)


def _static_files() -> Iterator[Finding]:
    if settings.IS_PRODUCTION and not (Path(settings.STATIC_ROOT) / "staticfiles.json").exists():
        yield Finding(
            "static files",
            ERROR,
            "Styles and scripts were not collected.",
            "manage.py collectstatic --noinput (serve does it)",
        )
    else:
        yield Finding("static files", OK, "Styles and scripts are there.")


def _reachable() -> Finding:
    try:
        connection.ensure_connection()
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError as error:
        remedy = "Is the server up, and DATABASE_URL right?"
        if settings.IS_SQLITE:
            remedy = f"May this user read and write {settings.DATABASES['default']['NAME']} and its directory?"
        return Finding("database", ERROR, f"The database does not answer: {str(error).strip()}", remedy)
    return Finding("database", OK, f"The database answers ({connection.vendor}).")


def _migrations() -> Finding:
    executor = MigrationExecutor(connection)
    missing = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if missing:
        names = ", ".join(f"{migration.app_label} {migration.name}" for migration, _ in missing[:3])
        return Finding("migrations", ERROR, f"{len(missing)} migrations are missing ({names}, …).", "manage.py migrate")
    unknown = sorted(
        name
        for app, name in executor.loader.applied_migrations
        if app == "judging" and (app, name) not in executor.loader.disk_migrations
    )
    if unknown:
        message = f"The database is of a newer version ({', '.join(unknown)})."
        return Finding("migrations", ERROR, message, "Install that version, or restore a backup of this one.")
    return Finding("migrations", OK, "All migrations are applied.")


def _writable() -> Iterator[Finding]:
    try:
        with transaction.atomic():
            WorkerHeartbeat.objects.create(worker="doctor", seen_at=timezone.now())
            transaction.set_rollback(True)
    except DatabaseError as error:
        connection.close()
        remedy = "Is the disk full, the file read-only, or another process holding it?"
        yield Finding("writing", ERROR, f"The database takes nothing: {str(error).strip()}", remedy)
    else:
        yield Finding("writing", OK, "The database can be written to.")


def _journal() -> Iterator[Finding]:
    if connection.vendor != "sqlite":
        return
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA journal_mode")
        mode = cursor.fetchone()[0]
    if mode == "wal":
        yield Finding("journal", OK, "SQLite writes ahead (WAL).")
    else:
        message = f"SQLite's journal mode is {mode}, not wal: readers and writers wait for each other."
        yield Finding(
            "journal", ERROR, message, "Network file systems can't do it: put RELEVAL_DATA_DIR on a local disk."
        )


def _keys() -> Iterator[Finding]:
    broken = []
    count = 0
    for provider in AIProvider.objects.exclude(encrypted_api_key="").iterator():
        count += 1
        try:
            provider.api_key()
        except Undecryptable:
            broken.append(provider.name)
    if broken:
        yield Finding(
            "encryption keys",
            ERROR,
            f"The keys of {len(broken)} AI providers can't be decrypted: {', '.join(broken[:5])}.",
            "Put the key they were written with back into RELEVAL_ENCRYPTION_KEYS, or give their API keys again.",
        )
    else:
        yield Finding("encryption keys", OK, f"The credentials of {count} AI providers can be decrypted.")


def _people() -> Iterator[Finding]:
    if User.objects.filter(role=Role.ADMIN, is_active=True).exists():
        yield Finding("people", OK, "There is an admin.")
    else:
        yield Finding("people", ERROR, "Nobody is an admin.", "manage.py create_user EMAIL --role admin")


def _workers() -> Iterator[Finding]:
    waiting_since, now = queue.oldest_waiting_since(), shared_now()
    start = "Start one: manage.py serve (or serve --worker-only); see its log if it ends again."
    if not workers.has_live_worker():
        level = ERROR if waiting_since else WARNING
        yield Finding(
            "workers", level, f"No worker was seen within 30 s{', and work waits' if waiting_since else ''}.", start
        )
    else:
        yield Finding("workers", OK, "A worker is alive.")
    age = now - waiting_since if waiting_since else timedelta(0)
    if age > _LONG_WAIT:
        message = f"The oldest of {queue.waiting_tasks()} waiting tasks waits for {age.total_seconds() / 60:.0f} min."
        yield Finding(
            "queue", WARNING, message, "Add workers: RELEVAL_WORKERS, or serve --worker-only on another host."
        )
    else:
        yield Finding("queue", OK, "No task waits for long.")


def _stalled() -> Iterator[Finding]:
    stalled = stalled_lanes().count()
    if stalled:
        message = f"{stalled} shares of runs or batches lost their worker, and nothing has set them going again."
        yield Finding(
            "runs", ERROR, message, "manage.py rescue_judging_runs (a supervisor, manage.py serve, does it by itself)"
        )
    else:
        yield Finding("runs", OK, "No AI judging run or batch is stuck.")
    imports = list(interrupted_imports().values_list("name", flat=True)[:5])
    if imports:
        message = f"Imports were killed and their runs left as running: {', '.join(imports)}."
        yield Finding(
            "imports", WARNING, message, "manage.py rescue_judging_runs ends them; then delete and import again."
        )
    else:
        yield Finding("imports", OK, "No import was left half done.")


def _local_judge() -> Iterator[Finding]:
    if not AIProvider.objects.filter(type=ProviderType.LOCAL, base_url="").exists():
        return
    url = urlsplit(settings.LOCAL_JUDGE_URL)
    try:
        server = http.client.HTTPConnection(url.hostname or "", url.port or 80, timeout=_LOCAL_JUDGE_SECONDS)
        server.request("GET", f"{url.path}/models")
        answer = server.getresponse()
        json.load(answer)
        problem = "" if answer.status == 200 else f"it answered {answer.status}"
        server.close()
    except (OSError, http.client.HTTPException, ValueError) as error:
        problem = str(error) or type(error).__name__
    if problem:
        message = f"The local judge does not answer at {settings.LOCAL_JUDGE_URL}: {problem}."
        yield Finding(
            "local judge", ERROR, message, "manage.py serve starts it (extra: local); elsewhere set LOCAL_JUDGE_URL."
        )
    else:
        yield Finding("local judge", OK, f"The local judge answers at {settings.LOCAL_JUDGE_URL}.")


def _default() -> Iterator[Finding]:
    chosen = Installation.objects.filter(default_ai_provider__isnull=False).exists()
    if (settings.DEFAULT_MODEL or chosen) and default_model() is None:
        message = f"The default model {settings.DEFAULT_MODEL!r} names no shared AI provider and model."
        yield Finding("default model", ERROR, message, 'RELEVAL_DEFAULT_MODEL is "name of a shared provider/model".')
    elif default_model() is None:
        message = "There is no default model: evaluators that name none can't be used."
        yield Finding(
            "default model", WARNING, message, "Set RELEVAL_DEFAULT_MODEL, or choose one in the settings page."
        )
    else:
        yield Finding("default model", OK, "Evaluators that name no model have one.")


def _clock() -> Iterator[Finding]:
    now, shared = timezone.now(), shared_now()
    ahead = WorkerHeartbeat.objects.filter(seen_at__gt=shared + _CLOCK_TOLERANCE).order_by("worker").first()
    if abs(now - shared) > _CLOCK_TOLERANCE:
        message = f"This host's clock and the database's differ by {abs(now - shared).total_seconds():.0f} s."
        yield Finding("clock", WARNING, message, "Let NTP set the clocks.")
    elif ahead is not None:
        message = f"The worker {ahead.worker} was seen in the future: a clock went back, or differs between hosts."
        yield Finding("clock", WARNING, message, "Let NTP set the clocks; leases end late until then.")
    else:
        yield Finding("clock", OK, "The clocks agree.")


_OF_THE_DATABASE: dict[str, Callable[[], Iterator[Finding]]] = {
    "writing": _writable,
    "journal": _journal,
    "encryption keys": _keys,
    "people": _people,
    "workers": _workers,
    "runs": _stalled,
    "local judge": _local_judge,
    "default model": _default,
    "clock": _clock,
}
