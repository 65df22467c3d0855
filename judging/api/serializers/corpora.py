"""Corpora."""

from judging.api.fields import ModelSerializer
from judging.models import Corpus


class CorpusSerializer(ModelSerializer):
    class Meta:
        model = Corpus
        fields = ["id", "name", "description", "match_mode", "created_by", "created_at"]
        read_only_fields = ["id", "created_by", "created_at"]
