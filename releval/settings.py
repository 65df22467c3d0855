"""Settings of every environment: one file, read through env.py."""

import sys
from pathlib import Path
from typing import Any

from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured
from whitenoise.compress import Compressor

from releval import env as environment
from releval.env import env

BASE_DIR = Path(__file__).resolve().parent.parent
DATA_DIR = environment.data_dir(BASE_DIR)
IS_PRODUCTION = environment.is_production()
# Pages for developers where something fails, and static files as they are on the disk at this moment.
DEBUG = environment.is_debugging(production=IS_PRODUCTION)
IS_TESTING = "pytest" in sys.modules

SECRET_KEY = environment.secret(
    "RELEVAL_SECRET_KEY",
    file_name="secret_key",
    directory=DATA_DIR,
    generate=environment.generate_secret_key,
    production=IS_PRODUCTION,
)
# The first key writes, every key reads: put a new one in front to rotate.
ENCRYPTION_KEYS = environment.encryption_keys(
    environment.secret(
        "RELEVAL_ENCRYPTION_KEYS",
        file_name="encryption_keys",
        directory=DATA_DIR,
        generate=environment.generate_encryption_key,
        production=IS_PRODUCTION,
    )
)

HOST = env.str("HOST", default="127.0.0.1")
PORT = env.int("PORT", default=8000)
LOCAL_JUDGE_PORT = env.int("LOCAL_JUDGE_PORT", default=PORT + 1)
DEMO_SEARCH_PORT = env.int("DEMO_SEARCH_PORT", default=PORT + 2)
LOCAL_JUDGE_URL = env.str("LOCAL_JUDGE_URL", default=f"http://127.0.0.1:{LOCAL_JUDGE_PORT}/v1")
DEFAULT_MODEL = env.str("RELEVAL_DEFAULT_MODEL", default="")
ALLOWED_HOSTS = env.list(
    "RELEVAL_ALLOWED_HOSTS", default=[] if IS_PRODUCTION else ["localhost", "127.0.0.1", "[::1]", HOST]
)
CSRF_TRUSTED_ORIGINS = env.list("RELEVAL_TRUSTED_ORIGINS", default=[])

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "axes",
    "csp",
    "django_htmx",
    "django_q",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "rest_framework",
    "judging",
]

MIDDLEWARE = [
    "judging.foundation.middleware.RequestIdMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "csp.middleware.CSPMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    # Hides lengths behind random bytes against BREACH; tokens of forms are masked anew in each answer, too.
    "django.middleware.gzip.GZipMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "axes.middleware.AxesMiddleware",
    "judging.foundation.middleware.BodyLimitMiddleware",
    "judging.web.guesses.GuessLimitMiddleware",
    "judging.web.unavailable.UnavailableMiddleware",
]

ROOT_URLCONF = "releval.urls"
WSGI_APPLICATION = "releval.wsgi.application"
APPEND_SLASH = False

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "OPTIONS": {
            "loaders": [
                (
                    "django.template.loaders.cached.Loader",
                    ["releval.template_files.Loader", "django.template.loaders.app_directories.Loader"],
                )
            ],
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "judging.web.shell.shell",
            ],
        },
    },
]

DATABASES: dict[str, dict[str, Any]] = {"default": environment.database(DATA_DIR)}
IS_SQLITE = DATABASES["default"]["ENGINE"].endswith("sqlite3")
if IS_SQLITE:
    # A file, since background work reads it from other threads and processes.
    DATABASES["default"]["TEST"] = {"NAME": str(DATA_DIR / "test.sqlite3")}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

