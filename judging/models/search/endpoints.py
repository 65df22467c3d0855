"""Search endpoints: where a search engine answers, how it is asked, and how its answers are read."""

import uuid

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils import timezone

from judging.foundation.limits import (
    DEFAULT_RESPONSE_BYTES,
    MAX_CERTIFICATE,
    MAX_ENDPOINT_CONCURRENCY,
    MAX_MAPPING,
    MAX_NAME,
    MAX_REQUESTS_PER_MINUTE,
    MAX_RESPONSE_BYTES,
    MAX_SEARCH_RETRIES,
    MAX_SEARCH_TIMEOUT,
    MAX_URL,
    MIN_SEARCH_TIMEOUT,
)
from judging.models.corpora import Corpus
from judging.models.credentials import AuthenticationType, WithAuthentication


class EndpointType(models.TextChoices):
    ELASTICSEARCH = "elasticsearch", "Elasticsearch"
    OPENSEARCH = "opensearch", "OpenSearch"
    SOLR = "solr", "Solr"
    VESPA = "vespa", "Vespa"
    ALGOLIA = "algolia", "Algolia"
    TYPESENSE = "typesense", "Typesense"
    MEILISEARCH = "meilisearch", "Meilisearch"
    API = "api", "Any HTTP API"


class EndpointMethod(models.TextChoices):
    GET = "GET", "GET"
    POST = "POST", "POST"


class SearchEndpoint(WithAuthentication):
    """A place that answers searches, for one corpus. Runs pin what they take from it, but for credentials and limits."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    corpus = models.ForeignKey(Corpus, models.PROTECT, related_name="search_endpoints")
    name = models.CharField(max_length=MAX_NAME, unique=True)
    type = models.CharField(max_length=20, choices=EndpointType)
    url = models.CharField(max_length=MAX_URL)
    method = models.CharField(max_length=4, choices=EndpointMethod, default=EndpointMethod.POST)
    # Plain ones: they are shown to every member.
    headers = models.JSONField(default=dict, blank=True)
    tls_verify = models.BooleanField(default=True)
    ca_certificate = models.TextField(blank=True, max_length=MAX_CERTIFICATE)
    candidates_mapping = models.TextField(max_length=MAX_MAPPING)
    paging = models.JSONField(default=dict, blank=True)
    timeout = models.PositiveSmallIntegerField(
        default=30,
        validators=[MinValueValidator(MIN_SEARCH_TIMEOUT), MaxValueValidator(MAX_SEARCH_TIMEOUT)],
        help_text="Seconds per request.",
    )
    max_retries = models.PositiveSmallIntegerField(default=3, validators=[MaxValueValidator(MAX_SEARCH_RETRIES)])
    # Hold across all runs, workers and the query lab.
    max_concurrency = models.PositiveSmallIntegerField(
        default=4, validators=[MinValueValidator(1), MaxValueValidator(MAX_ENDPOINT_CONCURRENCY)]
    )
    requests_per_minute = models.PositiveIntegerField(
        null=True, blank=True, validators=[MinValueValidator(1), MaxValueValidator(MAX_REQUESTS_PER_MINUTE)]
    )
    # Under a limit of requests per minute: no request that is not granted yet starts before.
    next_call_at = models.DateTimeField(null=True, blank=True, editable=False)
    max_response_bytes = models.PositiveIntegerField(
        default=DEFAULT_RESPONSE_BYTES, validators=[MinValueValidator(1000), MaxValueValidator(MAX_RESPONSE_BYTES)]
    )
    archived_at = models.DateTimeField(null=True, blank=True, editable=False)
    created_by = models.ForeignKey("judging.User", models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    updated_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ["name", "id"]
        constraints = [
            models.CheckConstraint(condition=models.Q(type__in=EndpointType.values), name="endpoint_type_known"),
            models.CheckConstraint(condition=models.Q(method__in=EndpointMethod.values), name="endpoint_method_known"),
            models.CheckConstraint(
                condition=models.Q(authentication_type__in=AuthenticationType.values),
                name="endpoint_authentication_known",
            ),
            models.CheckConstraint(
                condition=models.Q(max_concurrency__gte=1, max_concurrency__lte=MAX_ENDPOINT_CONCURRENCY),
                name="endpoint_concurrency_bounds",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def is_archived(self) -> bool:
        return self.archived_at is not None
