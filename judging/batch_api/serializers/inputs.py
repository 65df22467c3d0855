"""Bodies that batches take. Unknown fields are ignored: the vendor's clients send more than is used."""

from typing import Any

from rest_framework import serializers

from judging.rest.fields import CharField, ChoiceField, UUIDField
from judging.services.batch_inputs import (
    MAX_ID_CHARS,
    MAX_INPUT_CHARS,
    MAX_INPUTS,
    MAX_TAG_CHARS,
    ROLES,
    TARGETS,
    BatchInput,
)

_TEXT: dict[str, Any] = {"required": False, "allow_null": True, "allow_blank": True, "trim_whitespace": False}
_LIST: dict[str, Any] = {"required": False, "allow_null": True}


class _Text(CharField):
    def __init__(self, max_length: int = MAX_INPUT_CHARS, **more: Any) -> None:
        super().__init__(max_length=max_length, **{**_TEXT, **more})


class _Texts(serializers.ListField):
    def __init__(self, max_length: int = MAX_INPUT_CHARS, **more: Any) -> None:
        child = CharField(max_length=max_length, trim_whitespace=False)
        super().__init__(child=child, **{**_LIST, **more})


class _Objects(serializers.ListField):
    def __init__(self, **more: Any) -> None:
        super().__init__(child=serializers.DictField(), **{**_LIST, **more})


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

    turns = TurnSerializer(many=True)
    target = ChoiceField(choices=TARGETS, required=False, allow_null=True)


class InputSerializer(serializers.Serializer[Any]):
    """What is to be judged. Null and "" mean absent."""

    request = _Text()
    response = _Text()
    contexts = _Texts()
    expected_output = _Text()
    system_prompt = _Text()
    turns = TurnSerializer(many=True, required=False, allow_null=True)
    messages = MessagesSerializer(required=False, allow_null=True)
    tools = _Objects()
    functions = _Objects(help_text="The older name of tools.")
    file_ids = _Texts(max_length=MAX_ID_CHARS, help_text="Not supported yet.")
    user_id = _Text(max_length=MAX_ID_CHARS)
    session_id = _Text(max_length=MAX_ID_CHARS)
    evaluator_version_id = _Text(max_length=MAX_ID_CHARS, help_text="Accepted, not used.")
    project_id = _Text(max_length=MAX_ID_CHARS, help_text="Accepted, not used.")


class _TagsField(serializers.ListField):
    def __init__(self) -> None:
        super().__init__(child=CharField(max_length=MAX_TAG_CHARS, trim_whitespace=False), **_LIST)


class BatchCreateSerializer(serializers.Serializer[Any]):
    inputs = InputSerializer(many=True, help_text=f"1 to {MAX_INPUTS}; one that is wrong refuses all.")
    tags = _TagsField()
    judge_version_id = UUIDField(required=False, allow_null=True)
    project_id = _Text(max_length=MAX_ID_CHARS)


class BatchCreateAnySerializer(BatchCreateSerializer):
    judge_id = UUIDField(required=False, allow_null=True)
    evaluator_ids = serializers.ListField(child=UUIDField(), **_LIST)
    dataset_id = _Text(max_length=MAX_ID_CHARS, help_text="Not supported.")


class ExecuteSerializer(InputSerializer):
    tags = _TagsField()
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
