"""Query templates, as every interface lists them."""

from uuid import UUID

from django.db.models import QuerySet

from judging.foundation.errors import NotFound
from judging.models import QueryTemplate


def query_templates(*, is_archived: bool = False) -> QuerySet[QueryTemplate]:
    """Return the query templates by name: those that are offered, or those that are archived."""
    return QueryTemplate.objects.filter(archived_at__isnull=not is_archived).order_by("name", "pk")


def get_query_template(template_id: UUID) -> QueryTemplate:
    """Return a query template. Raise NotFound."""
    found = QueryTemplate.objects.filter(pk=template_id).first()
    if found is None:
        raise NotFound("no such query template")
    return found
