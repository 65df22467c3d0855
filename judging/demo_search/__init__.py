"""A small search service for the demo and the tests, over SQLite FTS5. It is not Elasticsearch."""
