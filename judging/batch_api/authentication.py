"""Who is asking: `Authorization: Api-Key <token>` as the vendor has it, or Bearer; the tokens are those of /api/v1."""

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework import authentication, exceptions
from rest_framework.request import Request

from judging.models import ApiToken, User
from judging.people.tokens import authenticate_token

_KEYWORDS = ("api-key", "bearer")


class ApiKeyAuthentication(authentication.BaseAuthentication):
    def authenticate(self, request: Request) -> tuple[User, ApiToken] | None:
        keyword, _, secret = request.headers.get("Authorization", "").strip().partition(" ")
        if not keyword:
            return None
        if keyword.lower() not in _KEYWORDS or not secret.strip():
            raise exceptions.AuthenticationFailed("The Authorization header takes the form: Api-Key <token>.")
        token = authenticate_token(secret.strip())
        if token is None:
            raise exceptions.AuthenticationFailed("The API key is unknown, has expired or was revoked.")
        return token.user, token

    def authenticate_header(self, request: Request) -> str:
        return 'Api-Key realm="releval"'


class ApiKeyScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = ApiKeyAuthentication
    name = "apiKey"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {
            "type": "apiKey",
            "in": "header",
            "name": "Authorization",
            "description": "`Api-Key <token>`; the token is one of the account page.",
        }
