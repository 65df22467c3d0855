"""Evaluation runs, their results and their queries."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from judging.foundation.limits import MAX_NAME
from judging.models import EvaluationRun, RunQuery
from judging.rest.fields import CharField, IntegerField, ListField, ModelSerializer, Serializer
from judging.runs.run_lists import coverage_shares
from judging.runs.run_summary import has_stale_metrics

_QUERY = {"oneOf": [{"type": "string"}, {"type": "object", "required": ["query"], "additionalProperties": True}]}
_RESULT = {
    "type": "object",
    "required": ["query", "candidates"],
    "properties": {
        "query": _QUERY,
        "query_id": {"type": "string", "description": "The query's label in files."},
        "candidates": {
            "type": "array",
            "description": "In rank order.",
            "items": {
                "type": "object",
                "required": ["id", "title"],
                "properties": {
                    "id": {"type": "string"},
                    "title": {"type": "string"},
                    "fields": {"type": "object", "additionalProperties": True},
                    "image": {"type": "string"},
                    "score": {"type": "number"},
                },
            },
        },
    },
}


@extend_schema_field({"type": "array", "items": _RESULT})
class ResultsField(serializers.Field[Any, Any, Any, Any]):
    """Results as they came: the import checks them, once, with a message per query."""

    default_error_messages = {"invalid": "A list of queries with their candidates is expected."}

    def to_internal_value(self, data: Any) -> list[Any]:
        if not isinstance(data, list):
            self.fail("invalid")
        return data


@extend_schema_field(_QUERY)
class QueryField(serializers.Field[Any, Any, Any, Any]):
    """A query as the run holds it: text, or an object with a `query` key."""

    def to_representation(self, value: Any) -> Any:
        return value


@extend_schema_field({"type": "object", "additionalProperties": {"type": "number", "nullable": True}})
class MetricValuesField(serializers.Field[Any, Any, Any, Any]):
    """Numbers by metric name, null where there is none."""

    def to_representation(self, value: Any) -> Any:
        return value


class RunSerializer(ModelSerializer):
    """An evaluation run."""

    metrics = ListField(child=CharField(max_length=200), max_length=1_000)
    metric_values = MetricValuesField(read_only=True)
    coverage_values = MetricValuesField(read_only=True, help_text="Which share of what a metric looks at has a grade.")
    has_stale_metrics = serializers.SerializerMethodField(
        help_text="Judgments, or what is measured, changed since `metrics_at`: the values are about to be renewed."
    )

    class Meta:
        model = EvaluationRun
        fields = [
            "id",
            "evaluation_id",
            "name",
            "scale",
            "metrics",
            "relevant_from",
            "judgments_wanted",
            "status",
            "error",
            "is_locked",
            "locked_at",
            "locked_by",
            "query_count",
            "candidate_count",
            "judged_count",
            "metric_values",
            "coverage_values",
            "scored_query_count",
            "metrics_at",
            "has_stale_metrics",
            "created_by",
            "created_at",
            "completed_at",
        ]
        read_only_fields = [
            name for name in fields if name not in ("name", "scale", "metrics", "relevant_from", "judgments_wanted")
        ]

    def get_has_stale_metrics(self, run: EvaluationRun) -> bool:
        # Lists bring it with every row.
        known: bool | None = getattr(run, "has_stale_metrics", None)
        return has_stale_metrics(run) if known is None else known


class RunWithWarningsSerializer(RunSerializer):
    """A run that was just given its results, and what its maker should know about them."""

    warnings = serializers.SerializerMethodField()

    class Meta(RunSerializer.Meta):
        fields = [*RunSerializer.Meta.fields, "warnings"]

    def get_warnings(self, run: EvaluationRun) -> list[str]:
        return list(self.context.get("warnings", ()))


class NewRunSerializer(RunSerializer):
    """An evaluation run to make, with its results or to get them later."""

    results = ResultsField(required=False, write_only=True, help_text="With these, the run is made completed.")

    class Meta(RunSerializer.Meta):
        fields = [*RunSerializer.Meta.fields, "results"]


class RunChangeSerializer(RunSerializer):
    """What may change of an unlocked run; its scale can't."""

    scale = CharField(required=False, max_length=10, help_text="As it is: it can't be changed.")


class ResultsSerializer(Serializer):
    """The results of a run."""

    results = ResultsField()


class RunImportSerializer(Serializer):
    """A multipart form. Either `results`, or `run`, `queries` and `documents`."""

    name = serializers.CharField(max_length=MAX_NAME)
    scale = serializers.CharField(max_length=10)
    metrics = serializers.ListField(
        child=serializers.CharField(max_length=2000), help_text="Repeated, or one value with commas between the names."
    )
    relevant_from = serializers.IntegerField(required=False, min_value=0, max_value=100)
    judgments_wanted = serializers.IntegerField(required=False, min_value=0, max_value=100)
    results = serializers.FileField(required=False, allow_empty_file=True, help_text="JSONL, a query per line.")
    run = serializers.FileField(required=False, allow_empty_file=True, help_text="TREC run; the order is the rank.")
    queries = serializers.FileField(required=False, allow_empty_file=True, help_text="TSV: query id, query.")
    documents = serializers.FileField(
        required=False, allow_empty_file=True, help_text="JSONL: doc_id, title, fields, image."
    )
    allow_missing_documents = serializers.BooleanField(required=False, default=False)

    def validate_metrics(self, given: list[str]) -> list[str]:
        return [name for value in given for name in (part.strip() for part in value.split(",")) if name]

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        trec = [name for name in ("run", "queries", "documents") if name in attrs]
        if "results" in attrs:
            if trec:
                raise serializers.ValidationError({name: ["Not together with results."] for name in trec})
            return attrs
        missing = [name for name in ("run", "queries") if name not in attrs]
        if missing and not trec:
            raise serializers.ValidationError({"results": ["Give results, or run, queries and documents."]})
        if missing:
            raise serializers.ValidationError({name: ["A TREC run needs this file, too."] for name in missing})
        return attrs


class RunQuerySerializer(ModelSerializer):
    """A query of a run, its metrics null until it has a judgment."""

    query = QueryField(source="body", read_only=True)
    metric_values = MetricValuesField(read_only=True)
    coverage_values = serializers.SerializerMethodField()

    class Meta:
        model = RunQuery
        fields = [
            "id",
            "label",
            "query",
            "position",
            "metric_values",
            "coverage_values",
            "candidate_count",
            "judged_count",
        ]
        read_only_fields = fields

    @extend_schema_field(MetricValuesField)
    def get_coverage_values(self, run_query: RunQuery) -> dict[str, float | None]:
        return coverage_shares(run_query)


class JudgmentsImportSerializer(Serializer):
    """A multipart form."""

    file = serializers.FileField(allow_empty_file=True, help_text="CSV, JSONL or TREC qrels.")
    queries = serializers.FileField(required=False, allow_empty_file=True, help_text="TSV: gives labels their text.")
    scale = serializers.CharField(required=False, max_length=10, help_text="For lines that name none.")
    file_format = serializers.CharField(required=False, max_length=10, help_text="csv, jsonl, qrels; else guessed.")


class JudgmentsImportAnswerSerializer(Serializer):
    """How many lines were read and how many judgments written."""

    read = IntegerField()
    written = IntegerField()
    kept = IntegerField(help_text="AI grades that stayed because a judging run of this installation wrote them.")
    refused = IntegerField()
    warnings = serializers.ListField(child=CharField())
