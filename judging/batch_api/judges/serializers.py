"""Judges and evaluators, as bodies and as answers."""

from collections.abc import Mapping
from typing import Any, ClassVar

from rest_framework import serializers

from judging.batch_api.executions.serializers import NestedVersionSerializer
from judging.foundation.limits import (
    MAX_CONCURRENCY,
    MAX_EVALUATORS,
    MAX_MODEL,
    MAX_NAME,
    MAX_RESPONSE_JUDGE_NAME,
    MAX_TEXT,
    MIN_EVALUATOR_NAME,
    MIN_RESPONSE_JUDGE_NAME,
)
from judging.models import CALL_SETTING_NAMES, Evaluator, InputName
from judging.rest.fields import CharField, ChoiceField, IntegerField, ListField, ModelSerializer, UUIDField
from judging.rest.problems import MAX_ERRORS


class _WriteSerializer(serializers.Serializer[Any]):
    """A body that says what is to be: a wish that nothing here grants is refused by name, not lost in silence.

    The vendor's clients send some members always, with nothing in them. `other_names` are those of fields.
    """

    other_names: ClassVar[dict[str, str]] = {}

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, Mapping):
            data = self._with_own_names(data)
            unknown = sorted(name for name, value in data.items() if name not in self.fields and not _is_empty(value))
            if unknown:
                raise serializers.ValidationError({name: ["Unknown field."] for name in unknown[: MAX_ERRORS + 1]})
        return super().to_internal_value(data)

    def _with_own_names(self, data: Mapping[str, Any]) -> dict[str, Any]:
        given = {name: value for name, value in data.items() if name not in self.other_names}
        for other, name in self.other_names.items():
            value = data.get(other)
            if not _is_empty(value) and given.setdefault(name, value) != value:
                raise serializers.ValidationError({other: [f"Another name of {name}: give one of the two."]})
        return given


def _is_empty(value: Any) -> bool:
    return value in (None, "", False, [], {})


class ReferenceSerializer(serializers.Serializer[Any]):
    id = UUIDField()
    version_id = UUIDField(required=False, allow_null=True, help_text="Null: the evaluator's latest, always.")


class JudgeWriteSerializer(_WriteSerializer):
    name = CharField(min_length=MIN_RESPONSE_JUDGE_NAME, max_length=MAX_RESPONSE_JUDGE_NAME)
    intent = CharField(required=False, allow_blank=True, max_length=MAX_TEXT)
    evaluator_references = ListField(
        child=ReferenceSerializer(), max_length=MAX_EVALUATORS, required=False, allow_null=True
    )
    max_concurrency = IntegerField(required=False, min_value=1, max_value=MAX_CONCURRENCY)


class NestedIntentSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    intent = serializers.CharField()


class JudgeEvaluatorSerializer(NestedVersionSerializer):
    objective = NestedIntentSerializer()
    is_root_evaluator = serializers.BooleanField()
    model = serializers.CharField()


class _MetaSerializer(serializers.Serializer[Any]):
    def get_fields(self) -> Any:
        # No Python name may begin with an underscore here: DRF would take it for private.
        return {**super().get_fields(), "_meta": serializers.DictField()}


class JudgeAnswerSerializer(_MetaSerializer):
    id = serializers.UUIDField()
    name = serializers.CharField()
    intent = serializers.CharField()
    kind = serializers.ChoiceField(choices=["response", "relevance"])
    created_at = serializers.DateTimeField()
    version_id = serializers.UUIDField()
    visibility = serializers.CharField()
    inputs = serializers.DictField(child=serializers.DictField())
    evaluators = JudgeEvaluatorSerializer(many=True)
    max_concurrency = serializers.IntegerField()
    is_preset = serializers.BooleanField()
    project_id = serializers.CharField(allow_null=True)
    stage = serializers.CharField(allow_null=True)
    files = serializers.ListField(child=serializers.DictField())


class _CallSettingsSerializer(ModelSerializer):
    class Meta:
        model = Evaluator
        fields = CALL_SETTING_NAMES


class _CallSettingsAnswerSerializer(_CallSettingsSerializer):
    class Meta(_CallSettingsSerializer.Meta):
        extra_kwargs = {name: {"required": True} for name in CALL_SETTING_NAMES}


class EvaluatorWriteSerializer(_WriteSerializer):
    # Those of the vendor's API, by the age of its clients.
    other_names = dict.fromkeys(("scoring_criteria", "prompt", "predicate"), "prompt_template")

    name = CharField(min_length=MIN_EVALUATOR_NAME, max_length=MAX_NAME)
    intent = CharField(required=False, allow_blank=True, max_length=MAX_TEXT)
    prompt_template = CharField(
        trim_whitespace=False,
        max_length=MAX_TEXT,
        help_text="scoring_criteria, prompt and predicate are other names of it.",
    )
    requires = ListField(child=ChoiceField(choices=InputName.choices), max_length=100, required=False)
    ai_provider_id = UUIDField(required=False, allow_null=True)
    model = CharField(required=False, allow_blank=True, max_length=MAX_MODEL)

    def get_fields(self) -> dict[str, Any]:
        return {**super().get_fields(), **_CallSettingsSerializer().get_fields()}

    def all_values(self) -> dict[str, Any]:
        """Return the validated values, with the model's defaults for what the body left out: what PUT means."""
        return {**Evaluator().settings_dict(), **self.validated_data}


class OwnerSerializer(serializers.Serializer[Any]):
    email = serializers.CharField()
    full_name = serializers.CharField()


class EvaluatorAnswerSerializer(_MetaSerializer):
    id = serializers.UUIDField()
    name = serializers.CharField()
    intent = serializers.CharField()
    prompt_template = serializers.CharField()
    requires = serializers.ListField(child=serializers.CharField())
    ai_provider_id = serializers.UUIDField(allow_null=True)
    model = serializers.CharField(allow_blank=True)
    version_id = serializers.UUIDField()
    is_preset = serializers.BooleanField()
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()
    # What the vendor's clients look for beside these.
    updated_by = OwnerSerializer(allow_null=True)
    owner = OwnerSerializer()
    objective = serializers.DictField()
    scoring_criteria = serializers.CharField()
    prompt = serializers.CharField()
    models = serializers.ListField(child=serializers.CharField())
    inputs = serializers.DictField(child=serializers.DictField())
    visibility = serializers.CharField()
    is_root_evaluator = serializers.BooleanField()
    project_id = serializers.CharField(allow_null=True)

    def get_fields(self) -> dict[str, Any]:
        return {**super().get_fields(), **_CallSettingsAnswerSerializer().get_fields()}
