"""Check samples, what is handed out of them, and their queues."""

from typing import Any

from rest_framework import serializers

from judging.api.review.serializers import FieldsField
from judging.api.runs.serializers import QueryField
from judging.api.trust.serializers import FigureSerializer
from judging.foundation.limits import MAX_DOCUMENT_KEY, MAX_METRIC_NAME, MAX_SKIP_REASON
from judging.models import Goal
from judging.rest.fields import CharField, ChoiceField, FloatField, Serializer, UUIDField

STATUSES = ("open", "reached", "exhausted", "void")


class NewCheckSampleSerializer(Serializer):
    """What a check sample is to find out."""

    evaluation_run_id = UUIDField()
    goal = ChoiceField(choices=Goal.choices)
    metric = CharField(required=False, allow_blank=True, default="", max_length=MAX_METRIC_NAME * 5)
    half_width = FloatField(
        required=False,
        allow_null=True,
        default=None,
        help_text="precision: needed; agreement: of kappa, 0.1 when left out.",
    )
    other_run_id = UUIDField(required=False, allow_null=True, default=None, help_text="compare: needed.")


class GoalWidthSerializer(serializers.Serializer[Any]):
    """How wide the interval is and how wide the goal lets it be."""

    reached = serializers.FloatField(
        help_text="certify: times as wide as if all were graded; else half the width, of precision times 1.1, of compare"
        " at all looks together."
    )
    wanted = serializers.FloatField(help_text="compare: the difference itself.")


class CheckSampleSerializer(serializers.Serializer[Any]):
    """A check sample as it stands: computed from the grades that count now."""

    id = serializers.UUIDField()
    evaluation_run_id = serializers.UUIDField()
    goal = serializers.ChoiceField(choices=Goal.choices)
    metric = serializers.CharField(help_text="Empty for agreement.")
    half_width = serializers.FloatField(allow_null=True)
    other_run_id = serializers.UUIDField(allow_null=True)
    status = serializers.ChoiceField(choices=STATUSES)
    population_count = serializers.IntegerField(help_text="Candidates that the goal is about.")
    graded_count = serializers.IntegerField(help_text="Graded blind, in the beginning of the queue without a gap.")
    skipped_count = serializers.IntegerField(help_text="Skipped in that beginning.")
    ahead_count = serializers.IntegerField(help_text="Graded blind beyond the first gap; they join when it closes.")
    needed_count = serializers.IntegerField(help_text="About how many more grades the goal will take.")
    needed_seconds = serializers.IntegerField(help_text="About how long they will take one person.")
    estimate = FigureSerializer(help_text="What people would say; agreement: quadratic kappa on this run.")
    is_certified = serializers.BooleanField()
    anytime_half_width = serializers.FloatField(
        allow_null=True, help_text="Half the total interval that holds at all looks together: decides a comparison."
    )
    goal_width = GoalWidthSerializer(allow_null=True, required=False, help_text="null: there is no interval yet.")
    created_at = serializers.DateTimeField()


class HandedItemSerializer(serializers.Serializer[Any]):
    """An item to grade. Nobody's grade, no rank and no run stand beside it."""

    position = serializers.IntegerField()
    query_id = serializers.UUIDField(source="candidate.run_query_id", help_text="For POST /judgments and skip.")
    query = QueryField(source="candidate.run_query.body")
    candidate_id = serializers.CharField(source="candidate.document.external_id", help_text="The document's id.")
    title = serializers.CharField(source="candidate.document_version.title")
    image = serializers.CharField(source="candidate.document_version.image")

    def get_fields(self) -> dict[str, Any]:
        # `fields` is the serializer's own name; the document's come in by the dictionary.
        fields = super().get_fields()
        names = list(fields)
        names.insert(names.index("image"), "fields")
        document = FieldsField(source="candidate.document_version.fields")
        return {name: fields.get(name) or document for name in names}


class HandedSerializer(serializers.Serializer[Any]):
    """Items that nobody else gets while they are leased; empty when nothing is left for the caller."""

    items = HandedItemSerializer(many=True)
    leased_until = serializers.DateTimeField(allow_null=True, help_text="Each grade or skip renews it.")


class SkippedSerializer(Serializer):
    """An item of which one can't tell how relevant it is."""

    query_id = UUIDField()
    candidate_id = CharField(max_length=MAX_DOCUMENT_KEY, trim_whitespace=False)
    reason = CharField(max_length=MAX_SKIP_REASON)


class QueueItemSerializer(serializers.Serializer[Any]):
    """An item of the queue."""

    position = serializers.IntegerField()
    query_id = serializers.UUIDField(source="run_query_id", allow_null=True)
    candidate_id = serializers.CharField(source="document_key")
    size = serializers.FloatField(help_text="Its probability is in proportion to it, until that is 1.")
    probability = serializers.FloatField(help_text="Of being among as many as are graded now.")
