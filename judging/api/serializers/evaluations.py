"""Evaluations."""

from judging.api.fields import ModelSerializer, UUIDField
from judging.models import Evaluation


class EvaluationSerializer(ModelSerializer):
    corpus_id = UUIDField()

    class Meta:
        model = Evaluation
        fields = ["id", "name", "description", "corpus_id", "created_by", "created_at"]
        read_only_fields = ["id", "created_by", "created_at"]
