"""Corpora."""

from judging.models import Corpus
from judging.rest.fields import ModelSerializer


class CorpusSerializer(ModelSerializer):
    class Meta:
        model = Corpus
        fields = ["id", "name", "description", "match_mode", "created_by", "created_at"]
        read_only_fields = ["id", "created_by", "created_at"]
