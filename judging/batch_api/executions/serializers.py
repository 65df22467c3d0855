"""Answers about batches."""

from typing import Any

from rest_framework import serializers

from judging.models import BatchItemStatus, BatchStatus
from judging.responses.results.comparison import CLOSE


class CreatedSerializer(serializers.Serializer[Any]):
    batch_execution_id = serializers.UUIDField()
    status_url = serializers.CharField()


class NestedVersionSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    name = serializers.CharField()
    version_id = serializers.UUIDField()


class BatchSerializer(serializers.Serializer[Any]):
    batch_execution_id = serializers.UUIDField()
    status = serializers.ChoiceField(choices=BatchStatus.choices)
    total_count = serializers.IntegerField()
    completed_count = serializers.IntegerField()
    failed_count = serializers.IntegerField()
    created_at = serializers.DateTimeField()
    started_at = serializers.DateTimeField(allow_null=True)
    completed_at = serializers.DateTimeField(allow_null=True)
    judge = NestedVersionSerializer(help_text="Of chosen evaluators without a judge: the first of them stands in.")
    project_id = serializers.CharField(allow_null=True)
    evaluators = NestedVersionSerializer(many=True)
    dataset = serializers.JSONField(allow_null=True)
    dataset_range = serializers.JSONField(allow_null=True)
    tags = serializers.ListField(child=serializers.CharField())
    retried_from = serializers.UUIDField(allow_null=True)
    error_message = serializers.CharField(help_text='Why a batch failed as a whole, "" otherwise.')
    error_code = serializers.CharField()
    usage_estimated = serializers.BooleanField(
        help_text="Tokens and cost are estimates in part: the provider counted none for some calls."
    )


class EvaluatorResultSerializer(serializers.Serializer[Any]):
    evaluator_name = serializers.CharField()
    score = serializers.FloatField(allow_null=True, min_value=0, max_value=1)
    justification = serializers.CharField()
    evaluator_id = serializers.UUIDField()
    evaluator_version_id = serializers.UUIDField()
    confidence = serializers.FloatField(allow_null=True)


class ItemInputSerializer(serializers.Serializer[Any]):
    request = serializers.CharField(allow_null=True)
    response = serializers.CharField(allow_null=True)
    contexts = serializers.ListField(child=serializers.CharField(), allow_null=True)
    expected_output = serializers.CharField(allow_null=True)
    turns = serializers.ListField(child=serializers.DictField(), allow_null=True)


class ItemSerializer(serializers.Serializer[Any]):
    index = serializers.IntegerField()
    status = serializers.ChoiceField(choices=BatchItemStatus.choices)
    input = ItemInputSerializer()
    evaluator_results = EvaluatorResultSerializer(many=True, allow_null=True)
    error_message = serializers.CharField()
    execution_log_id = serializers.UUIDField(allow_null=True)
    started_at = serializers.DateTimeField(allow_null=True)
    completed_at = serializers.DateTimeField(allow_null=True)


class BatchDetailSerializer(BatchSerializer):
    items = ItemSerializer(many=True)


class ExecutedSerializer(serializers.Serializer[Any]):
    evaluator_results = EvaluatorResultSerializer(many=True)
    execution_log_id = serializers.UUIDField(allow_null=True)


class EvaluatorSummarySerializer(serializers.Serializer[Any]):
    evaluator_id = serializers.UUIDField()
    evaluator_name = serializers.CharField()
    evaluator_version_id = serializers.UUIDField()
    scored_count = serializers.IntegerField()
    failed_count = serializers.IntegerField()
    mean = serializers.FloatField(allow_null=True)
    histogram = serializers.ListField(child=serializers.IntegerField(), help_text="Scores in ten bars from 0 to 1.")


class FailureGroupSerializer(serializers.Serializer[Any]):
    evaluator_name = serializers.CharField()
    code = serializers.CharField()
    message = serializers.CharField()
    count = serializers.IntegerField()


class SummarySerializer(serializers.Serializer[Any]):
    batch_execution_id = serializers.UUIDField()
    status = serializers.ChoiceField(choices=BatchStatus.choices)
    total_count = serializers.IntegerField()
    completed_count = serializers.IntegerField()
    failed_count = serializers.IntegerField()
    mean = serializers.FloatField(allow_null=True)
    evaluators = EvaluatorSummarySerializer(many=True)
    failures = FailureGroupSerializer(many=True)
    call_count = serializers.IntegerField()
    input_tokens = serializers.IntegerField()
    output_tokens = serializers.IntegerField()
    usage_estimated = serializers.BooleanField()
    cost = serializers.FloatField(allow_null=True)


class ComparedEvaluatorSerializer(serializers.Serializer[Any]):
    evaluator_name = serializers.CharField(source="evaluator.name")
    other_evaluator_name = serializers.CharField(source="other_evaluator.name")
    compared_count = serializers.IntegerField(help_text="Inputs with a score in both.")
    close_count = serializers.IntegerField(help_text=f"Of those, at most {CLOSE} apart.")
    missing_count = serializers.IntegerField(help_text="Inputs without a score in one of the two.")
    mean = serializers.FloatField(allow_null=True)
    other_mean = serializers.FloatField(allow_null=True)
    mean_distance = serializers.FloatField(allow_null=True)


class ComparedScoreSerializer(serializers.Serializer[Any]):
    index = serializers.IntegerField(source="row.item.index")
    other_index = serializers.IntegerField(source="other_row.item.index")
    evaluator_name = serializers.CharField(source="result.evaluator.name")
    score = serializers.FloatField(allow_null=True)
    other_score = serializers.FloatField(allow_null=True)
    difference = serializers.FloatField(allow_null=True, help_text="The other batch's score minus this one's.")


class BatchComparisonSerializer(serializers.Serializer[Any]):
    batch_execution_id = serializers.UUIDField(source="batch.pk")
    other_batch_execution_id = serializers.UUIDField(source="other.pk")
    common_count = serializers.IntegerField(help_text="Inputs that both have.")
    only_here = serializers.IntegerField()
    only_there = serializers.IntegerField()
    evaluators = ComparedEvaluatorSerializer(many=True)
    scores = ComparedScoreSerializer(many=True, help_text="The largest differences first.")
