"""People, invitations and tokens."""

from rest_framework import serializers

from judging.models import ApiToken, AuditEvent, Invitation, Role, User
from judging.rest.fields import BooleanField, ChoiceField, ModelSerializer


class MemberSerializer(ModelSerializer):
    class Meta:
        model = User
        fields = ["id", "email", "name", "role", "is_active", "created_at", "last_login"]
        read_only_fields = ["id", "email", "created_at", "last_login"]


class MemberChangeSerializer(MemberSerializer):
    """What an admin may change of a member."""

    role = ChoiceField(choices=Role.choices, required=False)
    is_active = BooleanField(required=False)


class InvitationSerializer(ModelSerializer):
    class Meta:
        model = Invitation
        fields = ["id", "email", "role", "created_at", "expires_at", "accepted_at"]
        read_only_fields = ["id", "created_at", "expires_at", "accepted_at"]


class NewInvitationSerializer(InvitationSerializer):
    """An invitation with its link, which no later answer has."""

    link = serializers.SerializerMethodField(help_text="Shown this once. Whoever opens it makes the account.")

    class Meta(InvitationSerializer.Meta):
        fields = [*InvitationSerializer.Meta.fields, "link"]

    def get_link(self, invitation: Invitation) -> str:
        return str(self.context["link"])


class AuditEventSerializer(ModelSerializer):
    actor_name = serializers.CharField(help_text="The member, or the command line.")

    class Meta:
        model = AuditEvent
        fields = [
            "id",
            "created_at",
            "actor_id",
            "actor_name",
            "action",
            "subject_type",
            "subject_id",
            "subject_name",
            "detail",
        ]
        read_only_fields = fields


class TokenSerializer(ModelSerializer):
    class Meta:
        model = ApiToken
        fields = ["id", "name", "prefix", "created_at", "last_used_at", "expires_at", "revoked_at"]
        read_only_fields = ["id", "prefix", "created_at", "last_used_at", "revoked_at"]


class NewTokenSerializer(TokenSerializer):
    """A token with its secret, which no later answer has."""

    token = serializers.SerializerMethodField(help_text="The secret, shown this once.")

    class Meta(TokenSerializer.Meta):
        fields = [*TokenSerializer.Meta.fields, "token"]

    def get_token(self, token: ApiToken) -> str:
        return str(self.context["secret"])
