"""How a run asks: what it has pinned, with the endpoint's credentials, TLS settings and limits of now."""

from judging.engines.configuration import EndpointConfig
from judging.models import SearchEndpoint, SearchRun


def config_of(search: SearchRun, endpoint: SearchEndpoint) -> EndpointConfig:
    """Return how the searches of a run are asked. Raise Undecryptable."""
    return EndpointConfig(
        type=search.endpoint_type,
        url=search.endpoint_url,
        method=search.endpoint_method,
        headers=search.endpoint_headers,
        authentication=endpoint.authentication(),
        tls_verify=endpoint.tls_verify,
        ca_certificate=endpoint.ca_certificate,
        candidates_mapping=search.candidates_mapping,
        paging=search.paging,
        timeout_seconds=endpoint.timeout,
        max_retries=endpoint.max_retries,
        max_response_bytes=endpoint.max_response_bytes,
    )
