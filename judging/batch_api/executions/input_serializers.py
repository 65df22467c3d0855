"""Bodies that batches take. Unknown fields are ignored: the vendor's clients send more than is used."""

from collections.abc import Mapping
from typing import Any

from rest_framework import serializers

from judging.foundation.limits import (
    MAX_ELEMENTS,
    MAX_ID_CHARS,
    MAX_INPUT_CHARS,
    MAX_INPUTS,
    MAX_TAG_CHARS,
    MAX_TAGS,
    MAX_TURNS,
)
from judging.responses.inputs import (
    INPUT_COUNT_PROBLEM,
    ROLES,
    TARGETS,
    BatchInput,
)
from judging.rest.fields import CharField, ChoiceField, ListField, UUIDField

_TEXT: dict[str, Any] = {"required": False, "allow_null": True, "allow_blank": True, "trim_whitespace": False}
_LIST: dict[str, Any] = {"required": False, "allow_null": True}


class _Text(CharField):
    def __init__(self, max_length: int = MAX_INPUT_CHARS, **more: Any) -> None:
        super().__init__(max_length=max_length, **{**_TEXT, **more})


class _Plain(ListField):
    """A list of which only the type of its elements is looked at here: there can be a million of them in a body."""

    type: type
    message: str

    def run_child_validation(self, data: Any) -> list[Any]:
        wrong = [index for index, item in enumerate(data) if not isinstance(item, self.type)]
        if wrong:
            raise serializers.ValidationError({str(index): [self.message] for index in wrong})
        return list(data)


class _Texts(_Plain):
    """Texts; how long they may be is the service's to say."""

    type = str
    message = "Not a valid string."

    def __init__(self, max_chars: int = MAX_INPUT_CHARS, **more: Any) -> None:
        super().__init__(child=CharField(max_length=max_chars), **{**_LIST, "max_length": MAX_ELEMENTS, **more})


class _Objects(_Plain):
    type = dict
    message = "A JSON object is expected."

    def __init__(self, **more: Any) -> None:
        super().__init__(child=serializers.DictField(), **{**_LIST, "max_length": MAX_ELEMENTS, **more})


class TurnSerializer(serializers.Serializer[Any]):
    """One turn of a conversation."""

    role = ChoiceField(choices=ROLES)
    content = _Text()
    contexts = _Texts()
    tool_name = _Text(max_length=MAX_ID_CHARS)
    tool_calls = _Objects()
    tool_call_id = _Text(max_length=MAX_ID_CHARS)


class MessagesSerializer(serializers.Serializer[Any]):
    """A conversation as earlier clients send it."""

    turns = ListField(child=TurnSerializer(), max_length=MAX_TURNS)
    target = ChoiceField(choices=TARGETS, required=False, allow_null=True)


class InputSerializer(serializers.Serializer[Any]):
    """What is to be judged. Null and "" mean absent."""

    request = _Text()
    response = _Text()
    contexts = _Texts()
    expected_output = _Text()
    system_prompt = _Text()
    turns = ListField(child=TurnSerializer(), max_length=MAX_TURNS, **_LIST)
    messages = MessagesSerializer(required=False, allow_null=True)
    tools = _Objects()
    functions = _Objects(help_text="The older name of tools.")
    file_ids = _Texts(max_chars=MAX_ID_CHARS, help_text="Not supported yet.")
    user_id = _Text(max_length=MAX_ID_CHARS)
    session_id = _Text(max_length=MAX_ID_CHARS)
    evaluator_version_id = _Text(max_length=MAX_ID_CHARS, help_text="Accepted, not used.")
    project_id = _Text(max_length=MAX_ID_CHARS, help_text="Accepted, not used.")


class BatchCreateSerializer(serializers.Serializer[Any]):
    inputs = ListField(
        child=InputSerializer(),
        min_length=1,
        max_length=MAX_INPUTS,
        error_messages=dict.fromkeys(("min_length", "max_length"), INPUT_COUNT_PROBLEM),
        help_text=f"1 to {MAX_INPUTS}; one that is wrong refuses all.",
    )
    tags = _Texts(max_chars=MAX_TAG_CHARS, max_length=MAX_TAGS)
    judge_version_id = UUIDField(required=False, allow_null=True)
    project_id = _Text(max_length=MAX_ID_CHARS)


class BatchCreateAnySerializer(BatchCreateSerializer):
    judge_id = UUIDField(required=False, allow_null=True)
    evaluator_ids = ListField(child=UUIDField(), max_length=MAX_ELEMENTS, **_LIST)
    dataset_id = _Text(max_length=MAX_ID_CHARS, help_text="Not supported.")

    def to_internal_value(self, data: Any) -> Any:
        # Before the inputs are missed: who names a data set sends none.
        if isinstance(data, Mapping) and data.get("dataset_id"):
            raise serializers.ValidationError({"dataset_id": ["Data sets are not supported: send the inputs."]})
        return super().to_internal_value(data)


class ExecuteSerializer(InputSerializer):
    tags = _Texts(max_chars=MAX_TAG_CHARS, max_length=MAX_TAGS)
    judge_version_id = UUIDField(required=False, allow_null=True)


def batch_input(given: dict[str, Any]) -> BatchInput:
    """Return a validated input as the service takes it."""
    names = BatchInput.__dataclass_fields__
    plain = {name: value for name, value in given.items() if name in names and value is not None}
    for name in ("turns", "messages"):
        if name in plain:
            plain[name] = _without_nulls(plain[name])
    return BatchInput(**plain)


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nulls(member) for key, member in value.items() if member is not None}
    return [_without_nulls(member) for member in value] if isinstance(value, list) else value
