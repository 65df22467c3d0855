"""AI judging runs, what starts them, and their items."""

from typing import Any

from rest_framework import serializers

from judging.api.job_fields import END_FIELDS
from judging.foundation.limits import MAX_BIG_INTEGER, MAX_CONCURRENCY, MAX_INTEGER
from judging.judging_runs.slowness import CAUSES
from judging.models import JudgingItem, JudgingRun, Scope, Throttle
from judging.rest.fields import BooleanField, ChoiceField, IntegerField, ModelSerializer, Serializer, UUIDField


class WarningSerializer(serializers.Serializer[Any]):
    """What people should know of how a run went."""

    code = serializers.CharField(help_text="prompt_cut: the service read far fewer tokens than were sent.")
    message = serializers.CharField()


class SlownessSerializer(serializers.Serializer[Any]):
    """What holds a run up at present."""

    cause = serializers.ChoiceField(
        choices=list(CAUSES.items()), help_text="; ".join(f"{c}: {t}" for c, t in CAUSES.items())
    )
    message = serializers.CharField()
    since = serializers.DateTimeField(allow_null=True, help_text="Null: not known.")


class JudgingRunSerializer(ModelSerializer):
    """An AI judging run. judged + failed + pending + skipped = total at every read."""

    ai_judge_id = serializers.UUIDField(source="judge_version.judge_id", read_only=True)
    ai_judge_name = serializers.CharField(source="judge_version.name", read_only=True)
    ai_judge_version = serializers.IntegerField(source="judge_version.number", read_only=True)
    progress = serializers.FloatField(read_only=True, help_text="(judged + failed) / total; 1 when total is 0.")
    pending_count = serializers.IntegerField(read_only=True)
    cost = serializers.FloatField(
        read_only=True,
        allow_null=True,
        help_text="In the currency of the judge's prices; null when it has none, or when tokens were not reported.",
    )
    usage_estimated = serializers.BooleanField(
        read_only=True, help_text="Tokens and cost are estimates in part: the provider counted none for some calls."
    )
    warnings = WarningSerializer(many=True, read_only=True)

    throttled_by = serializers.ChoiceField(
        choices=Throttle.choices,
        read_only=True,
        allow_null=True,
        help_text="What holds the run up at present: a limit set on its AI provider, or the provider's answers (429).",
    )
    throttled_since = serializers.DateTimeField(read_only=True, allow_null=True)
    slowed_by = SlownessSerializer(
        source="slowness",
        read_only=True,
        allow_null=True,
        help_text="What holds an active run up, as pages say it; null: nothing does.",
    )

    class Meta:
        model = JudgingRun
        fields = [
            "id",
            "evaluation_run_id",
            "ai_judge_id",
            "ai_judge_name",
            "ai_judge_version",
            "status",
            "scope",
            "source_run_id",
            "depth",
            "query_limit",
            "max_concurrency",
            "max_total_tokens",
            "trial",
            "made_current_at",
            "throttled_by",
            "throttled_since",
            "slowed_by",
            "progress",
            "total_count",
            "judged_count",
            "failed_count",
            "pending_count",
            "skipped_count",
            "call_count",
            "reask_count",
            "input_tokens",
            "output_tokens",
            "usage_estimated",
            "warnings",
            "cost",
            *END_FIELDS,
        ]
        read_only_fields = fields
        extra_kwargs = {
            "trial": {"help_text": "Its grades are kept with its items and are no judgments."},
            "made_current_at": {"help_text": "When somebody made its grades count (make-current); null: never."},
        }


class StartSerializer(Serializer):
    """Which judge, on what, and within which limits; null and left out mean the default."""

    ai_judge_id = UUIDField()
    scope = ChoiceField(choices=Scope.choices, required=False, default=Scope.ALL)
    source_run_id = UUIDField(
        required=False,
        allow_null=True,
        help_text="For the scopes failed and remaining; the newest ended one if not given.",
    )
    depth = IntegerField(required=False, allow_null=True, min_value=1, max_value=MAX_INTEGER)
    query_limit = IntegerField(required=False, allow_null=True, min_value=1, max_value=MAX_INTEGER)
    max_concurrency = IntegerField(required=False, allow_null=True, min_value=1, max_value=MAX_CONCURRENCY)
    max_total_tokens = IntegerField(required=False, allow_null=True, min_value=1, max_value=MAX_BIG_INTEGER)
    trial = BooleanField(
        required=False,
        default=False,
        allow_null=True,
        help_text="Keep its grades with its items: no judgment is written and no metric changes.",
    )


class EstimateSerializer(serializers.Serializer[Any]):
    """What an AI judging run would come to."""

    candidates = serializers.IntegerField()
    calls = serializers.IntegerField()
    input_tokens = serializers.IntegerField()
    output_tokens = serializers.IntegerField()
    cost = serializers.FloatField(allow_null=True, help_text="null: the judge has no prices.")
    seconds = serializers.FloatField(allow_null=True, help_text="null: not known yet.")
    basis = serializers.ChoiceField(
        choices=["earlier_run", "sample", "nothing"],
        help_text="Measured by the same judge's newest run, counted on sampled prompts, or nothing is in scope.",
    )
    replaced_count = serializers.IntegerField(
        help_text="How many of the candidates have an AI grade of record, which the new one replaces. 0 for a trial."
    )


class ReplacedSerializer(serializers.Serializer[Any]):
    """A source of AI grades of record whose place a judging run takes."""

    judging_run_id = serializers.UUIDField(allow_null=True, help_text="null: imported; these can't come back.")
    judge_label = serializers.CharField()
    count = serializers.IntegerField()


class EffectSerializer(serializers.Serializer[Any]):
    """What it does to the AI grades of record when a judging run's grades count."""

    changed_count = serializers.IntegerField(help_text="Grades of record that get another value.")
    added_count = serializers.IntegerField(help_text="Candidates that had no AI grade.")
    unchanged_count = serializers.IntegerField(help_text="Grades of record that keep their value.")
    replaced = ReplacedSerializer(many=True, help_text="Whose place it takes, the unchanged ones included.")
    back_to_id = serializers.UUIDField(
        allow_null=True,
        help_text="The judging run whose make-current brings back exactly what was there; null: none does.",
    )


class JudgingItemSerializer(ModelSerializer):
    """What an AI judging run said of one candidate: a grade, or a failure."""

    query_id = serializers.UUIDField(source="run_query_id", read_only=True)
    candidate_id = serializers.CharField(source="candidate.document.external_id", read_only=True)
    rank = serializers.IntegerField(
        source="candidate.listed_rank", read_only=True, allow_null=True, help_text="Null: it fell out of the list."
    )
    raw_reply = serializers.SerializerMethodField(help_text="The reply the outcome was read from, as it came.")

    class Meta:
        model = JudgingItem
        fields = [
            "query_id",
            "candidate_id",
            "rank",
            "status",
            "grade",
            "reasoning",
            "failure_code",
            "failure_message",
            "raw_reply",
        ]
        read_only_fields = fields

    def get_raw_reply(self, item: JudgingItem) -> str:
        return item.call.raw_reply if item.call else ""