AUTH_USER_MODEL = "judging.User"
AUTHENTICATION_BACKENDS = ["axes.backends.AxesStandaloneBackend", "django.contrib.auth.backends.ModelBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "home"
LOGOUT_REDIRECT_URL = "login"
AXES_FAILURE_LIMIT = 10
AXES_COOLOFF_TIME = 0.25  # hours
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
# What the sign-in form and authenticate() call it; axes would look for "email", find none and lock nobody out.
AXES_USERNAME_FORM_FIELD = "username"
AXES_RESET_ON_SUCCESS = True
AXES_CLIENT_IP_CALLABLE = "judging.foundation.middleware.client_address"
AXES_LOCKOUT_TEMPLATE = "registration/locked_out.html"
AXES_DISABLE_ACCESS_LOG = True

LANGUAGE_CODE = "en-us"
TIME_ZONE = "UTC"
USE_I18N = False
USE_TZ = True

STATIC_URL = "/static/"
STATIC_ROOT = DATA_DIR / "static"
STATIC_ROOT.mkdir(exist_ok=True)
STATICFILES_DIRS = [BASE_DIR / "static"]
# Collected, compressed and named by their content when the server starts, or served from where they are written.
WHITENOISE_USE_FINDERS = DEBUG or IS_TESTING
# Maps of scripts are for who debugs them, and were half of the work of each start.
WHITENOISE_SKIP_COMPRESS_EXTENSIONS = (*Compressor.SKIP_COMPRESS_EXTENSIONS, "map")
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if WHITENOISE_USE_FINDERS
        else "releval.static_files.ManifestStorage"
    },
}

# Of each web process.
WEB_THREADS = 8

# Limits of what is taken in, in bytes.
MAX_JSON_BYTES = env.int("RELEVAL_MAX_JSON_BYTES", default=20_000_000)
MAX_UPLOAD_BYTES = env.int("RELEVAL_MAX_UPLOAD_BYTES", default=200_000_000)
DATA_UPLOAD_MAX_MEMORY_SIZE = MAX_JSON_BYTES
FILE_UPLOAD_MAX_MEMORY_SIZE = 1_000_000

# The highest value of a metric is called the best only where so many percent of what it looks at are judged.
BEST_COVERAGE = env.int("RELEVAL_BEST_COVERAGE", default=80)
if not 0 <= BEST_COVERAGE <= 100:
    raise ImproperlyConfigured("RELEVAL_BEST_COVERAGE is a percentage, 0 to 100")

WORKERS = env.int("RELEVAL_WORKERS", default=2)
if WORKERS < 1:
    raise ImproperlyConfigured("RELEVAL_WORKERS is the number of worker processes, at least 1")
# A slice may last 120 s, an attempt in flight at its end 300 s more, its last write 15 s: 435 < timeout.
# The retry clock of a task starts when it is pulled into memory, where it may wait behind another one;
# retry > timeout x (queue_limit / workers + 1). judging/checks.py holds these numbers to that.
Q_CLUSTER: dict[str, Any] = {
    "name": "releval",
    "orm": "default",
    "broker_class": "judging.work.queue.SharingBroker",
    "workers": WORKERS,
    "queue_limit": WORKERS,
    "bulk": 1,
    "timeout": 480,
    "retry": 1000,
    "poll": 0.2,
    "ack_failures": True,
    "max_attempts": 1,
    "save_limit": -1,
    "catch_up": False,
    "scheduler": False,
    "label": "Task queue",
    "recycle": 200,
}

