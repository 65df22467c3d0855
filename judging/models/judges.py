"""AI providers (encrypted credentials) and AI judges with immutable versions."""

import math
import uuid

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils import timezone

from judging.foundation.limits import (
    DEFAULT_CONCURRENCY,
    DEFAULT_DOCUMENT_CHARS,
    MAX_API_VERSION,
    MAX_BATCH_SIZE,
    MAX_CONCURRENCY,
    MAX_DEPLOYMENT,
    MAX_DOCUMENT_CHARS,
    MAX_MODEL,
    MAX_NAME,
    MAX_OUTPUT_TOKENS,
    MAX_PRICE,
    MAX_PROVIDER_CONCURRENCY,
    MAX_REASKS,
    MAX_REGION,
    MAX_REQUESTS_PER_MINUTE,
    MAX_RETRIES,
    MAX_TEMPERATURE,
    MAX_TEXT,
    MAX_TIMEOUT,
    MAX_URL,
    MIN_DOCUMENT_CHARS,
    MIN_TEMPERATURE,
    MIN_TIMEOUT,
)
from judging.models.credentials import WithApiKey
from judging.models.versioned import Pinned, Version, Versioned


class ProviderType(models.TextChoices):
    OPENAI = "openai", "OpenAI"
    AZURE_OPENAI = "azure_openai", "Azure OpenAI"
    BEDROCK = "bedrock", "Amazon Bedrock"
    ANTHROPIC = "anthropic", "Anthropic"
    OLLAMA = "ollama", "Ollama"
    CUSTOM = "custom", "OpenAI-compatible endpoint"
    LOCAL = "local", "Local similarity model"


