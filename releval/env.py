"""Read the environment. `X_FILE` names a file that holds the value of `X` (container secrets)."""

import os
import re
import secrets
from contextlib import suppress
from pathlib import Path
from typing import Any

import environ
from cryptography.fernet import Fernet
from django.core.exceptions import ImproperlyConfigured
from environ.fileaware_mapping import FileAwareMapping

_RATE = re.compile(r"[0-9]{1,9}/(s|sec|second|m|min|minute|h|hour|d|day)")
_LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")


class _Variables(FileAwareMapping):
    def __getitem__(self, key: str) -> str:
        try:
            # Editors and `echo` end a file with a line end that is no part of a password.
            return str(super().__getitem__(key)).rstrip("\r\n")  # type: ignore[no-untyped-call]
        except (OSError, UnicodeDecodeError) as error:
            raise ImproperlyConfigured(f"the file that {key}_FILE names can't be read: {error}") from None


class _Environment(environ.FileAwareEnv):
    ENVIRON = _Variables()  # type: ignore[no-untyped-call]

    def int(self, var: str, default: Any = environ.Env.NOTSET) -> Any:
        try:
            return super().int(var, default)
        except ValueError:
            raise ImproperlyConfigured(f"{var} is {self.str(var)!r}; it takes a whole number") from None


env: Any = _Environment()  # type: ignore[no-untyped-call]


def is_production() -> bool:
    name = env.str("RELEVAL_ENV", default="development")
    if name not in ("development", "production"):
        raise ImproperlyConfigured(f"RELEVAL_ENV is {name!r}; it takes development or production")
    return bool(name == "production")


def is_debugging(*, production: bool) -> bool:
    is_wanted = bool(env.bool("RELEVAL_DEBUG", default=False))
    if is_wanted and production:
        raise ImproperlyConfigured("RELEVAL_DEBUG shows code and settings to anyone; it can't be on in production")
    return is_wanted


def data_dir(base_dir: Path) -> Path:
    """Return the directory of everything the installation writes, made when it is missing, for its owner alone."""
    path = Path(env.str("RELEVAL_DATA_DIR", default=str(base_dir / "var"))).expanduser().resolve()
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise ImproperlyConfigured(f"the data directory {path} (RELEVAL_DATA_DIR) can't be made: {error}") from None
    return path


def secret(name: str, *, file_name: str, directory: Path, generate: Any, production: bool) -> str:
    """Return the secret `name`: from the environment, else in development one generated once into `directory`."""
    value = env.str(name, default="").strip()
    if value:
        return str(value)
    if production:
        raise ImproperlyConfigured(f"{name} (or {name}_FILE) is required with RELEVAL_ENV=production")
    path = directory / file_name
    if not path.exists():
        _write_once(path, generate())
    return path.read_text().strip()


def _write_once(path: Path, value: str) -> None:
    # Web and worker may start at the same moment: write aside, then link, so that one value wins whole.
    aside = path.with_name(f"{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    aside.write_text(value)
    aside.chmod(0o600)
    try:
        os.link(aside, path)
    except FileExistsError:
        pass
    finally:
        aside.unlink()


def _make_private(name: str) -> None:
    # It holds session keys and password hashes, and SQLite would make it as the umask says. Its -wal and -shm files
    # take over its mode. One that exists is left alone (doctor tells), and what can't be made fails when it is used.
    if name != ":memory:" and not name.startswith("file:"):
        with suppress(OSError):
            os.close(os.open(name, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))


def generate_secret_key() -> str:
    return secrets.token_urlsafe(50)


def generate_encryption_key() -> str:
    return Fernet.generate_key().decode()


def encryption_keys(text: str) -> list[str]:
    """Read a comma list of keys. Raise ImproperlyConfigured, without the key, for what is none."""
    keys = [key.strip() for key in text.split(",") if key.strip()]
    for number, key in enumerate(keys, start=1):
        try:
            Fernet(key)
        except ValueError:
            raise ImproperlyConfigured(
                f"key {number} of RELEVAL_ENCRYPTION_KEYS is none: each is 32 bytes in URL-safe base64, as from"
                " python -c 'from cryptography.fernet import Fernet; print(Fernet.generate_key().decode())'"
            ) from None
    return keys


def rate(name: str, *, default: str) -> str:
    """Return a rate of requests such as 600/min."""
    value = str(env.str(name, default=default)).strip()
    if not _RATE.fullmatch(value):
        raise ImproperlyConfigured(f"{name} is {value!r}; it takes a number per s, min, hour or day, such as {default}")
    return value


def log_level(name: str) -> str:
    value = str(env.str(name, default="INFO")).strip().upper()
    if value not in _LOG_LEVELS:
        raise ImproperlyConfigured(f"{name} is {value!r}; it takes one of {', '.join(_LOG_LEVELS)}")
    return value


def database(directory: Path) -> dict[str, Any]:
    """Return Django's settings of the one database: DATABASE_URL, else SQLite in `directory`."""
    url = env.str("DATABASE_URL", default="")
    config: dict[str, Any]
    if not url or url.startswith("sqlite"):
        config = dict(env.db_url_config(url)) if url else {"NAME": str(directory / "releval.sqlite3")}
        config["ENGINE"] = "releval.sqlite3"
        _make_private(str(config["NAME"]))
        # Django's defaults answer 40 % of concurrent writes with "database is locked"; with these, none:
        # every atomic() takes the write lock at once and waits for it, readers never wait.
        config["OPTIONS"] = {
            "transaction_mode": "IMMEDIATE",
            "timeout": 20,
            "init_command": "PRAGMA journal_mode=WAL;PRAGMA synchronous=NORMAL;PRAGMA cache_size=-32000;",
        }
        # What was opened while the file could only be read stays so: a process would answer with errors for as long
        # as one such connection is open in it, whatever the permissions say by then. Opening takes 2 ms.
        config["CONN_MAX_AGE"] = 0
    elif url.startswith(("postgres://", "postgresql://")):
        config = dict(env.db_url_config(url))
        config["CONN_MAX_AGE"] = 600
        config["CONN_HEALTH_CHECKS"] = True
    else:
        raise ImproperlyConfigured("DATABASE_URL takes postgres://… or sqlite:///…")
    return config
