"""Evaluations and their runs: ranked candidates for queries, and what is derived from the judgments on them."""

import uuid
from collections.abc import Iterable
from typing import Self

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils import timezone

from judging.foundation.limits import DEFAULT_DEPTH, MAX_DEPTH, MAX_JUDGMENTS_WANTED, MAX_LABEL, MAX_MODEL, MAX_NAME
from judging.foundation.scales import MAX_GRADE, SCALES, Scale
from judging.models.corpora import Corpus, Document, DocumentVersion, Query


class ScaleName(models.TextChoices):
    BINARY = "binary", SCALES["binary"].title
    GRADED = "graded", SCALES["graded"].title
    DETAILED = "detailed", SCALES["detailed"].title
    TREC = "trec", SCALES["trec"].title


class Evaluation(models.Model):
    """A named question about search quality over one corpus; the description doubles as the guidelines."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    corpus = models.ForeignKey(Corpus, models.PROTECT, related_name="evaluations")
    name = models.CharField(max_length=MAX_NAME)
    description = models.TextField(blank=True)
    # What its runs are executed with: all three, or none and runs are imported.
    endpoint = models.ForeignKey(
        "judging.SearchEndpoint", models.PROTECT, null=True, blank=True, related_name="evaluations"
    )
    query_set = models.ForeignKey(
        "judging.SearchQuerySet", models.PROTECT, null=True, blank=True, related_name="evaluations"
    )
    query_template = models.ForeignKey(
        "judging.QueryTemplate", models.PROTECT, null=True, blank=True, related_name="evaluations"
    )
    # Where an executed run names none.
    default_depth = models.PositiveIntegerField(
        default=DEFAULT_DEPTH, validators=[MinValueValidator(1), MaxValueValidator(MAX_DEPTH)]
    )
    default_scale = models.CharField(max_length=10, choices=ScaleName, blank=True)
    default_metrics = models.JSONField(default=list, blank=True)
    archived_at = models.DateTimeField(null=True, blank=True, editable=False)
    created_by = models.ForeignKey("judging.User", models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ["-created_at", "id"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(endpoint=None, query_set=None, query_template=None)
                | models.Q(endpoint__isnull=False, query_set__isnull=False, query_template__isnull=False),
                name="evaluation_search_inputs_together",
            )
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def is_archived(self) -> bool:
        return self.archived_at is not None


class EvaluationRunStatus(models.TextChoices):
    PENDING = "pending", "Pending"
    QUEUED = "queued", "Queued"
    RUNNING = "running", "Running"
    COMPLETED = "completed", "Completed"
    FAILED = "failed", "Failed"
    CANCELLED = "cancelled", "Cancelled"


class EvaluationRun(models.Model):
    """One execution of an evaluation's queries: run queries with ranked candidates, a scale, metrics, a lock."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    evaluation = models.ForeignKey(Evaluation, models.CASCADE, related_name="runs")
    name = models.CharField(max_length=MAX_NAME)
    # What is different about it: for people alone.
    description = models.TextField(blank=True)
    scale = models.CharField(max_length=10, choices=ScaleName)
    # Metric names as given, in order; values are reported under these names.
    metrics = models.JSONField(default=list)
    relevant_from = models.PositiveSmallIntegerField(default=1, validators=[MinValueValidator(1)])
    judgments_wanted = models.PositiveSmallIntegerField(
        default=1, validators=[MinValueValidator(1), MaxValueValidator(MAX_JUDGMENTS_WANTED)]
    )
    # Whether members, too, see rank and grades of a candidate only once they have graded it: `records/blindness.py`.
    blind = models.BooleanField(default=False)
    # The model that the search engine ranks with, where it is one: a judge of the same family favours it.
    engine_model = models.CharField(max_length=MAX_MODEL, blank=True)
    status = models.CharField(max_length=10, choices=EvaluationRunStatus, default=EvaluationRunStatus.PENDING)
    error = models.TextField(blank=True)
    error_code = models.CharField(max_length=40, blank=True)
    # Of an executed run: how many candidates each query was asked for. None: imported.
    depth = models.PositiveIntegerField(
        null=True, blank=True, validators=[MinValueValidator(1), MaxValueValidator(MAX_DEPTH)]
    )
    cloned_from = models.ForeignKey("self", models.SET_NULL, null=True, blank=True, related_name="+")
    # When its lists were written last: while it is `running` (an import that was killed writes no more), or mapped again.
    written_at = models.DateTimeField(null=True, blank=True, editable=False)
    is_locked = models.BooleanField(default=False)
    locked_at = models.DateTimeField(null=True, blank=True)
    locked_by = models.ForeignKey("judging.User", models.SET_NULL, null=True, blank=True, related_name="+")
    query_count = models.PositiveIntegerField(default=0)
    candidate_count = models.PositiveIntegerField(default=0)
    # Written by ledger: candidates with an effective grade; the metrics and when they were computed.
    judged_count = models.PositiveIntegerField(default=0)
    metric_values = models.JSONField(default=dict)
    coverage_values = models.JSONField(default=dict)
    scored_query_count = models.PositiveIntegerField(default=0)
    metrics_at = models.DateTimeField(null=True, blank=True)
    # When a judgment on its candidates was written or taken back last, whether or not it changed what counts.
    judgments_at = models.DateTimeField(null=True, blank=True, editable=False)
    archived_at = models.DateTimeField(null=True, blank=True, editable=False)
    created_by = models.ForeignKey("judging.User", models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    completed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-created_at", "id"]
        constraints = [
            models.CheckConstraint(condition=models.Q(scale__in=ScaleName.values), name="run_scale_known"),
            models.CheckConstraint(condition=models.Q(status__in=EvaluationRunStatus.values), name="run_status_known"),
            models.CheckConstraint(
                condition=models.Q(relevant_from__gte=1, relevant_from__lte=MAX_GRADE),
                name="run_relevant_from_on_scale",
            ),
            models.CheckConstraint(
                condition=models.Q(is_locked=False) | models.Q(status="completed", locked_at__isnull=False),
                name="run_locked_only_when_completed",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def is_archived(self) -> bool:
        return self.archived_at is not None

    @property
    def takes_grades(self) -> bool:
        """Whether people can grade it. A stopped run keeps what came back, failed ones are read only."""
        return self.status in (EvaluationRunStatus.COMPLETED, EvaluationRunStatus.CANCELLED) and not self.is_locked

    @property
    def grading_scale(self) -> Scale:
        return SCALES[self.scale]


class BlindnessLift(models.Model):
    """That a member asked to see the grades of a blind run. It stays: what was seen can't be unseen."""

    id = models.BigAutoField(primary_key=True)
    run = models.ForeignKey(EvaluationRun, models.CASCADE, related_name="+")
    user = models.ForeignKey("judging.User", models.CASCADE, related_name="+")
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["run", "user"], name="blindness_lift_unique")]

    def __str__(self) -> str:
        return f"{self.user_id} sees the grades of {self.run_id}"


class RunQuery(models.Model):
    """A query as it stands in one run. Metrics are null until a judgment on the run's scale exists."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    run = models.ForeignKey(EvaluationRun, models.CASCADE, related_name="run_queries")
    query = models.ForeignKey(Query, models.CASCADE, related_name="+")
    position = models.PositiveIntegerField()
    label = models.CharField(max_length=MAX_LABEL, blank=True)
    body = models.JSONField()
    text = models.TextField()
    # What kind of query it is: short words, as `read_tags` returns them.
    tags = models.JSONField(default=list, blank=True)
    candidate_count = models.PositiveIntegerField(default=0)
    judged_count = models.PositiveIntegerField(default=0)
    metric_values = models.JSONField(default=dict)
    coverage_values = models.JSONField(default=dict)
    is_scored = models.BooleanField(default=False)
    # Set in the transaction that changes a judgment, cleared when the metrics were computed from it.
    has_stale_metrics = models.BooleanField(default=True)

    class Meta:
        ordering = ["position"]
        verbose_name_plural = "run queries"
        constraints = [
            models.UniqueConstraint(fields=["run", "position"], name="run_query_position_unique"),
            models.UniqueConstraint(fields=["run", "query"], name="run_query_unique"),
            models.UniqueConstraint(
                fields=["run", "label"], condition=~models.Q(label=""), name="run_query_label_unique"
            ),
        ]
        indexes = [
            models.Index(fields=["run"], condition=models.Q(has_stale_metrics=True), name="run_query_stale"),
        ]

    def __str__(self) -> str:
        return self.text


class CandidateQuerySet(models.QuerySet["Candidate"]):
    def by_pk(self, run: EvaluationRun, pks: Iterable[int]) -> Self:
        """Return these candidates of a run, in no order: for one in theirs, SQLite would read the whole run's index."""
        return self.filter(run=run, pk__in=list(pks)).order_by()


class Candidate(models.Model):
    """A document version at a rank (from 1) for a run query, with the grades that count now as cached columns.

    `ledger` alone writes the cached columns. A locked run's stay as they were when it was locked: they are part of
    its snapshot.

    An executed run's answers can be read again with another mapping. A document that falls out of the list then, but
    was judged in the run, keeps its row for what points to it, with the rank that it had: `run` is None, so that no
    list, count or metric of the run holds it. Whoever asks by `run_query` alone asks for `run__isnull=False`, too.
    """

    id = models.BigAutoField(primary_key=True)
    run = models.ForeignKey(EvaluationRun, models.CASCADE, null=True, blank=True, related_name="candidates")
    run_query = models.ForeignKey(RunQuery, models.CASCADE, related_name="candidates")
    # Copies of run_query.query, run_query.position and document_version.document: grades are looked up by
    # (query, document), the grid sorts by position, each through one index.
    query = models.ForeignKey(Query, models.CASCADE, related_name="+", db_index=False)
    document = models.ForeignKey(Document, models.CASCADE, related_name="+", db_index=False)
    document_version = models.ForeignKey(DocumentVersion, models.PROTECT, related_name="+")
    position = models.PositiveIntegerField()
    rank = models.PositiveIntegerField()
    score = models.FloatField(null=True, blank=True)

    effective_grade = models.PositiveSmallIntegerField(null=True, blank=True)
    people_mean = models.FloatField(null=True, blank=True)
    people_count = models.PositiveIntegerField(default=0)
    ai_grade = models.PositiveSmallIntegerField(null=True, blank=True)
    ai_judgment = models.ForeignKey(
        "judging.Judgment", models.SET_NULL, null=True, blank=True, related_name="+", db_index=True
    )
    # The newest AI judging run's word on this candidate: "", "judged" or "failed".
    last_item = models.ForeignKey("judging.JudgingItem", models.SET_NULL, null=True, blank=True, related_name="+")
    last_item_status = models.CharField(max_length=8, blank=True)
    failure_code = models.CharField(max_length=20, blank=True)

    objects = CandidateQuerySet.as_manager()

    class Meta:
        ordering = ["position", "rank"]
        constraints = [
            models.UniqueConstraint(
                fields=["run_query", "rank"], condition=models.Q(run__isnull=False), name="candidate_rank_unique"
            ),
            models.UniqueConstraint(fields=["run_query", "document"], name="candidate_document_unique"),
            models.CheckConstraint(condition=models.Q(rank__gte=1), name="candidate_rank_from_1"),
        ]
        indexes = [
            models.Index(fields=["query", "document"], name="candidate_pair"),
            models.Index(fields=["run", "position", "rank"], name="candidate_order"),
            models.Index(fields=["run", "effective_grade", "position", "rank"], name="candidate_by_grade"),
            models.Index(fields=["run", "ai_grade", "position", "rank"], name="candidate_by_ai_grade"),
            models.Index(fields=["run", "rank", "position"], name="candidate_by_rank"),
            models.Index(
                fields=["run", "position", "rank"],
                condition=models.Q(last_item_status="failed"),
                name="candidate_failed",
            ),
        ]

    def __str__(self) -> str:
        return f"#{self.rank}"

    @property
    def of_run(self) -> EvaluationRun:
        """The run that it was found for, whether or not it is still listed there."""
        return self.run or self.run_query.run

    @property
    def listed_rank(self) -> int | None:
        """Where it stands in the list; None: it fell out of it."""
        return None if self.run_id is None else self.rank
