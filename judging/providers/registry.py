"""The types of AI providers: what each needs, accepts and where it is found."""

import re
from dataclasses import dataclass
from types import MappingProxyType
from urllib.parse import urlsplit

from judging.providers.base import Connection
from judging.wire.addresses import AddressRefused, check_address, shown_address

FIELDS = ("base_url", "api_key", "region", "api_version", "deployment")
DEFAULT_AZURE_API_VERSION = "2024-10-21"

_REGION = re.compile(r"[a-z]{2,8}(-[a-z0-9]+)+-\d+")
_API_VERSION = re.compile(r"\d{4}-\d{2}-\d{2}(-preview)?|preview|latest|v1")
# It becomes a segment of the path.
_DEPLOYMENT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_QUOTES = " \t\r\n\"'`“”‘’„«»"
_AROUND_KEY = re.compile(
    r"(?i:(?:authorization|api-key|x-api-key)\s*+:\s*+)|(?i:bearer|api-key)(?:\s++|:\s*+)"
    r"|(?:export\s++|set\s++|-H\s++)|[A-Z][A-Z0-9_]{0,60}(?:KEY|TOKEN)\s*+=\s*+(?=\S)"
)
_MOST_WRAPPINGS = 6
_NO_KEYS = frozenset({"bearer", "api-key", "authorization:", "authorization"})
_LABELS = {
    "base_url": "address",
    "api_key": "API key",
    "region": "region",
    "api_version": "API version",
    "deployment": "deployment",
}


@dataclass(frozen=True, slots=True)
class ProviderSpec:
    """What a type of provider (judging.models.ProviderType) takes: `accepted` fields may be filled in, `needed` ones must.

    `models` are names to offer before the service was asked; any other name can be typed.
    """

    name: str
    title: str
    hint: str
    needed: frozenset[str]
    accepted: frozenset[str]
    default_base_url: str = ""
    max_tokens_parameter: str = "max_tokens"
    models: tuple[str, ...] = ()

    @property
    def is_key_required(self) -> bool:
        return "api_key" in self.needed

    @property
    def is_key_accepted(self) -> bool:
        return "api_key" in self.accepted


def _spec(
    name: str, title: str, hint: str, *, needs: str = "", accepts: str = "", models: str = "", **more: str
) -> ProviderSpec:
    needed = frozenset(needs.split())
    return ProviderSpec(
        name, title, hint, needed, needed | frozenset(accepts.split()), models=tuple(models.split()), **more
    )


PROVIDER_TYPES: MappingProxyType[str, ProviderSpec] = MappingProxyType(
    {
        spec.name: spec
        for spec in (
            _spec(
                "openai",
                "OpenAI",
                "Needs an API key of platform.openai.com.",
                needs="api_key",
                accepts="base_url",
                default_base_url="https://api.openai.com/v1",
                models="gpt-5 gpt-5-mini gpt-5-nano gpt-4.1 gpt-4.1-mini gpt-4.1-nano gpt-4o gpt-4o-mini",
                max_tokens_parameter="max_completion_tokens",
            ),
            _spec(
                "azure_openai",
                "Azure OpenAI",
                "Needs the resource's address (https://NAME.openai.azure.com) and a key; the model is the deployment's "
                "name unless a deployment is given.",
                needs="base_url api_key",
                accepts="api_version deployment",
                models="gpt-5 gpt-5-mini gpt-4.1 gpt-4.1-mini gpt-4o gpt-4o-mini",
                max_tokens_parameter="max_completion_tokens",
            ),
            _spec(
                "bedrock",
                "Amazon Bedrock",
                "Needs a Bedrock API key and the region, such as us-east-1.",
                needs="api_key region",
                accepts="base_url",
                models="openai.gpt-oss-120b openai.gpt-oss-20b",
            ),
            _spec(
                "anthropic",
                "Anthropic",
                "Needs an API key of console.anthropic.com; called through its OpenAI-compatible endpoint.",
                needs="api_key",
                accepts="base_url",
                default_base_url="https://api.anthropic.com/v1",
                models="claude-opus-4-5 claude-sonnet-4-5 claude-haiku-4-5",
            ),
            _spec(
                "ollama",
                "Ollama",
                "Needs a running Ollama and a pulled model; no key.",
                accepts="base_url",
                default_base_url="http://127.0.0.1:11434/v1",
                models="gpt-oss:20b qwen3:8b qwen3:14b llama3.1:8b gemma3:12b mistral-small:24b phi4:14b",
            ),
            _spec(
                "custom",
                "OpenAI-compatible endpoint",
                "Any server with OpenAI's chat completions (vLLM, LiteLLM, OpenRouter, ...): its address up to and "
                "with /v1, and a key if it wants one.",
                needs="base_url",
                accepts="api_key",
            ),
            _spec(
                "local",
                "Local similarity model",
                "Runs on this machine without key or network. A similarity model, not an LLM.",
                accepts="base_url",
            ),
        )
    }
)


