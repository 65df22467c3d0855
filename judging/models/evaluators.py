"""Evaluators and response judges (stacks of evaluators), both with immutable versions."""

from django.core.validators import MaxValueValidator, MinLengthValidator, MinValueValidator
from django.db import models

from judging.foundation.limits import (
    DEFAULT_CONCURRENCY,
    MAX_CONCURRENCY,
    MAX_MODEL,
    MAX_NAME,
    MAX_RESPONSE_JUDGE_NAME,
    MAX_TIMEOUT,
    MIN_EVALUATOR_NAME,
    MIN_TIMEOUT,
)
from judging.models.judges import AIProvider, CallSettingsFields
from judging.models.versioned import Pinned, Version, Versioned


class InputName(models.TextChoices):
    """What an evaluator can require of an input."""

    REQUEST = "request", "Request"
    RESPONSE = "response", "Response"
    CONTEXTS = "contexts", "Contexts"
    EXPECTED_OUTPUT = "expected_output", "Expected output"
    TURNS = "turns", "Turns of a conversation"


class EvaluatorSettings(CallSettingsFields, Pinned):
    """What makes an evaluator score as it does: the fields that a version pins.

    Without provider and model it uses the installation's default when a batch starts.
    """

    name = models.CharField(max_length=MAX_NAME, validators=[MinLengthValidator(MIN_EVALUATOR_NAME)])
    intent = models.TextField(blank=True)
    prompt_template = models.TextField()
    requires = models.JSONField(default=list, blank=True)
    ai_provider = models.ForeignKey(AIProvider, models.PROTECT, null=True, blank=True, related_name="+")
    model = models.CharField(max_length=MAX_MODEL, blank=True)

    class Meta(CallSettingsFields.Meta):
        abstract = True


class Evaluator(EvaluatorSettings, Versioned):
    """A named question about a response, answered by a model with a score; every change makes a version."""

    # Names the preset that the evaluator was made from; blank for people's own.
    preset = models.CharField(max_length=50, blank=True, editable=False)

    class Meta(Versioned.Meta):
        constraints = [
            models.UniqueConstraint(fields=["preset"], condition=~models.Q(preset=""), name="evaluator_preset_unique"),
            models.CheckConstraint(
                condition=models.Q(timeout__gte=MIN_TIMEOUT, timeout__lte=MAX_TIMEOUT), name="evaluator_timeout_bounds"
            ),
            models.CheckConstraint(
                condition=models.Q(ai_provider__isnull=True, model="")
                | (models.Q(ai_provider__isnull=False) & ~models.Q(model="")),
                name="evaluator_provider_with_model",
            ),
        ]


class EvaluatorVersion(EvaluatorSettings, Version):
    """An evaluator as it was at one moment. Never updated, never deleted."""

    evaluator = models.ForeignKey(Evaluator, models.CASCADE, related_name="versions")

    class Meta(Version.Meta):
        constraints = [models.UniqueConstraint(fields=["evaluator", "number"], name="evaluator_version_number_unique")]


class ResponseJudgeSettings(Pinned):
    """The fields of a response judge that a version pins, beside its evaluators."""

    name = models.CharField(max_length=MAX_RESPONSE_JUDGE_NAME)
    intent = models.TextField(blank=True)
    max_concurrency = models.PositiveSmallIntegerField(
        default=DEFAULT_CONCURRENCY, validators=[MinValueValidator(1), MaxValueValidator(MAX_CONCURRENCY)]
    )

    class Meta:
        abstract = True


class ResponseJudge(ResponseJudgeSettings, Versioned):
    """A named stack of evaluators; every change makes a version."""

    preset = models.CharField(max_length=50, blank=True, editable=False)

    class Meta(Versioned.Meta):
        constraints = [
            models.UniqueConstraint(
                fields=["preset"], condition=~models.Q(preset=""), name="response_judge_preset_unique"
            ),
            models.CheckConstraint(
                condition=models.Q(max_concurrency__gte=1, max_concurrency__lte=MAX_CONCURRENCY),
                name="response_judge_concurrency_bounds",
            ),
        ]


class ResponseJudgeVersion(ResponseJudgeSettings, Version):
    """A response judge as it was at one moment. Never updated, never deleted."""

    judge = models.ForeignKey(ResponseJudge, models.CASCADE, related_name="versions")

    class Meta(Version.Meta):
        constraints = [models.UniqueConstraint(fields=["judge", "number"], name="response_judge_version_number_unique")]


class EvaluatorReference(models.Model):
    """An evaluator in a stack: pinned to a version, or (None) following the evaluator's latest."""

    id = models.BigAutoField(primary_key=True)
    judge_version = models.ForeignKey(ResponseJudgeVersion, models.CASCADE, related_name="references")
    position = models.PositiveSmallIntegerField()
    evaluator = models.ForeignKey(Evaluator, models.PROTECT, related_name="references")
    pinned_version = models.ForeignKey(EvaluatorVersion, models.PROTECT, null=True, blank=True, related_name="+")

    class Meta:
        ordering = ["position"]
        constraints = [
            models.UniqueConstraint(fields=["judge_version", "position"], name="evaluator_reference_position_unique"),
            models.UniqueConstraint(fields=["judge_version", "evaluator"], name="evaluator_reference_unique"),
        ]

    def __str__(self) -> str:
        return f"{self.judge_version_id} {self.position}"


class Installation(models.Model):
    """What holds for the whole installation: the provider and model of evaluators that name none. One row."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1, editable=False)
    default_ai_provider = models.ForeignKey(AIProvider, models.SET_NULL, null=True, blank=True, related_name="+")
    default_model = models.CharField(max_length=MAX_MODEL, blank=True)

    class Meta:
        constraints = [models.CheckConstraint(condition=models.Q(id=1), name="installation_is_one")]

    def __str__(self) -> str:
        return "installation"
