"""The review grid's rows, and the judgments people give."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from judging.api.runs.serializers import QueryField
from judging.foundation.limits import MAX_DOCUMENT_KEY, MAX_INTEGER, MAX_JUDGMENTS, MAX_REASONING
from judging.rest.fields import BooleanField, CharField, DateTimeField, IntegerField, ListField, Serializer, UUIDField
from judging.review.grid import SHOWN_TO_BLIND


@extend_schema_field({"type": "object", "additionalProperties": True})
class FieldsField(serializers.Field[Any, Any, Any, Any]):
    """A document's other fields."""

    def to_representation(self, value: Any) -> Any:
        return value


class AuthoredGradeSerializer(serializers.Serializer[Any]):
    """One person's grade, with their note."""

    author = serializers.CharField(help_text="The e-mail address, or the name that an import gave.")
    grade = serializers.IntegerField()
    reasoning = serializers.CharField()


class CantTellSerializer(serializers.Serializer[Any]):
    """A person who can't tell how relevant a candidate is, and why."""

    person = serializers.CharField(help_text="The e-mail address.")
    reason = serializers.CharField()


# What rows hold that their reader grades blind; whatever else is null.
_OPEN = {"query_id", "candidate_id", "people", "cant_tell", *SHOWN_TO_BLIND}


class CandidateSerializer(serializers.Serializer[Any]):
    """A candidate with everybody's grades: a row of the review grid.

    Rank, and what the AI and others say, are null where its reader grades it blind.
    """

    query_id = serializers.UUIDField(source="run_query_id")
    query = QueryField()
    candidate_id = serializers.CharField(source="document_key", help_text="The document's id.")
    rank = serializers.IntegerField(allow_null=True)
    title = serializers.CharField()
    image = serializers.CharField()
    effective_grade = serializers.IntegerField(allow_null=True)
    people_mean = serializers.FloatField(allow_null=True)
    people_count = serializers.IntegerField(allow_null=True)
    ai_grade = serializers.IntegerField(allow_null=True)
    ai_judge_id = serializers.UUIDField(allow_null=True)
    ai_judge_name = serializers.CharField(allow_null=True)
    reasoning = serializers.CharField(allow_null=True, help_text="The AI's.")
    my_grade = serializers.IntegerField(allow_null=True)
    my_reasoning = serializers.CharField(help_text="Your note.")
    people = AuthoredGradeSerializer(many=True)
    cant_tell = CantTellSerializer(
        many=True, help_text="Who can't tell, and has not graded it since; raters see themselves."
    )
    last_item_status = serializers.CharField(
        allow_null=True, help_text="What the newest AI judging run made of it: judged, failed, or nothing yet."
    )
    failure_code = serializers.CharField(allow_null=True)
    content_changed = serializers.BooleanField(
        allow_null=True, help_text="A grade that counts is older than the content shown."
    )

    def get_fields(self) -> dict[str, Any]:
        # `fields` is the serializer's own name; the document's come in by the dictionary.
        fields = super().get_fields()
        names = list(fields)
        names.insert(names.index("image"), "fields")
        return {name: fields.get(name) or FieldsField() for name in names}

    def to_representation(self, instance: Any) -> dict[str, Any]:
        shown = super().to_representation(instance)
        return shown | dict.fromkeys(shown.keys() - _OPEN) if instance.is_hidden else shown


class GivenJudgmentSerializer(Serializer):
    """A grade for one candidate."""

    candidate_id = CharField(source="document_key", max_length=MAX_DOCUMENT_KEY, trim_whitespace=False)
    grade = IntegerField(allow_null=True, help_text="null takes your own grade back.")
    reasoning = CharField(
        required=False,
        allow_blank=True,
        allow_null=True,
        default=None,
        max_length=MAX_REASONING,
        help_text="Your note. Left out or null: as it was.",
    )
    saw_ai_grade = BooleanField(
        required=False, allow_null=True, default=None, help_text="Whether the AI's grade was visible; null: not known."
    )


class JudgedQuerySerializer(Serializer):
    """Grades for candidates of one query."""

    query_id = UUIDField()
    judgments = ListField(child=GivenJudgmentSerializer(), max_length=MAX_JUDGMENTS, allow_empty=False)


class JudgmentsSerializer(Serializer):
    """Grades for queries of one evaluation run."""

    queries = ListField(child=JudgedQuerySerializer(), max_length=MAX_JUDGMENTS, allow_empty=False)


class ConfirmMatchingSerializer(Serializer):
    """How many candidates the filter was said to leave."""

    expected_count = IntegerField(
        min_value=0, max_value=MAX_INTEGER, help_text="Where another number matches, 409 tells both."
    )


class ConfirmedMatchingSerializer(serializers.Serializer[Any]):
    """What was confirmed; the others that match have no AI grade or one of yours."""

    confirmed_at = serializers.DateTimeField(help_text="Names it, to take it back.")
    confirmed_count = serializers.IntegerField()
    left_alone_count = serializers.IntegerField()


class TakeBackSerializer(Serializer):
    """Which confirmation to take back."""

    confirmed_at = DateTimeField()


class TakenBackSerializer(serializers.Serializer[Any]):
    """How many grades were taken back: those not changed since."""

    taken_back_count = serializers.IntegerField()


class RenewedRowsSerializer(serializers.Serializer[Any]):
    """The rows of the candidates judged, as they are now, in the order given."""

    results = CandidateSerializer(many=True)
