"""Who judges a run, and which queries are assigned to whom."""

from typing import Any

from rest_framework import serializers

from judging.api.runs.serializers import QueryField
from judging.api.trust.serializers import FigureSerializer
from judging.foundation.limits import MAX_ASSIGNED_PEOPLE, MAX_ASSIGNED_QUERIES
from judging.rest.fields import BooleanField, ListField, Serializer, UUIDField


class AssignmentSerializer(Serializer):
    """People, and the queries that they are to grade."""

    people = ListField(child=UUIDField(), max_length=MAX_ASSIGNED_PEOPLE, help_text="Ids of members and raters.")
    query_ids = ListField(
        child=UUIDField(),
        required=False,
        allow_empty=False,
        max_length=MAX_ASSIGNED_QUERIES,
        help_text="These queries to all of the people, and to nobody else. Left out: a fair share of the run to each.",
    )
    only_unassigned = BooleanField(
        required=False, default=False, help_text="Without `query_ids`: share out only what nobody has."
    )


class UnassignedSerializer(serializers.Serializer[Any]):
    """What nobody has: offered to everybody without an assignment."""

    query_count = serializers.IntegerField()
    left_count = serializers.IntegerField(help_text="Of their candidates, those that still want a grade.")


class BesideOthersSerializer(serializers.Serializer[Any]):
    """A person's grades beside the other people's, where they share candidates; all grades as they stand."""

    candidate_count = serializers.IntegerField()
    bias = serializers.FloatField(help_text="The own grade minus the others' mean, on average.")
    kappa_quadratic = FigureSerializer(source="kappa")


class PersonAtWorkSerializer(serializers.Serializer[Any]):
    """A person's part in a run."""

    member_id = serializers.UUIDField(source="person.user.pk")
    email = serializers.CharField(source="person.user.email")
    name = serializers.CharField(source="person.user.name")
    role = serializers.CharField(source="person.user.role")
    is_active = serializers.BooleanField(source="person.user.is_active")
    query_count = serializers.IntegerField(source="person.query_count", help_text="Assigned to them.")
    candidate_count = serializers.IntegerField(source="person.candidate_count", help_text="Of those queries.")
    left_count = serializers.IntegerField(
        source="person.left_count", help_text="Of those candidates, the ones that still want their grade."
    )
    graded_count = serializers.IntegerField(source="person.graded_count", help_text="In the whole run.")
    cant_tell_count = serializers.IntegerField(source="person.cant_tell_count")
    last_graded_at = serializers.DateTimeField(source="person.last_graded_at", allow_null=True)
    seconds_per_grade = serializers.FloatField(
        source="person.seconds_per_grade", allow_null=True, help_text="Median of the newest, without pauses."
    )
    agreement = BesideOthersSerializer(allow_null=True, help_text="null: nobody else graded what they did.")


class PeopleAtWorkSerializer(serializers.Serializer[Any]):
    """Who judges a run."""

    unassigned = UnassignedSerializer()
    people = PersonAtWorkSerializer(many=True)


class OpenRunSerializer(serializers.Serializer[Any]):
    """A run in which something is left for you to grade."""

    run_id = serializers.UUIDField(source="run.pk")
    name = serializers.CharField(source="run.name")
    evaluation_id = serializers.UUIDField(source="run.evaluation_id")
    left_count = serializers.IntegerField(help_text="Candidates that still want your grade, within what is assigned.")
    is_assigned = serializers.BooleanField(help_text="Queries of it are assigned to you.")


class OpenRunsSerializer(serializers.Serializer[Any]):
    """What is open for you."""

    results = OpenRunSerializer(many=True)


class AssigneeSerializer(serializers.Serializer[Any]):
    """A person to whom a query is assigned."""

    member_id = serializers.UUIDField(source="pk")
    email = serializers.CharField()


class AssignedQuerySerializer(serializers.Serializer[Any]):
    """A query of a run, and the people to whom it is assigned."""

    query_id = serializers.UUIDField(source="query.pk")
    query = QueryField(source="query.body")
    candidate_count = serializers.IntegerField(source="query.candidate_count")
    judged_count = serializers.IntegerField(source="query.judged_count")
    people = AssigneeSerializer(many=True)
