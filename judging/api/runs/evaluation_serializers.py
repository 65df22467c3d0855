"""Evaluations."""

from judging.foundation.limits import MAX_METRIC_NAME
from judging.metrics import MAX_METRICS
from judging.models import Evaluation
from judging.rest.fields import BooleanField, CharField, ListField, ModelSerializer, UUIDField

_INPUT = "Endpoint, query set and query template come together or not at all."


class EvaluationSerializer(ModelSerializer):
    corpus_id = UUIDField(required=False, help_text="Needed without an endpoint; with one it is the endpoint's.")
    endpoint_id = UUIDField(required=False, allow_null=True, help_text=_INPUT)
    query_set_id = UUIDField(required=False, allow_null=True, help_text=_INPUT)
    query_template_id = UUIDField(required=False, allow_null=True, help_text=_INPUT)
    archived = BooleanField(
        source="is_archived", required=False, help_text="Out of the lists with its runs; nothing new starts in it."
    )
    default_metrics = ListField(child=CharField(max_length=MAX_METRIC_NAME), required=False, max_length=MAX_METRICS)

    class Meta:
        model = Evaluation
        fields = [
            "id",
            "name",
            "description",
            "corpus_id",
            "endpoint_id",
            "query_set_id",
            "query_template_id",
            "default_depth",
            "default_scale",
            "default_metrics",
            "archived",
            "created_by",
            "created_at",
        ]
        read_only_fields = ["id", "created_by", "created_at"]
