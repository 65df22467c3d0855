"""Probes: small traps for one judge version, asked apart from all grades. They never become judgments."""

import uuid

from django.db import models

from judging.models.evaluations import Candidate, EvaluationRun, RunQuery
from judging.models.judge_work.jobs import JudgeItem, JudgeJob, item_constraints, item_indexes, job_constraints
from judging.models.judges import JudgeVersion


class Probe(models.TextChoices):
    REPEAT = "repeat", "Asked again"
    SHUFFLE = "shuffle", "In another order"
    PARAPHRASE = "paraphrase", "Asked in other words"
    SWAPPED = "swapped", "Documents of other queries"
    STUFFED_TITLE = "stuffed_title", "Query words in the title"
    STUFFED_TEXT = "stuffed_text", "Query words in the text"
    NONSENSE = "nonsense", "Nonsense with query words"
    INSTRUCTION = "instruction", "A document that asks for a grade"
    PADDED = "padded", "Longer, but no more said"
    EMPTY = "empty", "Empty documents"


# Grades that `repeat`, `shuffle` and `paraphrase` are compared with: a part of these, and no probe of its own.
FIRST = "first"


class ProbeRun(JudgeJob):
    """Some probes of one judge version, with queries and documents of one evaluation run. Its states are a judging run's."""

    kind = "probe_run"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    judge_version = models.ForeignKey(JudgeVersion, models.PROTECT, related_name="probe_runs")
    evaluation_run = models.ForeignKey(EvaluationRun, models.CASCADE, related_name="probe_runs")
    # The chosen probes with those that they are compared with, and why some of them could not be planned, by name.
    probes = models.JSONField(default=list)
    not_run = models.JSONField(default=dict)
    # What each probe came to, once the run has ended.
    results = models.JSONField(null=True, editable=False)

    class Meta:
        ordering = ["-created_at", "-id"]
        constraints = [
            *job_constraints("probe_run"),
            models.UniqueConstraint(
                fields=["judge_version"],
                condition=models.Q(status__in=["queued", "running"]),
                name="probe_run_one_at_a_time",
            ),
            models.UniqueConstraint(
                fields=["created_by", "idempotency_key"],
                condition=~models.Q(idempotency_key=""),
                name="probe_run_idempotency_key_unique",
            ),
        ]
        indexes = [models.Index(fields=["judge_version", "-created_at"], name="probe_run_by_version")]

    def __str__(self) -> str:
        return f"probes of {self.judge_version_id}"


class ProbeItem(JudgeItem):
    """One question of a probe and what was said: a grade and reasoning, or a failure.

    What was asked follows from the probe, the query, and the document of the candidate, which may be another query's.
    """

    probe_run = models.ForeignKey(ProbeRun, models.CASCADE, related_name="items", db_index=False)
    probe = models.CharField(max_length=20)
    run_query = models.ForeignKey(RunQuery, models.CASCADE, related_name="+", db_index=False)
    candidate = models.ForeignKey(Candidate, models.CASCADE, related_name="+")
    # Items of one prompt are of one probe; their order in it.
    place = models.PositiveSmallIntegerField(default=0)
    call = models.ForeignKey("judging.Call", models.SET_NULL, null=True, blank=True, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["probe_run", "probe", "run_query", "candidate"], name="probe_item_unique"),
            models.CheckConstraint(condition=models.Q(probe__in=[FIRST, *Probe.values]), name="probe_item_probe_known"),
            *item_constraints("probe_item"),
        ]
        indexes = item_indexes("probe_run", "probe_item")