def clean_api_key(pasted: str) -> str:
    """Return the key in what people paste: a whole header, a line of a shell or quotes may stand around it."""
    key = pasted.strip()
    for _ in range(_MOST_WRAPPINGS):
        bare = _without_label(key.strip(_QUOTES)).strip()
        if bare == key:
            break
        key = bare
    return key


def _without_label(key: str) -> str:
    label = _AROUND_KEY.match(key)
    return key[label.end() :] if label else key


def key_problem(key: str) -> str:
    """Return what is wrong with a cleaned key, "" where nothing is."""
    if not (key.isascii() and (key.isprintable() or not key)):
        return "A key has printable ASCII characters only."
    if key.lower() in _NO_KEYS or re.search(r"""[\s"'`]""", key):
        return 'Paste the key alone: without "Bearer", quotes or spaces.'
    return ""


def endpoint(connection: Connection) -> str:
    """Return the base URL that calls go to, "" where it can't be told. Not checked, not fit for display."""
    spec = PROVIDER_TYPES.get(connection.type)
    if spec is None:
        return ""
    base_url = connection.base_url.strip().rstrip("/")
    if not base_url and connection.type == "bedrock" and connection.region:
        return f"https://bedrock-mantle.{connection.region}.api.aws/openai/v1"
    if connection.type == "ollama" and base_url and _path(base_url) == "":
        return f"{base_url}/v1"  # as Ollama itself prints its address
    return base_url or spec.default_base_url


def _path(url: str) -> str | None:
    """Return the path of a URL, None where it is none."""
    try:
        return urlsplit(url).path
    except ValueError:
        return None


def address(connection: Connection) -> str:
    """Return where a connection leads, safe for display: no credentials, no query string, "" where it is malformed."""
    return shown_address(endpoint(connection))


def validate_connection(connection: Connection) -> dict[str, list[str]]:
    """Return what is wrong with a connection, as messages per field; empty when it can be used."""
    spec = PROVIDER_TYPES.get(connection.type)
    if spec is None:
        return {"type": ["Choose a type of provider."]}
    errors: dict[str, list[str]] = {}
    for field in FIELDS:
        value = getattr(connection, field).strip()
        if field not in spec.accepted:
            if value:
                errors[field] = [f"{spec.title} takes no {_LABELS[field]}: leave it empty."]
        elif not value:
            if field in spec.needed:
                errors[field] = [f"{spec.title} needs {_with_article(_LABELS[field])}."]
        elif problem := _problem(field, value):
            errors[field] = [problem]
    return errors


def _problem(field: str, value: str) -> str:
    if field == "base_url":
        try:
            check_address(value)
        except AddressRefused as error:
            return str(error)
        if value.rstrip("/").endswith("/chat/completions"):
            return "Give the address up to the part before /chat/completions, which is added to it."
    if field == "api_key":
        return key_problem(clean_api_key(value))
    if field == "region" and not _REGION.fullmatch(value):
        return "That is no AWS region: they read like us-east-1."
    if field == "api_version" and not _API_VERSION.fullmatch(value):
        return f"That is no API version: they read like {DEFAULT_AZURE_API_VERSION}."
    if field == "deployment" and not _DEPLOYMENT.fullmatch(value):
        return "A deployment's name has letters, digits, dots, hyphens and underscores."
    return ""


def _with_article(label: str) -> str:
    return f"{'an' if label[0] in 'aeiouA' else 'a'} {label}"
