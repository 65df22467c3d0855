"""Execution logs."""

from typing import Any

from rest_framework import serializers

from judging.batch_api.executions.serializers import ItemInputSerializer
from judging.batch_api.judges.serializers import OwnerSerializer


class LogSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    created_at = serializers.DateTimeField()
    execution_type = serializers.CharField()
    executed_item_id = serializers.UUIDField(allow_null=True)
    executed_item_name = serializers.CharField()
    executed_item_version_id = serializers.UUIDField(allow_null=True)
    score = serializers.FloatField(allow_null=True)
    cost = serializers.FloatField(allow_null=True)
    input_tokens = serializers.IntegerField()
    output_tokens = serializers.IntegerField()
    usage_estimated = serializers.BooleanField()
    latency_ms = serializers.IntegerField()
    tags = serializers.ListField(child=serializers.CharField())
    user_id = serializers.CharField(allow_blank=True)
    session_id = serializers.CharField(allow_blank=True)
    project_id = serializers.CharField(allow_null=True)
    request_preview = serializers.CharField(allow_blank=True)
    response_preview = serializers.CharField(allow_blank=True)
    owner = OwnerSerializer()
    parent_execution_log_id = serializers.UUIDField(allow_null=True)
    evaluation_context = serializers.DictField(allow_null=True)
    llm_output = serializers.CharField(allow_null=True)
    variables = serializers.DictField(allow_null=True)


class LogDetailSerializer(LogSerializer):
    batch_execution_id = serializers.UUIDField()
    item_index = serializers.IntegerField()
    input = ItemInputSerializer()
    turns = serializers.ListField(child=serializers.DictField(), allow_null=True)
    justification = serializers.CharField(allow_blank=True)
    model = serializers.CharField(allow_blank=True)
    model_call_duration = serializers.FloatField(help_text="Seconds of all calls together.")
    scoring_criteria = serializers.CharField(allow_blank=True)
    prompt_template = serializers.CharField(allow_blank=True)
    rendered_prompt = serializers.CharField(allow_blank=True)
    system_prompt = serializers.CharField(allow_blank=True)
    evaluator_results = serializers.ListField(child=serializers.DictField())
    evaluator_latencies = serializers.ListField(child=serializers.DictField(), allow_null=True)
    classification = serializers.DictField(allow_null=True)
    confidence = serializers.FloatField(allow_null=True)
