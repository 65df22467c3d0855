"""What the tests of the query lab ask: the demo's engine, narrowly or for all that it has."""

from typing import Any

from judging.demo_search.server import Server
from judging.engines.presets import PRESETS
from judging.models import Corpus, SearchEndpoint

NARROW = '{"query": {"match": {"title": "{{query}}"}}, "size": {{size}}}'
BROAD = '{"query": {"match_all": {}}, "size": {{size}}}'


def make_engine_endpoint(server: Server, **fields: Any) -> SearchEndpoint:
    settings = {"name": "Engine", "corpus": Corpus.objects.create(name="Catalogue"), **fields}
    return SearchEndpoint.objects.create(
        type="elasticsearch",
        url=f"http://127.0.0.1:{server.server_address[1]}/products/_search",
        candidates_mapping=PRESETS["elasticsearch"].candidates_mapping,
        **settings,
    )
