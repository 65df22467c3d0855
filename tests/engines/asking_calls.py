"""What tests of searches share: endpoints on the loopback, and one search asked of them."""

import asyncio
from typing import Any

from judging.engines.asking import EngineCaller, SearchAnswer, SearchFailure
from judging.engines.configuration import EndpointConfig, TemplateText
from judging.engines.presets import PRESETS
from judging.engines.rendering import compile_template
from judging.wire.connections import Tls

TEMPLATE = TemplateText('{"q": "{{query}}", "n": {{size}}}', "", "application/json", {})


def config(url: str, **settings: Any) -> EndpointConfig:
    values: dict[str, Any] = {
        "url": url,
        "method": "POST",
        "headers": {},
        "authentication": {"type": "none"},
        "tls_verify": Tls().verify,
        "ca_certificate": "",
        "candidates_mapping": PRESETS["api"].candidates_mapping,
        "paging": {},
        "timeout_seconds": 5.0,
        "max_retries": 3,
        "max_response_bytes": 1_000_000,
    }
    return EndpointConfig(**{**values, **settings})


def ask(
    endpoint: EndpointConfig,
    *,
    template: TemplateText = TEMPLATE,
    query: Any = "shoes",
    depth: int = 20,
    times: int = 1,
    **options: Any,
) -> SearchAnswer | SearchFailure:
    """Ask so many times and return what came of the last search."""

    async def search() -> SearchAnswer | SearchFailure:
        caller = EngineCaller(endpoint)
        try:
            for _ in range(times):
                outcome = await caller.search(compile_template(template), query, depth, **options)
        finally:
            await caller.aclose()
        return outcome

    return asyncio.run(search())


def answer_of(endpoint: EndpointConfig, **options: Any) -> SearchAnswer:
    outcome = ask(endpoint, **options)
    assert isinstance(outcome, SearchAnswer), outcome
    return outcome


def failure_of(endpoint: EndpointConfig, **options: Any) -> SearchFailure:
    outcome = ask(endpoint, **options)
    assert isinstance(outcome, SearchFailure), outcome
    return outcome
