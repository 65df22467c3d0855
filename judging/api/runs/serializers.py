"""Evaluation runs, their results and their queries."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from judging.api.runs.search_block import SearchOptionsSerializer, SearchRunSerializer
from judging.foundation.limits import MAX_MODEL, MAX_NAME, MAX_TEXT
from judging.ledger.staleness import has_stale_metrics
from judging.models import EvaluationRun, RunQuery
from judging.rest.fields import BooleanField, CharField, IntegerField, ListField, ModelSerializer, Serializer
from judging.runs.importing.formats.recognition import FORMATS
from judging.runs.run_lists import coverage_shares

_READ_AS = (
    "auto (default: recognised from its first lines), or the name of a format, or a JSON object from field to name. "
    + "; ".join(f"{name}: {', '.join(each.name for each in formats)}" for name, formats in FORMATS.items())
)
_NOT_FOR_RATERS = "null for raters, who judge blind; metric values and coverage are, too."
_QUERY = {"oneOf": [{"type": "string"}, {"type": "object", "required": ["query"], "additionalProperties": True}]}
_RESULT = {
    "type": "object",
    "required": ["query", "candidates"],
    "properties": {
        "query": _QUERY,
        "query_id": {"type": "string", "description": "The query's label in files."},
        "tags": {
            "type": "array",
            "items": {"type": "string"},
            "description": "What kind of query it is: head, tail, an intent, a language.",
            "example": ["head", "en"],
        },
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
    engine_model = CharField(
        required=False,
        allow_blank=True,
        max_length=MAX_MODEL,
        help_text="The model that the search engine ranks with, if any: a judge of the same family favours it.",
    )
    metric_values = MetricValuesField(read_only=True)
    coverage_values = MetricValuesField(read_only=True, help_text="Which share of what a metric looks at has a grade.")
    judged_count = IntegerField(read_only=True, allow_null=True, help_text=_NOT_FOR_RATERS)
    scored_query_count = IntegerField(read_only=True, allow_null=True, help_text=_NOT_FOR_RATERS)
    has_stale_metrics = serializers.SerializerMethodField(
        help_text="Judgments, or what is measured, changed since `metrics_at`: the values are about to be renewed."
    )

    archived = BooleanField(
        source="is_archived",
        read_only=True,
        help_text="Out of the lists; nothing new starts on it. See its evaluation, too.",
    )
    search = serializers.SerializerMethodField(help_text="How it is executed; null: it was imported.")

    class Meta:
        model = EvaluationRun
        fields = [
            "id",
            "evaluation_id",
            "name",
            "description",
            "scale",
            "metrics",
            "relevant_from",
            "judgments_wanted",
            "engine_model",
            "blind",
            "status",
            "error",
            "error_code",
            "depth",
            "cloned_from",
            "search",
            "is_locked",
            "locked_at",
            "locked_by",
            "archived",
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
            name
            for name in fields
            if name not in ("name", "scale", "metrics", "relevant_from", "judgments_wanted", "engine_model")
        ]

    @extend_schema_field(SearchRunSerializer(allow_null=True))
    def get_search(self, run: EvaluationRun) -> dict[str, Any] | None:
        search = getattr(run, "search", None)
        # A row of a list tells nothing that takes a query of its own.
        context = {} if isinstance(self.parent, serializers.ListSerializer) else {"run": run}
        return None if search is None else dict(SearchRunSerializer(search, context=context).data)

    def get_has_stale_metrics(self, run: EvaluationRun) -> bool:
        # Lists bring it with every row; a single run may have changed since it was read.
        known: bool | None = getattr(run, "has_stale_metrics", None) if self.parent is not None else None
        return has_stale_metrics(run) if known is None else known


class RunForRatersSerializer(RunSerializer):
    """An evaluation run as raters see it: nothing of the endpoint that it searches, and nothing made of grades."""

    def get_search(self, run: EvaluationRun) -> None:
        return None

    def to_representation(self, instance: EvaluationRun) -> dict[str, Any]:
        return super().to_representation(instance) | _without_figures(instance) | {"scored_query_count": None}


class RunWithWarningsSerializer(RunSerializer):
    """A run that was just given its results, and what its maker should know about them."""

    warnings = serializers.SerializerMethodField()

    class Meta(RunSerializer.Meta):
        fields = [*RunSerializer.Meta.fields, "warnings"]

    def get_warnings(self, run: EvaluationRun) -> list[str]:
        return list(self.context.get("warnings", ()))


class ImportedRunSerializer(RunWithWarningsSerializer):
    """A run that came from files, and what each of them was read as."""

    read_as = serializers.SerializerMethodField(help_text="The format of each file by its field.")

    class Meta(RunWithWarningsSerializer.Meta):
        fields = [*RunWithWarningsSerializer.Meta.fields, "read_as"]

    def get_read_as(self, run: EvaluationRun) -> dict[str, str]:
        return dict(self.context.get("read_as", {}))


class NewRunSerializer(SearchOptionsSerializer, RunSerializer):
    """An evaluation run to make: with its results, to get them later, or to be executed."""

    results = ResultsField(required=False, write_only=True, help_text="With these, the run is made completed.")

    class Meta(RunSerializer.Meta):
        fields = [*RunSerializer.Meta.fields, *SearchOptionsSerializer._declared_fields, "results"]
        extra_kwargs = {"scale": {"required": False}}


class RunChangeSerializer(RunSerializer):
    """What may change of an unlocked run; its scale can't."""

    scale = CharField(required=False, max_length=10, help_text="As it is: it can't be changed.")
    blind = BooleanField(
        required=False,
        help_text="Whether members, too, see rank and grades of a candidate only once they have graded it.",
    )
    description = CharField(required=False, allow_blank=True, max_length=MAX_TEXT)
    archived = BooleanField(source="is_archived", required=False, help_text="Of a locked run, too.")


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
    engine_model = serializers.CharField(
        required=False, allow_blank=True, max_length=MAX_MODEL, help_text="The model that the search engine ranks with."
    )
    results = serializers.FileField(
        required=False, allow_empty_file=True, help_text="JSON lines or an array, a query each, or a table (CSV)."
    )
    run = serializers.FileField(
        required=False, allow_empty_file=True, help_text="TREC run, MS MARCO run or a table; the order is the rank."
    )
    queries = serializers.FileField(
        required=False, allow_empty_file=True, help_text="TSV, CSV, JSON or BEIR's. A table with the texts needs none."
    )
    documents = serializers.FileField(
        required=False, allow_empty_file=True, help_text="JSON, BEIR corpus, CSV or TSV: doc_id, title, other fields."
    )
    allow_missing_documents = serializers.BooleanField(required=False, default=False)
    only_ranked_queries = serializers.BooleanField(
        required=False, default=False, help_text="Leaves out queries that the run found nothing for."
    )
    read_as = serializers.CharField(required=False, allow_blank=True, max_length=500, help_text=_READ_AS)

    def validate_metrics(self, given: list[str]) -> list[str]:
        return [name for value in given for name in (part.strip() for part in value.split(",")) if name]

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        trec = [name for name in ("run", "queries", "documents") if name in attrs]
        if "results" in attrs:
            if trec:
                raise serializers.ValidationError({name: ["Not together with results."] for name in trec})
            return attrs
        if not trec:
            raise serializers.ValidationError({"results": ["Give results, or run, queries and documents."]})
        if "run" not in attrs:
            raise serializers.ValidationError({"run": ["Queries and documents need this file, too."]})
        return attrs


