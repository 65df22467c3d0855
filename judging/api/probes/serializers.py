"""Probe runs, what starts them, and what each probe came to."""

from typing import Any, get_args

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from judging.api.job_fields import COUNT_FIELDS, END_FIELDS
from judging.foundation.limits import MAX_INTEGER
from judging.models import Probe, ProbeRun
from judging.probes.reads import probe_results
from judging.rest.fields import ChoiceField, IntegerField, ListField, ModelSerializer, Serializer, UUIDField
from judging.statistics.figures import Method, RefusedCode
from judging.statistics.probes import Mark, Outcome, ReadingName


class ReadingSerializer(serializers.Serializer[Any]):
    """A number of a probe, with its bounds and the mark that it is held to. Without a value, `refused_code` says why."""

    name = serializers.ChoiceField(choices=get_args(ReadingName))
    value = serializers.FloatField(allow_null=True)
    low = serializers.FloatField(
        allow_null=True,
        help_text="A share's bounds hold with 95 % each (Clopper and Pearson); others: a 95 % interval.",
    )
    high = serializers.FloatField(allow_null=True)
    count = serializers.IntegerField(allow_null=True, help_text="Of `total`, where it is a share.")
    total = serializers.IntegerField()
    mark = serializers.ChoiceField(choices=get_args(Mark), help_text="Empty: shown without a mark.")
    mark_value = serializers.FloatField(allow_null=True)
    method = serializers.ChoiceField(choices=("exact", *get_args(Method)))
    refused_code = serializers.ChoiceField(choices=get_args(RefusedCode), allow_null=True)
    is_met = serializers.BooleanField(allow_null=True)


class ProbeExampleSerializer(serializers.Serializer[Any]):
    """One of the worst answers of a probe."""

    query_id = serializers.UUIDField()
    query = serializers.CharField()
    candidate_id = serializers.CharField(help_text="The document's id; it may be another query's.")
    title = serializers.CharField(help_text="As it was asked about.")
    grade = serializers.IntegerField()
    compared_grade = serializers.IntegerField(allow_null=True, help_text="What it is compared with.")
    reasoning = serializers.CharField()


class ProbeResultSerializer(serializers.Serializer[Any]):
    """What one probe came to."""

    probe = serializers.ChoiceField(choices=Probe.choices)
    outcome = serializers.ChoiceField(choices=get_args(Outcome), help_text="shown: it has no mark.")
    reason = serializers.CharField(help_text="Why it was not run, else empty.")
    wanted_count = serializers.IntegerField()
    graded_count = serializers.IntegerField()
    readings = ReadingSerializer(many=True)
    examples = ProbeExampleSerializer(many=True)


class ProbeRunSerializer(ModelSerializer):
    """Probes of a judge version. judged + failed + pending + skipped = total at every read."""

    ai_judge_id = serializers.UUIDField(source="judge_version.judge_id", read_only=True)
    ai_judge_version = serializers.IntegerField(source="judge_version.number", read_only=True)
    probes = serializers.ListField(
        child=serializers.ChoiceField(choices=Probe.choices),
        read_only=True,
        help_text="Those asked for, and those they are compared with.",
    )
    pending_count = serializers.IntegerField(read_only=True)
    results = serializers.SerializerMethodField(
        help_text="One for each probe; null while it is under way. Without examples for who judges the run blind."
    )

    class Meta:
        model = ProbeRun
        fields = [
            "id",
            "ai_judge_id",
            "ai_judge_version",
            "evaluation_run_id",
            "status",
            "probes",
            *COUNT_FIELDS,
            "results",
            *END_FIELDS,
        ]
        read_only_fields = fields

    @extend_schema_field(ProbeResultSerializer(many=True, allow_null=True))
    def get_results(self, run: ProbeRun) -> Any:
        found = probe_results(run)
        return None if found is None else ProbeResultSerializer(found, many=True).data


class StartProbesSerializer(Serializer):
    """Where queries and documents come from; which version (the current one) and which probes (all) unless given."""

    evaluation_run_id = UUIDField()
    ai_judge_version = IntegerField(required=False, allow_null=True, min_value=1, max_value=MAX_INTEGER)
    probes = ListField(
        child=ChoiceField(choices=Probe.choices), required=False, allow_empty=True, max_length=len(Probe.values)
    )
