"""Short ways to search endpoints."""

from typing import Any

from judging.models import Corpus, SearchEndpoint, User
from judging.search.endpoints.acts import create_endpoint

TOKEN = "a-very-secret-token"


def make_endpoint(user: User, url: str = "http://127.0.0.1:9/search", **fields: Any) -> SearchEndpoint:
    """Make an endpoint of an API that is asked with GET, with a bearer token."""
    authentication = fields.pop("authentication", {"type": "bearer", "token": TOKEN})
    corpus = Corpus.objects.create(name=f"Corpus {Corpus.objects.count()}")
    given = {"type": "api", "name": "Products", "url": url, "corpus_id": corpus.pk, **fields}
    return create_endpoint(actor=user, fields=given, authentication=authentication)
