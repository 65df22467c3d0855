"""The two query templates of the demo: Elasticsearch-shaped bodies in Handlebars."""

TITLE_ONLY = '{"query": {"match": {"title": "{{query}}"}}, "size": {{size}}}'
ALL_FIELDS = (
    '{"query": {"multi_match": {"query": "{{query}}", '
    '"fields": ["title^3", "brand", "description", "colour", "type"]}}, "size": {{size}}}'
)
