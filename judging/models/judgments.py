"""Judgments: the grade that counts now for (query, document, scale, author), and the snapshot of a lock."""

import uuid

from django.db import models
from django.utils import timezone

from judging.foundation.limits import MAX_DOCUMENT_KEY, MAX_EMAIL, MAX_JUDGE_LABEL, MAX_SKIP_REASON
from judging.foundation.scales import SCALES
from judging.models.corpora import Corpus, Document, ImportedRater, Query
from judging.models.evaluations import EvaluationRun, RunQuery, ScaleName
from judging.models.judges import JudgeVersion


class AuthorKind(models.TextChoices):
    MEMBER = "member", "Member"
    RATER = "rater", "Imported rater"
    AI = "ai", "AI"


PEOPLE = (AuthorKind.MEMBER, AuthorKind.RATER)


def _grade_on_scale() -> models.Q:
    on_scale = models.Q()
    for scale in SCALES.values():
        on_scale |= models.Q(scale=scale.name, grade__lte=scale.maximum)
    return on_scale


class Judgment(models.Model):
    """One grade of one author. Written by `ledger` alone."""

    id = models.BigAutoField(primary_key=True)
    corpus = models.ForeignKey(Corpus, models.CASCADE, related_name="judgments")
    query = models.ForeignKey(Query, models.CASCADE, related_name="judgments", db_index=False)
    document = models.ForeignKey(Document, models.CASCADE, related_name="judgments")
    scale = models.CharField(max_length=10, choices=ScaleName)
    author_kind = models.CharField(max_length=6, choices=AuthorKind)
    member = models.ForeignKey("judging.User", models.PROTECT, null=True, blank=True, related_name="judgments")
    rater = models.ForeignKey(ImportedRater, models.CASCADE, null=True, blank=True, related_name="judgments")
    # The AI: the version that graded, null when imported; the label ("Name v3") is kept in both cases.
    judge_version = models.ForeignKey(JudgeVersion, models.PROTECT, null=True, blank=True, related_name="judgments")
    judge_label = models.CharField(max_length=MAX_JUDGE_LABEL, blank=True)
    # When the judging run behind an AI grade was created: the run created last wins, whatever order replies come in.
    judging_run_id = models.UUIDField(null=True, blank=True)
    judging_run_created_at = models.DateTimeField(null=True, blank=True)
    grade = models.PositiveSmallIntegerField()
    reasoning = models.TextField(blank=True)
    # Whether the AI's grade was visible when the person graded; null: not known (imported).
    saw_ai_grade = models.BooleanField(null=True, blank=True)
    # What a person said before any AI's grade was shown to them, kept when they change their grade after that.
    blind_grade = models.PositiveSmallIntegerField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    updated_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["query", "document", "scale", "member"],
                condition=models.Q(author_kind="member"),
                name="judgment_of_member_unique",
            ),
            models.UniqueConstraint(
                fields=["query", "document", "scale", "rater"],
                condition=models.Q(author_kind="rater"),
                name="judgment_of_rater_unique",
            ),
            models.UniqueConstraint(
                fields=["query", "document", "scale"],
                condition=models.Q(author_kind="ai"),
                name="judgment_of_ai_unique",
            ),
            models.CheckConstraint(
                condition=models.Q(author_kind="member", member__isnull=False, rater__isnull=True, judge_label="")
                | models.Q(author_kind="rater", member__isnull=True, rater__isnull=False, judge_label="")
                | (models.Q(author_kind="ai", member__isnull=True, rater__isnull=True) & ~models.Q(judge_label="")),
                name="judgment_has_one_author",
            ),
            models.CheckConstraint(condition=_grade_on_scale(), name="judgment_grade_on_scale"),
        ]
        indexes = [
            models.Index(fields=["query", "document", "scale"], name="judgment_pair"),
            models.Index(
                fields=["query", "document", "scale"],
                condition=models.Q(blind_grade__isnull=False),
                name="judgment_blind",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.grade} on {self.scale}"


class SeenAIGrade(models.Model):
    """That a person saw the AI's grade of a pair before they took theirs back, or went back to what they said before."""

    id = models.BigAutoField(primary_key=True)
    member = models.ForeignKey("judging.User", models.CASCADE, related_name="+", db_index=False)
    query = models.ForeignKey(Query, models.CASCADE, related_name="+")
    document = models.ForeignKey(Document, models.CASCADE, related_name="+")
    scale = models.CharField(max_length=10, choices=ScaleName)
    blind_grade = models.PositiveSmallIntegerField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["member", "query", "document", "scale"], name="seen_ai_grade_unique")
        ]

    def __str__(self) -> str:
        return f"{self.member_id} saw the AI's grade"