class AIProvider(WithApiKey):
    """A saved connection to an LLM service. Shared ones have no owner; personal ones are their owner's and admins'."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    type = models.CharField(max_length=20, choices=ProviderType)
    name = models.CharField(max_length=MAX_NAME)
    base_url = models.CharField(max_length=MAX_URL, blank=True)
    region = models.CharField(max_length=MAX_REGION, blank=True)
    api_version = models.CharField(max_length=MAX_API_VERSION, blank=True)
    deployment = models.CharField(max_length=MAX_DEPLOYMENT, blank=True)
    # Hold across all runs, batches and hosts; none: no limit.
    max_concurrency = models.PositiveSmallIntegerField(
        null=True, blank=True, validators=[MinValueValidator(1), MaxValueValidator(MAX_PROVIDER_CONCURRENCY)]
    )
    requests_per_minute = models.PositiveIntegerField(
        null=True, blank=True, validators=[MinValueValidator(1), MaxValueValidator(MAX_REQUESTS_PER_MINUTE)]
    )
    # Under a limit of requests per minute: no call that is not granted yet starts before.
    next_call_at = models.DateTimeField(null=True, blank=True, editable=False)
    # What it answered last when it was asked which models it has, to be offered.
    listed_models = models.JSONField(default=list, blank=True, editable=False)
    shared = models.BooleanField(default=False)
    owner = models.ForeignKey("judging.User", models.CASCADE, null=True, blank=True, related_name="ai_providers")
    created_by = models.ForeignKey("judging.User", models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    updated_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ["name", "id"]
        verbose_name = "AI provider"
        constraints = [
            models.CheckConstraint(condition=models.Q(type__in=ProviderType.values), name="provider_type_known"),
            models.CheckConstraint(
                condition=models.Q(shared=True, owner__isnull=True) | models.Q(shared=False, owner__isnull=False),
                name="provider_shared_or_owned",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class CallSettingsFields(models.Model):
    """How a model is called, and what it costs: the same for AI judges and for evaluators."""

    temperature = models.FloatField(
        default=0.0,
        null=True,
        blank=True,
        validators=[MinValueValidator(MIN_TEMPERATURE), MaxValueValidator(MAX_TEMPERATURE)],
    )
    max_output_tokens = models.PositiveIntegerField(
        null=True, blank=True, validators=[MinValueValidator(1), MaxValueValidator(MAX_OUTPUT_TOKENS)]
    )
    timeout = models.PositiveSmallIntegerField(
        default=60,
        validators=[MinValueValidator(MIN_TIMEOUT), MaxValueValidator(MAX_TIMEOUT)],
        help_text="Seconds per attempt.",
    )
    max_retries = models.PositiveSmallIntegerField(default=5, validators=[MaxValueValidator(MAX_RETRIES)])
    max_reasks = models.PositiveSmallIntegerField(default=1, validators=[MaxValueValidator(MAX_REASKS)])
    input_price = models.FloatField(
        null=True,
        blank=True,
        validators=[MinValueValidator(0), MaxValueValidator(MAX_PRICE)],
        help_text="Per million tokens.",
    )
    output_price = models.FloatField(
        null=True,
        blank=True,
        validators=[MinValueValidator(0), MaxValueValidator(MAX_PRICE)],
        help_text="Per million tokens.",
    )

    class Meta:
        abstract = True

    def cost_of(self, input_tokens: int, output_tokens: int) -> float | None:
        """Return the price of tokens, None where none is known."""
        if self.input_price is None and self.output_price is None:
            return None
        cost = (input_tokens * (self.input_price or 0.0) + output_tokens * (self.output_price or 0.0)) / 1_000_000
        # Versions made before prices had a bound: neither JSON nor a page can show an infinite price.
        return cost if math.isfinite(cost) else None


CALL_SETTING_NAMES = tuple(field.name for field in CallSettingsFields._meta.local_fields)


class JudgeSettings(CallSettingsFields, Pinned):
    """What makes an AI judge grade as it does: the fields that a version pins."""

    name = models.CharField(max_length=MAX_NAME)
    ai_provider = models.ForeignKey(AIProvider, models.PROTECT, related_name="+")
    model = models.CharField(max_length=MAX_MODEL)
    prompt_template = models.TextField()
    system_prompt = models.TextField(blank=True, max_length=MAX_TEXT)
    batch_size = models.PositiveSmallIntegerField(
        default=1, validators=[MinValueValidator(1), MaxValueValidator(MAX_BATCH_SIZE)]
    )
    max_concurrency = models.PositiveSmallIntegerField(
        default=DEFAULT_CONCURRENCY, validators=[MinValueValidator(1), MaxValueValidator(MAX_CONCURRENCY)]
    )
    include_images = models.BooleanField(default=False)
    max_document_chars = models.PositiveIntegerField(
        default=DEFAULT_DOCUMENT_CHARS,
        validators=[MinValueValidator(MIN_DOCUMENT_CHARS), MaxValueValidator(MAX_DOCUMENT_CHARS)],
    )

    class Meta(CallSettingsFields.Meta):
        abstract = True


class AIJudge(JudgeSettings, Versioned):
    """A provider, a model, a prompt template and settings; every change of these makes a version."""

    description = models.TextField(blank=True)
    shared = models.BooleanField(default=False)
    owner = models.ForeignKey("judging.User", models.CASCADE, null=True, blank=True, related_name="ai_judges")

    class Meta(Versioned.Meta):
        verbose_name = "AI judge"
        constraints = [
            models.CheckConstraint(
                condition=models.Q(shared=True, owner__isnull=True) | models.Q(shared=False, owner__isnull=False),
                name="judge_shared_or_owned",
            ),
            models.CheckConstraint(
                condition=models.Q(batch_size__gte=1, batch_size__lte=MAX_BATCH_SIZE), name="judge_batch_size_bounds"
            ),
            models.CheckConstraint(
                condition=models.Q(max_concurrency__gte=1, max_concurrency__lte=MAX_CONCURRENCY),
                name="judge_concurrency_bounds",
            ),
            models.CheckConstraint(
                condition=models.Q(timeout__gte=MIN_TIMEOUT, timeout__lte=MAX_TIMEOUT), name="judge_timeout_bounds"
            ),
        ]


class JudgeVersion(JudgeSettings, Version):
    """An AI judge as it was at one moment. Never updated, never deleted while a run or judgment names it."""

    judge = models.ForeignKey(AIJudge, models.CASCADE, related_name="versions")

    class Meta(Version.Meta):
        constraints = [models.UniqueConstraint(fields=["judge", "number"], name="judge_version_number_unique")]
