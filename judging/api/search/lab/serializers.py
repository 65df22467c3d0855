"""The query lab: one query asked of several sides, and what each finds."""

from rest_framework import serializers

from judging.api.judges.serializers import QueryBodyField
from judging.api.search.query_templates.serializers import WrittenTemplateSerializer
from judging.foundation.limits import DEFAULT_DEPTH, MAX_DEPTH, MAX_LAB_SIDES
from judging.rest.fields import IntegerField, ListField, Serializer, UUIDField


class LabSideSerializer(Serializer):
    endpoint_id = UUIDField()
    query_template_id = UUIDField(required=False, allow_null=True)
    template = WrittenTemplateSerializer(
        required=False, help_text="Beside a query_template_id, what is given here takes its place."
    )
    depth = IntegerField(required=False, default=DEFAULT_DEPTH, min_value=1, max_value=MAX_DEPTH)


class LabSerializer(Serializer):
    query = QueryBodyField()
    sides = ListField(child=LabSideSerializer(), min_length=1, max_length=MAX_LAB_SIDES)


class KnownGradeSerializer(Serializer):
    scale = serializers.CharField()
    grade = serializers.IntegerField()
    by = serializers.ChoiceField(choices=["people", "ai"])
    authors = serializers.ListField(child=serializers.CharField(), help_text="The people, or the AI judge.")


class LabCandidateSerializer(Serializer):
    rank = serializers.IntegerField()
    id = serializers.CharField()
    title = serializers.CharField()
    image = serializers.CharField()
    score = serializers.FloatField(allow_null=True)
    fields = serializers.DictField()  # type: ignore[assignment]
    grades = KnownGradeSerializer(
        many=True, help_text="The grade that counts in the corpus for this query, on each scale that has one."
    )
    first_rank = serializers.IntegerField(allow_null=True, help_text="Its rank in the list of the first side.")
    is_only_here = serializers.BooleanField(help_text="No other side found it.")


class SideAnswerSerializer(Serializer):
    endpoint_id = serializers.UUIDField(source="side.endpoint.pk")
    endpoint_name = serializers.CharField(source="side.endpoint.name")
    corpus_id = serializers.UUIDField(source="side.endpoint.corpus_id")
    depth = serializers.IntegerField(source="side.depth")
    status = serializers.ChoiceField(choices=["answered", "empty", "failed"])
    failure_code = serializers.CharField()
    failure_message = serializers.CharField()
    total = serializers.IntegerField(allow_null=True)
    milliseconds = serializers.IntegerField(allow_null=True, help_text="Of all its requests together.")
    rbo = serializers.FloatField(allow_null=True, help_text="Of this list and the first side's; null: one failed.")
    jaccard = serializers.FloatField(allow_null=True, help_text="The same, over the whole lists.")
    candidates = LabCandidateSerializer(many=True)


class LabAnswerSerializer(Serializer):
    query = serializers.JSONField()
    sides = SideAnswerSerializer(many=True)