def _without_figures(run: EvaluationRun) -> dict[str, Any]:
    """Return what takes the place of a run's or its query's figures for raters."""
    nothing = dict.fromkeys(run.metrics)
    return {"metric_values": nothing, "coverage_values": nothing, "judged_count": None}


class RunQuerySerializer(ModelSerializer):
    """A query of a run, its metrics null until it has a judgment."""

    query = QueryField(source="body", read_only=True)
    tags = ListField(child=CharField(), read_only=True, help_text="Lower case, each once.")
    metric_values = MetricValuesField(read_only=True)
    coverage_values = serializers.SerializerMethodField()
    judged_count = IntegerField(read_only=True, allow_null=True, help_text=_NOT_FOR_RATERS)
    has_no_results = BooleanField(
        read_only=True, help_text="Its list is empty. Not so where a search failed or was not asked: nobody knows then."
    )

    class Meta:
        model = RunQuery
        fields = [
            "id",
            "label",
            "query",
            "tags",
            "position",
            "metric_values",
            "coverage_values",
            "candidate_count",
            "judged_count",
            "has_no_results",
        ]
        read_only_fields = fields

    @extend_schema_field(MetricValuesField)
    def get_coverage_values(self, run_query: RunQuery) -> dict[str, float | None]:
        return coverage_shares(run_query)


class RunQueryForRatersSerializer(RunQuerySerializer):
    """A query of a run as raters see it: nothing made of grades."""

    def to_representation(self, instance: RunQuery) -> dict[str, Any]:
        return super().to_representation(instance) | _without_figures(instance.run)


class JudgmentsImportSerializer(Serializer):
    """A multipart form."""

    file = serializers.FileField(allow_empty_file=True, help_text="Judgments in any of the formats of `read_as`.")
    queries = serializers.FileField(required=False, allow_empty_file=True, help_text="Gives labels their text.")
    scale = serializers.CharField(required=False, max_length=10, help_text="For lines that name none.")
    read_as = serializers.CharField(required=False, allow_blank=True, max_length=500, help_text=_READ_AS)
    file_format = serializers.CharField(required=False, max_length=100, help_text="Earlier name of `read_as`.")


class ReachSerializer(Serializer):
    """Of so many judgments, how many are about candidates of how many runs on their scale."""

    judgments = IntegerField()
    on_candidates = IntegerField()
    runs = IntegerField()


class JudgmentsImportAnswerSerializer(Serializer):
    """How many judgments were read and written, and how many are about a candidate of a run."""

    read_as = serializers.DictField(child=CharField(), help_text="The format of each file by its field.")
    read = IntegerField()
    written = IntegerField()
    kept = IntegerField(help_text="AI grades that stayed because a judging run of this installation wrote them.")
    refused = IntegerField()
    reach = ReachSerializer()
    warnings = serializers.ListField(child=CharField())
