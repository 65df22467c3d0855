"""The pages, by family. A route's name is its page's; navigation shows an entry once its route exists."""

from django.contrib.auth.views import LogoutView
from django.urls import include, path

from judging.web import home, watch
from judging.web.overview import finding, usage
from judging.web.people import account, audit, members, sessions
from judging.web.review import open_runs

urlpatterns = [
    path("", home.home, name="home"),
    path("find", finding.find, name="find"),
    path("usage", usage.usage, name="usage"),
    path("watch", watch.watch, name="watch"),
    path("open-runs", open_runs.all_open_runs, name="all_open_runs"),
    path("", include("judging.web.runs.urls")),
    path("", include("judging.web.search.runs.urls")),
    path("", include("judging.web.judges.urls")),
    path("", include("judging.web.responses.urls")),
    path("", include("judging.web.search.urls")),
    path("", include("judging.web.trust.urls")),
    # Signing in
    path("login", sessions.sign_in, name="login"),
    path("logout", LogoutView.as_view(), name="logout"),
    path("invitations/<str:secret>", sessions.invitation, name="invitation"),
    path("evaluations/runs/<uuid:run_id>/", include("judging.web.review.urls")),
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
