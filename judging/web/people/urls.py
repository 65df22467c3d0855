"""Signing in, the account, the team and the audit list."""

from django.contrib.auth.views import LogoutView
from django.urls import path

from judging.web.people import account, audit, members, sessions

urlpatterns = [
    # Signing in
    path("login", sessions.sign_in, name="login"),
    path("logout", LogoutView.as_view(), name="logout"),
    path("invitations/<str:secret>", sessions.invitation, name="invitation"),
    # The user's account
    path("account", account.account, name="account"),
    path("account/password", account.password, name="password"),
    path("account/tokens", account.create_account_token, name="create_token"),
    path("account/tokens/<uuid:token_id>/revoke", account.revoke_account_token, name="revoke_token"),
    # The team
    path("members", members.members, name="members"),
    path("members/invitations", members.invite, name="invite_member"),
    path("members/invitations/<uuid:invitation_id>/revoke", members.revoke_member_invitation, name="revoke_invitation"),
    path("members/<uuid:member_id>", members.change_member, name="change_member"),
    path("audit", audit.audit, name="audit"),
]
