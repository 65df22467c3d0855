"""Grades of a file on their way in: staged row by row, then written by ledger in one statement."""

import uuid

from django.db import models
from django.utils import timezone

from judging.foundation.limits import MAX_JUDGE_LABEL
from judging.models.corpora import Corpus
from judging.models.evaluations import ScaleName
from judging.models.judgments import AuthorKind


class JudgmentImport(models.Model):
    """One import of judgments under way. Deleted, with its rows, when it has been written or refused."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    corpus = models.ForeignKey(Corpus, models.CASCADE, related_name="+")
    created_at = models.DateTimeField(default=timezone.now, editable=False)


class StagedJudgment(models.Model):
    """A validated line of a judgments file, its query, document and author already resolved to ids."""

    id = models.BigAutoField(primary_key=True)
    judgment_import = models.ForeignKey(JudgmentImport, models.CASCADE, related_name="rows")
    query_id = models.BigIntegerField()
    document_id = models.BigIntegerField()
    scale = models.CharField(max_length=10, choices=ScaleName)
    author_kind = models.CharField(max_length=6, choices=AuthorKind)
    member_id = models.UUIDField(null=True)
    rater_id = models.BigIntegerField(null=True)
    judge_label = models.CharField(max_length=MAX_JUDGE_LABEL, blank=True)
    grade = models.PositiveSmallIntegerField()
    reasoning = models.TextField(blank=True)
    created_at = models.DateTimeField()
