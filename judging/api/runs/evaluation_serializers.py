"""Evaluations."""

from judging.models import Evaluation
from judging.rest.fields import ModelSerializer, UUIDField


class EvaluationSerializer(ModelSerializer):
    corpus_id = UUIDField()

    class Meta:
        model = Evaluation
        fields = ["id", "name", "description", "corpus_id", "created_by", "created_at"]
        read_only_fields = ["id", "created_by", "created_at"]
