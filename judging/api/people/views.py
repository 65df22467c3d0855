"""Who am I, members, invitations, tokens, the audit list."""

from uuid import UUID

from django.urls import reverse
from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request
from rest_framework.response import Response

from judging.api.base import ApiView, describe
from judging.api.people.serializers import (
    AuditEventSerializer,
    InvitationSerializer,
    MemberChangeSerializer,
    MemberSerializer,
    NewInvitationSerializer,
    NewTokenSerializer,
    TokenSerializer,
)
from judging.foundation.errors import NotFound
from judging.models import ApiToken, Invitation, User
from judging.people import accounts, tokens
from judging.people.audit_lists import audit_events
from judging.people.members import members
from judging.rest.permissions import AdminsOnly, AnyRole

_MEMBER_SEARCH = OpenApiParameter("search", str, description="Part of the name or e-mail address.")
_AUDIT_FILTERS = [
    OpenApiParameter("by", str, description="A member's id, or `command-line`."),
    OpenApiParameter("action", str, description="As in an event."),
    OpenApiParameter("search", str, description="Part of the thing's name, or its id."),
]


class Me(ApiView):
    permission_classes = [AnyRole]

    @describe("Tell who is asking", answer=MemberSerializer)
    def get(self, request: Request) -> Response:
        return Response(MemberSerializer(self.user).data)


class MemberList(ApiView):
    permission_classes = [AdminsOnly]

    @describe("List the members", answer=MemberSerializer, many=True, query=[_MEMBER_SEARCH])
    def get(self, request: Request) -> Response:
        found = members(actor=self.user, search=request.query_params.get("search", "").strip())
        return self.page(found, MemberSerializer, order=("email",))

    @describe(
        "Invite a member",
        body=InvitationSerializer,
        answer=NewInvitationSerializer,
        status=201,
        description="Answers an invitation with its link. No mail is sent: pass the link on.",
    )
    def post(self, request: Request) -> Response:
        invitation, secret = accounts.invite_member(actor=self.user, **self.body(InvitationSerializer))
        link = request.build_absolute_uri(reverse("invitation", args=[secret]))
        return Response(NewInvitationSerializer(invitation, context={"link": link}).data, status=201)


class MemberDetail(ApiView):
    permission_classes = [AdminsOnly]

    @describe("Show a member", answer=MemberSerializer)
    def get(self, request: Request, member_id: UUID) -> Response:
        member = User.objects.filter(pk=member_id).first()
        if member is None:
            raise NotFound("no such member")
        return Response(MemberSerializer(member).data)

    @describe("Change a member", body=MemberChangeSerializer, answer=MemberSerializer, conflict="last_admin")
    def patch(self, request: Request, member_id: UUID) -> Response:
        changes = self.body(MemberChangeSerializer, partial=True)
        member = accounts.update_member(actor=self.user, member_id=member_id, **changes)
        return Response(MemberSerializer(member).data)

    @describe(
        "Deactivate a member",
        status=204,
        conflict="last_admin",
        description="The account is closed, its tokens stop working; what it judged stays. PATCH opens it again.",
    )
    def delete(self, request: Request, member_id: UUID) -> Response:
        accounts.deactivate_member(actor=self.user, member_id=member_id)
        return Response(status=204)


class AuditList(ApiView):
    permission_classes = [AdminsOnly]

    @describe("List who did what, newest first", answer=AuditEventSerializer, many=True, query=_AUDIT_FILTERS)
    def get(self, request: Request) -> Response:
        asked = {name: request.query_params.get(name, "") for name in ("by", "action", "search")}
        return self.page(audit_events(actor=self.user, **asked), AuditEventSerializer, order=("-id",))


class InvitationList(ApiView):
    permission_classes = [AdminsOnly]

    @describe("List the invitations", answer=InvitationSerializer, many=True)
    def get(self, request: Request) -> Response:
        return self.page(Invitation.objects.all(), InvitationSerializer, order=("-created_at", "id"))


class InvitationDetail(ApiView):
    permission_classes = [AdminsOnly]

    @describe("Revoke an invitation", status=204, conflict="already_accepted")
    def delete(self, request: Request, invitation_id: UUID) -> Response:
        invitation = Invitation.objects.filter(pk=invitation_id).first()
        if invitation is None:
            raise NotFound("no such invitation")
        accounts.revoke_invitation(actor=self.user, invitation=invitation)
        return Response(status=204)


class TokenList(ApiView):
    """One's own: nobody sees another's."""

    permission_classes = [AnyRole]

    @describe("List one's tokens", answer=TokenSerializer, many=True)
    def get(self, request: Request) -> Response:
        return self.page(ApiToken.objects.filter(user=self.user), TokenSerializer, order=("-created_at", "id"))

    @describe("Make a token", body=TokenSerializer, answer=NewTokenSerializer, status=201)
    def post(self, request: Request) -> Response:
        token, secret = tokens.create_token(actor=self.user, user=self.user, **self.body(TokenSerializer))
        return Response(NewTokenSerializer(token, context={"secret": secret}).data, status=201)


class TokenDetail(ApiView):
    permission_classes = [AnyRole]

    @describe("Revoke a token", status=204)
    def delete(self, request: Request, token_id: UUID) -> Response:
        token = ApiToken.objects.filter(pk=token_id, user=self.user).first()
        if token is None:
            raise NotFound("no such token")
        tokens.revoke_token(actor=self.user, token=token)
        return Response(status=204)
