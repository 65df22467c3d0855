"""Read the environment. `X_FILE` names a file that holds the value of `X` (container secrets)."""

import os
import secrets
from pathlib import Path
from typing import Any

import environ
from cryptography.fernet import Fernet
from django.core.exceptions import ImproperlyConfigured

env: Any = environ.FileAwareEnv()  # type: ignore[no-untyped-call]


def is_production() -> bool:
    name = env.str("RELEVAL_ENV", default="development")
    if name not in ("development", "production"):
        raise ImproperlyConfigured(f"RELEVAL_ENV is {name!r}; it takes development or production")
    return bool(name == "production")


def data_dir(base_dir: Path) -> Path:
    """Return the directory of everything the installation writes, made when it is missing."""
    path = Path(env.str("RELEVAL_DATA_DIR", default=str(base_dir / "var"))).expanduser().resolve()
    path.mkdir(parents=True, exist_ok=True)
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


def generate_secret_key() -> str:
    return secrets.token_urlsafe(50)


def generate_encryption_key() -> str:
    return Fernet.generate_key().decode()


def database(directory: Path) -> dict[str, Any]:
    """Return Django's settings of the one database: DATABASE_URL, else SQLite in `directory`."""
    url = env.str("DATABASE_URL", default="")
    config: dict[str, Any]
    if not url or url.startswith("sqlite"):
        config = dict(env.db_url_config(url)) if url else {"NAME": str(directory / "releval.sqlite3")}
        config["ENGINE"] = "django.db.backends.sqlite3"
        # Django's defaults answer 40 % of concurrent writes with "database is locked"; with these, none:
        # every atomic() takes the write lock at once and waits for it, readers never wait.
        config["OPTIONS"] = {
            "transaction_mode": "IMMEDIATE",
            "timeout": 20,
            "init_command": "PRAGMA journal_mode=WAL;PRAGMA synchronous=NORMAL;PRAGMA cache_size=-32000;",
        }
    else:
        config = dict(env.db_url_config(url))
        if "postgresql" not in config["ENGINE"]:
            raise ImproperlyConfigured("DATABASE_URL takes postgres://… or sqlite:///…")
    config["CONN_MAX_AGE"] = 600
    config["CONN_HEALTH_CHECKS"] = True
    return config
