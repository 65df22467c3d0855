"""Serializers that say so when a body holds something they don't know, and fields that take JSON's own types only."""

from collections.abc import Mapping
from typing import Any

from django.db import models
from rest_framework import serializers
from rest_framework.validators import ProhibitSurrogateCharactersValidator

from judging.rest.problems import MAX_ERRORS, field_errors


class _WholeCharacters(ProhibitSurrogateCharactersValidator):
    """Refuse half surrogate pairs as the framework does, but not by a look at each character: millions took a second."""

    def __call__(self, value: Any) -> None:
        try:
            str(value).encode()
        except UnicodeEncodeError:
            super().__call__(value)


class CharField(serializers.CharField):
    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.validators = [
            _WholeCharacters() if isinstance(each, ProhibitSurrogateCharactersValidator) else each
            for each in self.validators
        ]

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        return super().to_internal_value(data)


class ChoiceField(serializers.ChoiceField):
    def to_internal_value(self, data: Any) -> Any:
        if not isinstance(data, str):
            self.fail("invalid_choice", input=data)
        return super().to_internal_value(data)


class BooleanField(serializers.BooleanField):
    def to_internal_value(self, data: Any) -> bool:
        if not isinstance(data, bool):
            self.fail("invalid", input=data)
        return data


class IntegerField(serializers.IntegerField):
    def to_internal_value(self, data: Any) -> int:
        if isinstance(data, bool) or not (isinstance(data, int) or (isinstance(data, float) and data.is_integer())):
            self.fail("invalid")
        return int(data)


class FloatField(serializers.FloatField):
    def to_internal_value(self, data: Any) -> float:
        if isinstance(data, bool) or not isinstance(data, int | float):
            self.fail("invalid")
        return super().to_internal_value(data)


class UUIDField(serializers.UUIDField):
    def to_internal_value(self, data: Any) -> Any:
        if not isinstance(data, str):
            self.fail("invalid", value=data)
        return super().to_internal_value(data)


class DateTimeField(serializers.DateTimeField):
    def to_internal_value(self, data: Any) -> Any:
        if not isinstance(data, str):
            self.fail("invalid", format="ISO 8601")
        return super().to_internal_value(data)


class ListField(serializers.ListField):
    """A list that costs little to refuse: too long, none of its elements is looked at; else only until enough are wrong."""

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, list):
            if self.max_length is not None and len(data) > self.max_length:
                self.fail("max_length", max_length=self.max_length, length=len(data))
            if self.min_length is not None and len(data) < self.min_length:
                self.fail("min_length", min_length=self.min_length, length=len(data))
        return super().to_internal_value(data)

    def run_child_validation(self, data: Any) -> list[Any]:
        values: list[Any] = []
        errors: dict[str, Any] = {}
        count = 0
        for index, item in enumerate(data):
            try:
                values.append(self.child.run_validation(item))
            except serializers.ValidationError as error:
                errors[str(index)] = error.detail
                count += len(field_errors(error.detail))
                if count > MAX_ERRORS:
                    break
        if errors:
            raise serializers.ValidationError(errors)
        return values


class _Strict:
    fields: Any

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, Mapping):
            # A field that answers have but bodies can't set may stand in a body: what was read can be sent back.
            unknown = [str(name) for name in data if name not in self.fields]
            if unknown:
                told = sorted(unknown)[: MAX_ERRORS + 1]
                raise serializers.ValidationError({name: ["Unknown field."] for name in told})
        return super().to_internal_value(data)  # type: ignore[misc]


class Serializer(_Strict, serializers.Serializer):  # type: ignore[type-arg]
    """Base of all serializers that are not about a model."""


class ModelSerializer(_Strict, serializers.ModelSerializer):  # type: ignore[type-arg]
    """Base of all serializers about a model: its fields with its validators. Services write, not serializers."""

    serializer_field_mapping = {
        **serializers.ModelSerializer.serializer_field_mapping,
        models.CharField: CharField,
        models.TextField: CharField,
        models.BooleanField: BooleanField,
        models.FloatField: FloatField,
        models.IntegerField: IntegerField,
        models.PositiveIntegerField: IntegerField,
        models.PositiveSmallIntegerField: IntegerField,
        models.PositiveBigIntegerField: IntegerField,
        models.UUIDField: UUIDField,
        models.DateTimeField: DateTimeField,
    }
    serializer_choice_field = ChoiceField

    def all_values(self) -> dict[str, Any]:
        """Return the validated values, with the model's defaults for what the body left out: what PUT means."""
        values: dict[str, Any] = dict(self.validated_data)
        model: type[models.Model] = self.Meta.model
        for field in model._meta.concrete_fields:
            name = field.name
            if name in self.fields and not self.fields[name].read_only and name not in values:
                values[name] = field.get_default()
        return values
