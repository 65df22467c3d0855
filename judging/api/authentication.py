"""Who is asking: a bearer token, else the browser's session."""

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework import authentication, exceptions
from rest_framework.request import Request

from judging.models import ApiToken, User
from judging.people.tokens import authenticate_token


class TokenAuthentication(authentication.BaseAuthentication):
    """`Authorization: Bearer rlv_…`. Stands first, so that a missing token answers 401 and says what is wanted."""

    keyword = "Bearer"

    def authenticate(self, request: Request) -> tuple[User, ApiToken] | None:
        keyword, _, secret = request.headers.get("Authorization", "").strip().partition(" ")
        if not keyword:
            return None
        if keyword.lower() != self.keyword.lower() or not secret.strip():
            raise exceptions.AuthenticationFailed(f"The Authorization header takes the form: {self.keyword} <token>.")
        token = authenticate_token(secret.strip())
        if token is None:
            raise exceptions.AuthenticationFailed("The token is unknown, has expired or was revoked.")
        return token.user, token

    def authenticate_header(self, request: Request) -> str:
        return f'{self.keyword} realm="releval"'


class TokenScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = TokenAuthentication
    name = "token"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer", "description": "A token of the account page."}
