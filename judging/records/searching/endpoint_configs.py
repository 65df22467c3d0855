"""How a search endpoint is reached and read."""

from judging.engines.configuration import EndpointConfig
from judging.models import SearchEndpoint


def config_of(endpoint: SearchEndpoint) -> EndpointConfig:
    """Return what it takes to ask the endpoint as it is now, the decrypted authentication included. Raise Undecryptable.

    A run replaces what it has pinned: `dataclasses.replace(config_of(endpoint), candidates_mapping=...)`.
    """
    return EndpointConfig(
        url=endpoint.url,
        method=endpoint.method,
        headers=endpoint.headers,
        authentication=endpoint.authentication(),
        tls_verify=endpoint.tls_verify,
        ca_certificate=endpoint.ca_certificate,
        candidates_mapping=endpoint.candidates_mapping,
        paging=endpoint.paging,
        timeout_seconds=float(endpoint.timeout),
        max_retries=endpoint.max_retries,
        max_response_bytes=endpoint.max_response_bytes,
    )
