"""Query templates: how a query becomes a request, with immutable versions."""

from django.db import models

from judging.foundation.limits import MAX_CONTENT_TYPE, MAX_NAME, MAX_QUERY_STRING, MAX_TEXT
from judging.models.versioned import Pinned, Version, Versioned

DEFAULT_CONTENT_TYPE = "application/json"


class TemplateSettings(Pinned):
    """What a version of a query template pins: Handlebars for the parts of a request."""

    name = models.CharField(max_length=MAX_NAME)
    body = models.TextField(blank=True, max_length=MAX_TEXT)
    # Without a leading "?"; joined with "&" to that of the endpoint's URL.
    query_string = models.TextField(blank=True, max_length=MAX_QUERY_STRING)
    content_type = models.CharField(max_length=MAX_CONTENT_TYPE, default=DEFAULT_CONTENT_TYPE)
    headers = models.JSONField(default=dict, blank=True)

    class Meta:
        abstract = True


class QueryTemplate(TemplateSettings, Versioned):
    """A named template; every change of it makes a version."""

    description = models.TextField(blank=True)

    class Meta(Versioned.Meta):
        verbose_name = "query template"


class QueryTemplateVersion(TemplateSettings, Version):
    """A query template as it was at one moment."""

    template = models.ForeignKey(QueryTemplate, models.CASCADE, related_name="versions")

    class Meta(Version.Meta):
        constraints = [
            models.UniqueConstraint(fields=["template", "number"], name="query_template_version_number_unique")
        ]