class LockedJudgment(models.Model):
    """A judgment as it stood when a run was locked. The grades on the locked run's candidates stand still likewise."""

    id = models.BigAutoField(primary_key=True)
    run = models.ForeignKey(EvaluationRun, models.CASCADE, related_name="locked_judgments", db_index=False)
    # Plain ids: the snapshot outlives what it was taken from.
    query_id = models.BigIntegerField()
    document_id = models.BigIntegerField()
    external_id = models.CharField(max_length=MAX_DOCUMENT_KEY)
    author_kind = models.CharField(max_length=6, choices=AuthorKind)
    author_label = models.CharField(max_length=MAX_EMAIL, blank=True)
    member_id = models.UUIDField(null=True, blank=True)
    judge_version_id = models.UUIDField(null=True, blank=True)
    judge_label = models.CharField(max_length=MAX_JUDGE_LABEL, blank=True)
    grade = models.PositiveSmallIntegerField()
    reasoning = models.TextField(blank=True)
    saw_ai_grade = models.BooleanField(null=True, blank=True)
    blind_grade = models.PositiveSmallIntegerField(null=True, blank=True)
    created_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["run", "query_id", "document_id"], name="locked_judgment_pair")]

    def __str__(self) -> str:
        return f"{self.grade}"


class GradingHold(models.Model):
    """A candidate shown to one person: nobody else gets it until the hold ends.

    One at a time on the Evaluate page; of a check sample a batch, in which the candidate has a `place` from 1.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    candidate = models.OneToOneField("judging.Candidate", models.CASCADE, related_name="hold")
    user = models.ForeignKey("judging.User", models.CASCADE, related_name="+")
    until = models.DateTimeField()
    sample = models.ForeignKey("judging.CheckSample", models.CASCADE, null=True, blank=True, related_name="leases")
    place = models.PositiveSmallIntegerField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(sample__isnull=True, place__isnull=True)
                | models.Q(sample__isnull=False, place__isnull=False),
                name="grading_hold_place_in_sample",
            )
        ]


class Assignment(models.Model):
    """That a person is to grade a query of a run. It limits what the Evaluate page offers, not who may grade."""

    id = models.BigAutoField(primary_key=True)
    # A copy of run_query.run: whether a person has any in a run is asked with every candidate handed out.
    run = models.ForeignKey(EvaluationRun, models.CASCADE, related_name="+", db_index=False)
    run_query = models.ForeignKey(RunQuery, models.CASCADE, related_name="assignments", db_index=False)
    user = models.ForeignKey("judging.User", models.CASCADE, related_name="+")
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["run_query", "user"], name="assignment_unique")]
        indexes = [models.Index(fields=["run", "user"], name="assignment_of_run")]

    def __str__(self) -> str:
        return f"{self.run_query_id} to {self.user_id}"


class Abstention(models.Model):
    """A person's "I can't tell" about a candidate, with the reason: no judgment, and not asked again."""

    id = models.BigAutoField(primary_key=True)
    candidate = models.ForeignKey("judging.Candidate", models.CASCADE, related_name="abstentions")
    user = models.ForeignKey("judging.User", models.CASCADE, related_name="+")
    reason = models.CharField(max_length=MAX_SKIP_REASON, blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["candidate", "user"], name="abstention_unique")]
