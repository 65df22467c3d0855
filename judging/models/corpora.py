"""A document collection: its queries and its documents, whose contents are versioned by hash."""

import hashlib
import json
import secrets
import unicodedata
import uuid
from typing import Any

from django.db import models
from django.utils import timezone

from judging.foundation.limits import MAX_DOCUMENT_KEY, MAX_EMAIL, MAX_NAME


class MatchMode(models.TextChoices):
    QID = "qid", "By text"
    OID = "oid", "By the whole object"


def random_seed() -> int:
    """Draw a corpus's seed, small enough for any reader of JSON."""
    return secrets.randbelow(2**48)


class Corpus(models.Model):
    """A document collection; queries, documents and judgments belong to it."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=MAX_NAME)
    description = models.TextField(blank=True)
    match_mode = models.CharField(max_length=3, choices=MatchMode, default=MatchMode.QID)
    # Gives every (query, document) its permanent number, by which check samples are drawn.
    seed = models.PositiveBigIntegerField(default=random_seed, editable=False)
    created_by = models.ForeignKey("judging.User", models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ["name", "id"]
        verbose_name_plural = "corpora"
        constraints = [
            models.CheckConstraint(condition=models.Q(match_mode__in=MatchMode.values), name="corpus_match_mode_known")
        ]

    def __str__(self) -> str:
        return self.name


def query_text(body: Any) -> str:
    """Return the text of a query given as a string or as an object with a `query` key."""
    text = body.get("query", "") if isinstance(body, dict) else body
    return unicodedata.normalize("NFC", str(text)).strip()


# Made once: `json.dumps` with options makes an encoder for each value.
_CANONICAL = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def canonical_json(value: Any) -> str:
    return _CANONICAL.encode(value)


def query_identity(body: Any, match_mode: str) -> str:
    """Return the hash by which a query is told from the others of its corpus (see Query in spec: qid, oid)."""
    if match_mode == MatchMode.OID:
        # A bare string and an object holding only that string are the same query.
        value = canonical_json(body if isinstance(body, dict) else {"query": query_text(body)})
    else:
        value = query_text(body)
    return hashlib.sha256(value.encode()).hexdigest()


class Query(models.Model):
    """A query of a corpus. Its body, a string or an object, is the first one seen; runs keep their own."""

    id = models.BigAutoField(primary_key=True)
    corpus = models.ForeignKey(Corpus, models.CASCADE, related_name="queries")
    text = models.TextField()
    body = models.JSONField()
    identity = models.CharField(max_length=64)

    class Meta:
        verbose_name_plural = "queries"
        constraints = [models.UniqueConstraint(fields=["corpus", "identity"], name="query_unique_in_corpus")]

    def __str__(self) -> str:
        return self.text


def content_hash(title: str, fields: Any, image: str) -> str:
    return hashlib.sha256(canonical_json([title, fields or {}, image]).encode()).hexdigest()


class Document(models.Model):
    """Something a search engine returned, known by its external id."""

    id = models.BigAutoField(primary_key=True)
    corpus = models.ForeignKey(Corpus, models.CASCADE, related_name="documents")
    external_id = models.CharField(max_length=MAX_DOCUMENT_KEY)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["corpus", "external_id"], name="document_unique_in_corpus")]

    def __str__(self) -> str:
        return self.external_id


class DocumentVersion(models.Model):
    """The content a document had when it was imported."""

    id = models.BigAutoField(primary_key=True)
    document = models.ForeignKey(Document, models.CASCADE, related_name="versions")
    content_hash = models.CharField(max_length=64)
    title = models.TextField(blank=True)
    fields = models.JSONField(default=dict, blank=True)
    image = models.TextField(blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["document", "content_hash"], name="document_version_unique"),
        ]

    def __str__(self) -> str:
        return self.title or str(self.document_id)


class ImportedRater(models.Model):
    """A person known only by the name under which grades were imported."""

    id = models.BigAutoField(primary_key=True)
    corpus = models.ForeignKey(Corpus, models.CASCADE, related_name="imported_raters")
    name = models.CharField(max_length=MAX_EMAIL)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["corpus", "name"], name="imported_rater_unique_in_corpus")]

    def __str__(self) -> str:
        return self.name
