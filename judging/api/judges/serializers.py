"""AI judges, their versions, and tests of them."""

from collections.abc import Mapping
from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from judging.asking.prompting import PromptCandidate
from judging.foundation.limits import MAX_DOCUMENT_KEY, MAX_TRIAL_CANDIDATES
from judging.models import AIJudge, JudgeVersion, ScaleName
from judging.rest.fields import (
    BooleanField,
    CharField,
    ChoiceField,
    IntegerField,
    ListField,
    ModelSerializer,
    Serializer,
    UUIDField,
)

_SETTINGS = [name for name in AIJudge.setting_names() if name != "name"]
# White space is part of a prompt.
_PROMPTS = {"prompt_template": {"trim_whitespace": False}, "system_prompt": {"trim_whitespace": False}}


class JudgeSerializer(ModelSerializer):
    ai_provider_id = UUIDField()
    shared = BooleanField(required=False, help_text="The team's, made by admins; else yours alone.")

    class Meta:
        model = AIJudge
        fields = [
            "id",
            "name",
            "description",
            "shared",
            "owner",
            *_SETTINGS,
            "version",
            "archived_at",
            "created_at",
            "updated_at",
        ]
        read_only_fields = ["id", "owner", "version", "archived_at", "created_at", "updated_at"]
        extra_kwargs = _PROMPTS


class JudgeTemplateSerializer(Serializer):
    """A template to start a judge from. `settings` are fields of an AI judge, its prompt template among them."""

    key = serializers.CharField()
    name = serializers.CharField()
    description = serializers.CharField()
    strong = serializers.CharField(help_text="Where it does well.")
    weak = serializers.CharField(help_text="Where it does not.")
    settings = serializers.DictField()


class JudgeVersionSerializer(ModelSerializer):
    """A version; `changes` are the fields in which it differs from the one before."""

    ai_provider_id = UUIDField()
    version = serializers.IntegerField(source="number")
    changes = serializers.SerializerMethodField()

    class Meta:
        model = JudgeVersion
        fields = ["id", "version", "name", *_SETTINGS, "changes", "created_by", "created_at"]

    def get_changes(self, version: JudgeVersion) -> list[str]:
        changes: Mapping[int, list[str]] = self.context.get("changes", {})
        return changes.get(version.number, [])


@extend_schema_field({"oneOf": [{"type": "string"}, {"type": "object", "properties": {"query": {"type": "string"}}}]})
class QueryBodyField(serializers.Field):  # type: ignore[type-arg]
    """A query: text, or an object with a `query` key."""

    default_error_messages = {"invalid": "A query is text, or an object with the text under `query`."}

    def to_internal_value(self, data: Any) -> str | dict[str, Any]:
        text = data.get("query") if isinstance(data, dict) else data
        if not isinstance(text, str) or not text.strip():
            self.fail("invalid")
        return data  # type: ignore[no-any-return]

    def to_representation(self, value: Any) -> Any:
        return value


@extend_schema_field(OpenApiTypes.OBJECT)
class ObjectField(serializers.Field):  # type: ignore[type-arg]
    """A JSON object."""

    default_error_messages = {"invalid": "A JSON object is expected."}

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        if not isinstance(data, dict):
            self.fail("invalid")
        return data

    def to_representation(self, value: Any) -> Any:
        return value


class JudgeTestCandidateSerializer(Serializer):
    id = CharField(max_length=MAX_DOCUMENT_KEY)
    title = CharField(required=False, allow_blank=True, default="")
    # The metaclass takes it off the class: the serializer's own `fields` stays.
    fields = ObjectField(required=False, default=dict)  # type: ignore[assignment]
    image = CharField(required=False, allow_blank=True, default="")


class JudgeTestSerializer(Serializer):
    """Either a query of an evaluation run, or a query with candidates and a scale."""

    evaluation_run_id = UUIDField(required=False)
    query_id = UUIDField(required=False)
    depth = IntegerField(
        required=False,
        allow_null=True,
        min_value=1,
        max_value=MAX_TRIAL_CANDIDATES,
        help_text="Of a query of a run: how many of its first candidates; null: as many as one prompt holds.",
    )
    query = QueryBodyField(required=False)
    candidates = ListField(
        child=JudgeTestCandidateSerializer(), required=False, min_length=1, max_length=MAX_TRIAL_CANDIDATES
    )
    scale = ChoiceField(choices=ScaleName.choices, required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        stored, given = {"evaluation_run_id", "query_id"}, {"query", "candidates", "scale"}
        of_run = {*stored, "depth"} & attrs.keys()
        wanted = stored if of_run else given
        if of_run and given & attrs.keys():
            raise serializers.ValidationError(
                "Give either evaluation_run_id and query_id, or query, candidates and scale."
            )
        missing = sorted(wanted - attrs.keys())
        if missing:
            raise serializers.ValidationError(dict.fromkeys(missing, "This field is required."))
        if "candidates" in attrs:
            attrs["candidates"] = [PromptCandidate(**candidate) for candidate in attrs["candidates"]]
        return attrs


class JudgeTestOutcomeSerializer(Serializer):
    candidate_id = serializers.CharField()
    title = serializers.CharField()
    status = serializers.ChoiceField(choices=["judged", "failed", "unanswered"])
    grade = serializers.IntegerField(allow_null=True)
    reasoning = serializers.CharField()
    failure_code = serializers.CharField()
    failure_message = serializers.CharField()
    people_mean = serializers.FloatField(allow_null=True, help_text="Of a candidate of a run: the people's grades.")
    people_grade = serializers.IntegerField(allow_null=True, help_text="Their mean, rounded half up.")
    ai_grade = serializers.IntegerField(allow_null=True, help_text="The AI's grade of record.")
    ai_judge = serializers.CharField(help_text='The judge of record, "Name v3".')


class TrialAgreementSerializer(Serializer):
    """How many grades of the test equal others of the same candidates, lie one step apart, or further."""

    compared = serializers.IntegerField()
    equal = serializers.IntegerField()
    one_apart = serializers.IntegerField()
    further = serializers.IntegerField()


class JudgeTestCallSerializer(Serializer):
    candidate_ids = serializers.ListField(child=serializers.CharField())
    is_reask = serializers.BooleanField()
    prompt = serializers.ListField(child=serializers.DictField())
    reply = serializers.CharField()
    model = serializers.CharField()
    finish_reason = serializers.CharField()
    input_tokens = serializers.IntegerField()
    output_tokens = serializers.IntegerField()
    usage_estimated = serializers.BooleanField()
    latency_ms = serializers.IntegerField()
    error_code = serializers.CharField()
    error = serializers.CharField()
    notes = serializers.ListField(child=serializers.CharField())


class JudgeTestAnswerSerializer(Serializer):
    """What came of a test. `prompt` and `reply` are those of its first call; nothing of it is stored."""

    prompt = serializers.ListField(child=serializers.DictField())
    reply = serializers.CharField()
    outcomes = JudgeTestOutcomeSerializer(many=True)
    with_people = TrialAgreementSerializer()
    with_record = TrialAgreementSerializer()
    input_tokens = serializers.IntegerField()
    output_tokens = serializers.IntegerField()
    usage_estimated = serializers.BooleanField()
    duration_ms = serializers.IntegerField()
    error_code = serializers.CharField(help_text="Why the provider could not be asked; empty when it could.")
    error = serializers.CharField()
    calls = JudgeTestCallSerializer(many=True)
