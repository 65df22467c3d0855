"""Query templates as the engines' room takes them, and whether a query set has what they read."""

from judging.engines.configuration import TemplateText
from judging.engines.rendering import PAGING_VARIABLES, InvalidTemplate, SearchTemplate, compile_template
from judging.foundation.errors import Invalid
from judging.models import SearchQuerySet, TemplateSettings

_MOST_NAMES = 10


def compiled_template(settings: TemplateSettings) -> SearchTemplate:
    """Compile a query template or a version of one. Raise Invalid, which names the field."""
    text = TemplateText(
        body=settings.body,
        query_string=settings.query_string,
        content_type=settings.content_type,
        headers=settings.headers,
    )
    try:
        return compile_template(text)
    except InvalidTemplate as error:
        raise Invalid(f"{error.place}: {error.message}", errors={error.place: [error.message]}) from None


def missing_properties(template: SearchTemplate, query_set: SearchQuerySet) -> str:
    """Say what a template reads that no query of the set has; "" where there is nothing."""
    known = {*query_set.property_types, "query", *PAGING_VARIABLES}
    missing = sorted(template.variables - known)
    if not missing:
        return ""
    names = ", ".join(missing[:_MOST_NAMES])
    more = f" and {len(missing) - _MOST_NAMES} more" if len(missing) > _MOST_NAMES else ""
    return f"The template reads {names}{more}, which no query of {query_set.name} has."
