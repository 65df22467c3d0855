"""Calls to providers, kept with what can't be recovered later."""

from django.db import models
from django.utils import timezone

from judging.foundation.limits import MAX_FINISH_REASON, MAX_MODEL, MAX_NAME
from judging.models.judge_work.golden import GoldenCheck
from judging.models.judge_work.probes import ProbeRun
from judging.models.judging_runs import JudgingRun


class Call(models.Model):
    """One request to a provider: what came back, or why nothing did. Latency in ms, tokens as the provider
    counts where it does."""

    id = models.BigAutoField(primary_key=True)
    judging_run = models.ForeignKey(JudgingRun, models.CASCADE, null=True, blank=True, related_name="calls")
    # A call belongs to an AI judging run, to probes, to a golden check or to one result of a batch.
    probe_run = models.ForeignKey(ProbeRun, models.CASCADE, null=True, blank=True, related_name="calls")
    golden_check = models.ForeignKey(GoldenCheck, models.CASCADE, null=True, blank=True, related_name="calls")
    evaluator_result = models.ForeignKey(
        "judging.EvaluatorResult", models.CASCADE, null=True, blank=True, related_name="calls"
    )
    model = models.CharField(max_length=MAX_MODEL, blank=True)
    request_id = models.CharField(max_length=MAX_NAME, blank=True)
    prompt_hash = models.CharField(max_length=64)
    candidate_count = models.PositiveSmallIntegerField(default=1)
    is_reask = models.BooleanField(default=False)
    input_tokens = models.PositiveIntegerField(default=0)
    output_tokens = models.PositiveIntegerField(default=0)
    # Counted from characters, at least one of the two, as the provider did not count.
    usage_estimated = models.BooleanField(default=False)
    latency_ms = models.PositiveIntegerField(default=0)
    finish_reason = models.CharField(max_length=MAX_FINISH_REASON, blank=True)
    http_status = models.PositiveSmallIntegerField(null=True, blank=True)
    error_code = models.CharField(max_length=40, blank=True)
    error = models.TextField(blank=True)
    notes = models.TextField(blank=True)
    raw_reply = models.TextField(blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