REST_FRAMEWORK: dict[str, Any] = {
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "URL_FORMAT_OVERRIDE": None,
    "DEFAULT_AUTHENTICATION_CLASSES": [],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
    "COERCE_DECIMAL_TO_STRING": False,
    # The address that anonymous requests are counted under: a header that anyone can send is trusted from a proxy only.
    "NUM_PROXIES": 1 if env.bool("RELEVAL_BEHIND_PROXY", default=False) else 0,
}
# What is counted lives in each web process. Django's default of 300 entries would forget addresses under attack.
CACHES = {
    "default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache", "OPTIONS": {"MAX_ENTRIES": 5_000}},
}
# Requests to the REST APIs per user and, without a good token, per address; posts of passwords per address.
API_THROTTLE_RATES: dict[str, str | None] = {
    "user": environment.rate("RELEVAL_API_RATE", default="600/min"),
    "anonymous": environment.rate("RELEVAL_API_ANONYMOUS_RATE", default="120/min"),
    "password": environment.rate("RELEVAL_PASSWORD_RATE", default="30/min"),
}
SPECTACULAR_SETTINGS: dict[str, Any] = {
    "TITLE": "Releval API",
    "DESCRIPTION": "Judge search relevance with people and AI together.",
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "COMPONENT_SPLIT_REQUEST": True,
    "ENUM_NAME_OVERRIDES": {
        "BatchStatusEnum": "judging.models.BatchStatus",
        "TurnRoleEnum": "judging.responses.inputs.ROLES",
        "RoleEnum": "judging.models.Role",
        "ProviderType": "judging.models.ProviderType",
        "Scale": "judging.models.ScaleName",
        "EndpointType": "judging.models.EndpointType",
        "EndpointMethod": "judging.models.EndpointMethod",
        "EvaluationRunStatus": "judging.models.EvaluationRunStatus",
        "JudgingRunStatus": "judging.models.JudgingRunStatus",
        "ItemStatus": "judging.models.ItemStatus",
        "SlownessCause": "judging.judging_runs.slowness.CAUSES",
        "JudgeTestStatus": ["judged", "failed", "unanswered"],
        "AgreementScope": ["pairs", "this_run"],
        "JudgingScope": "judging.models.Scope",
        "GoldenCheckOutcome": "judging.models.CheckOutcome",
        "ProbeName": "judging.models.Probe",
        "JudgeVerdict": ["better", "as_good", "below", "cannot_tell"],
        "RunVerdict": ["better", "worse", "no_difference_seen", "cannot_tell"],
    },
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "judging.api.openapi.add_problems",
    ],
}

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "script-src": [SELF],
        "style-src": [SELF],
        # Product images live on shops' servers.
        "img-src": ["https:", "http:", "data:"],
        "object-src": [NONE],
        "base-uri": [NONE],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
    }
}
X_FRAME_OPTIONS = "DENY"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SESSION_COOKIE_HTTPONLY = True
# How long the answers of search engines are kept.
EVIDENCE_DAYS = env.int("RELEVAL_EVIDENCE_DAYS", default=30)

# RELEVAL_HTTPS=0 is for a production installation reached over plain HTTP inside a trusted network.
IS_HTTPS = env.bool("RELEVAL_HTTPS", default=IS_PRODUCTION)
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = IS_HTTPS
SECURE_SSL_REDIRECT = env.bool("RELEVAL_SSL_REDIRECT", default=IS_HTTPS)
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$", r"^metrics$"]
SECURE_HSTS_SECONDS = env.int("RELEVAL_HSTS_SECONDS", default=31_536_000 if IS_HTTPS else 0)
# Both bind other names of the domain, too, which may serve other things: 0 turns them off.
SECURE_HSTS_INCLUDE_SUBDOMAINS = env.bool("RELEVAL_HSTS_SUBDOMAINS", default=IS_HTTPS)
SECURE_HSTS_PRELOAD = env.bool("RELEVAL_HSTS_PRELOAD", default=IS_HTTPS)
if env.bool("RELEVAL_BEHIND_PROXY", default=False):
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

LOG_FORMAT = env.str("RELEVAL_LOG_FORMAT", default="text")
LOGGING: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {"request_id": {"()": "judging.foundation.logs.RequestIdFilter"}},
    "formatters": {
        "text": {"format": "{asctime} {levelname:7} {name} [{request_id}] {message}", "style": "{"},
        "json": {"()": "judging.foundation.logs.JsonFormatter"},
    },
    "handlers": {
        "console": {
            "class": "logging.StreamHandler",
            "formatter": "json" if LOG_FORMAT == "json" else "text",
            "filters": ["request_id"],
        }
    },
    "root": {"handlers": ["console"], "level": environment.log_level("RELEVAL_LOG_LEVEL")},
    "loggers": {
        "django": {"level": "INFO", "handlers": [], "propagate": True},
        "django.server": {"level": "INFO", "handlers": [], "propagate": True},
        "django-q": {"level": "WARNING", "handlers": ["console"], "propagate": False},
        "httpx": {"level": "WARNING"},
        "httpx2": {"level": "WARNING"},
        "httpcore2": {"level": "WARNING"},
        "openai": {"level": "WARNING"},
        "axes": {"level": "WARNING"},
    },
}

if IS_TESTING:
    PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    AXES_ENABLED = False
    API_THROTTLE_RATES = dict.fromkeys(API_THROTTLE_RATES)
    if IS_SQLITE:
        DATABASES["default"]["OPTIONS"]["init_command"] = (
            "PRAGMA journal_mode=WAL;PRAGMA synchronous=OFF;PRAGMA cache_size=-32000;"
        )
