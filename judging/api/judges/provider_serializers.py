"""AI providers. A key goes in and never comes out."""

from rest_framework import serializers

from judging.foundation.limits import MAX_API_KEY, MAX_MODEL
from judging.judges.judge_lists import known_models
from judging.models import AIProvider
from judging.rest.fields import BooleanField, CharField, ModelSerializer, Serializer


class ProviderSerializer(ModelSerializer):
    api_key = CharField(
        write_only=True,
        required=False,
        allow_blank=True,
        allow_null=True,
        max_length=MAX_API_KEY,
        help_text='Left out or null: the stored key stays. "": it is removed.',
    )
    has_api_key = serializers.BooleanField(read_only=True)
    shared = BooleanField(required=False, help_text="The team's, made by admins; else yours alone.")
    known_models = serializers.SerializerMethodField(help_text="Names of models to begin with; any other can be used.")

    class Meta:
        model = AIProvider
        fields = [
            "id",
            "type",
            "name",
            "base_url",
            "region",
            "api_version",
            "deployment",
            "api_key",
            "has_api_key",
            "max_concurrency",
            "requests_per_minute",
            "shared",
            "known_models",
            "owner",
            "created_at",
            "updated_at",
        ]
        read_only_fields = ["id", "owner", "created_at", "updated_at"]

    def get_known_models(self, provider: AIProvider) -> list[str]:
        return known_models(provider.type, provider.listed_models)


class ProviderTestSerializer(Serializer):
    model = CharField(max_length=MAX_MODEL)


class ProviderTestAnswerSerializer(Serializer):
    ok = serializers.BooleanField()
    message = serializers.CharField()
    latency_ms = serializers.IntegerField()
    models = serializers.ListField(
        child=serializers.CharField(), allow_null=True, help_text="The models it names, null where it names none."
    )
