"""How a run asks: what it has pinned, with the endpoint's credentials, TLS settings and limits of now."""

from dataclasses import replace

from judging.engines.configuration import EndpointConfig
from judging.models import SearchEndpoint, SearchRun
from judging.records.searching.endpoint_configs import config_of as endpoint_config_of


def config_of(search: SearchRun, endpoint: SearchEndpoint) -> EndpointConfig:
    """Return how the searches of a run are asked. Raise Undecryptable."""
    return replace(
        endpoint_config_of(endpoint),
        url=search.endpoint_url,
        method=search.endpoint_method,
        headers=search.endpoint_headers,
        candidates_mapping=search.candidates_mapping,
        paging=search.paging,
    )
