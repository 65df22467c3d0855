"""AI providers."""

from typing import Any
from uuid import UUID

from rest_framework.request import Request
from rest_framework.response import Response

from judging.api.base import ApiView, describe
from judging.api.judges.provider_serializers import (
    ProviderSerializer,
    ProviderTestAnswerSerializer,
    ProviderTestSerializer,
)
from judging.judges import providers
from judging.models import AIProvider
from judging.records.visibility import get_provider, visible_providers


class ProviderList(ApiView):
    @describe("List the AI providers that one sees", answer=ProviderSerializer, many=True)
    def get(self, request: Request) -> Response:
        return self.page(visible_providers(self.user), ProviderSerializer, order=("name", "id"))

    @describe("Make an AI provider", body=ProviderSerializer, answer=ProviderSerializer, status=201)
    def post(self, request: Request) -> Response:
        provider = _save(self, self.body(ProviderSerializer))
        return Response(ProviderSerializer(provider).data, status=201)


class ProviderDetail(ApiView):
    @describe("Show an AI provider", answer=ProviderSerializer)
    def get(self, request: Request, provider_id: UUID) -> Response:
        return Response(ProviderSerializer(get_provider(self.user, provider_id)).data)

    @describe(
        "Replace an AI provider",
        body=ProviderSerializer,
        answer=ProviderSerializer,
        conflict="provider_in_use, undecryptable",
        description="What is left out takes its default; the key and `shared` stay as they are.",
    )
    def put(self, request: Request, provider_id: UUID) -> Response:
        provider = get_provider(self.user, provider_id)
        given = self.body(ProviderSerializer, full=True)
        if "shared" not in self.request.data:
            given["shared"] = provider.shared
        return Response(ProviderSerializer(_save(self, given, provider)).data)

    @describe(
        "Change an AI provider",
        body=ProviderSerializer,
        answer=ProviderSerializer,
        conflict="provider_in_use, undecryptable",
        description="An address on another host needs the key given again.",
    )
    def patch(self, request: Request, provider_id: UUID) -> Response:
        provider = get_provider(self.user, provider_id)
        return Response(ProviderSerializer(_save(self, self.body(ProviderSerializer, partial=True), provider)).data)

    @describe("Delete an AI provider", status=204, conflict="provider_in_use")
    def delete(self, request: Request, provider_id: UUID) -> Response:
        providers.delete_provider(actor=self.user, provider=get_provider(self.user, provider_id))
        return Response(status=204)


class ProviderTest(ApiView):
    @describe(
        "Call an AI provider and tell what comes back",
        body=ProviderTestSerializer,
        answer=ProviderTestAnswerSerializer,
    )
    def post(self, request: Request, provider_id: UUID) -> Response:
        provider = get_provider(self.user, provider_id)
        result = providers.try_provider(provider=provider, **self.body(ProviderTestSerializer))
        return Response(ProviderTestAnswerSerializer(result).data)


def _save(view: ApiView, given: dict[str, Any], provider: AIProvider | None = None) -> AIProvider:
    fields = dict(given)
    api_key = fields.pop("api_key", None)
    return providers.save_provider(actor=view.user, fields=fields, provider=provider, api_key=api_key)
