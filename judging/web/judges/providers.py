"""AI providers: list, make, change, delete, test."""

from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST, require_safe

from judging.foundation.errors import Conflict
from judging.judges.judge_lists import offered_models, provider_list
from judging.judges.providers import delete_provider, save_provider, try_provider
from judging.models import AIProvider, User
from judging.providers.registry import PROVIDER_TYPES, address
from judging.records.connections import connection_of
from judging.records.visibility import get_provider, may_change
from judging.web.base import PageRequest, errors_on, member_required, page_of, page_or_fragment, sentence, tell_and_go
from judging.web.judges.provider_forms import ProviderForm, ProviderTestForm


@require_safe
@member_required
def ai_providers(request: PageRequest) -> HttpResponse:
    page = page_of(request, provider_list(request.user))
    for provider in page.rows:
        provider.address = shown_address_of(provider)
    return render(request, "judging/judges/providers/list.html", {"page": page})


@sensitive_post_parameters("api_key")
@member_required
def ai_provider_create(request: PageRequest) -> HttpResponse:
    form = ProviderForm(request.user, request.POST or None)
    if form.is_valid():
        with errors_on(form):
            provider = save_provider(actor=request.user, **form.values())
            return tell_and_go(
                request,
                f"{provider.name} is saved. Test it with a model before a judge uses it.",
                "ai_provider",
                provider.pk,
            )
    context = {"form": form, "provider_types": PROVIDER_TYPES.values()}
    return render(request, "judging/judges/providers/create.html", context, status=_status(form))


@sensitive_post_parameters("api_key")
@member_required
def ai_provider(request: PageRequest, provider_id: UUID) -> HttpResponse:
    """Show a provider; those who may change it get the form."""
    provider = get_provider(request.user, provider_id)
    form = ProviderForm(request.user, request.POST or None, provider=provider)
    if form.is_valid():
        with errors_on(form):
            provider = save_provider(actor=request.user, provider=provider, **form.values())
            return tell_and_go(request, f"{provider.name} is saved. The next call uses it.", "ai_provider", provider.pk)
    context = {**_context(request.user, provider), "form": form, "test_form": ProviderTestForm()}
    return render(request, "judging/judges/providers/detail.html", context, status=_status(form))


@require_POST
@member_required
def delete_ai_provider(request: PageRequest, provider_id: UUID) -> HttpResponse:
    provider = get_provider(request.user, provider_id)
    name = provider.name
    try:
        delete_provider(actor=request.user, provider=provider)
    except Conflict as refused:
        context = {
            **_context(request.user, provider),
            "form": ProviderForm(request.user, provider=provider),
            "test_form": ProviderTestForm(),
            "refused": sentence(refused.message),
        }
        return render(request, "judging/judges/providers/detail.html", context, status=409)
    return tell_and_go(request, f"{name} is deleted.", "ai_providers")


@require_POST
@member_required
def ai_provider_test(request: PageRequest, provider_id: UUID) -> HttpResponse:
    """Call the service with a model and show what came back; nothing is stored but the models that it lists."""
    provider = get_provider(request.user, provider_id)
    form = ProviderTestForm(request.POST)
    context = {**_context(request.user, provider), "test_form": form}
    if form.is_valid():
        with errors_on(form):
            context |= {
                "test": try_provider(provider=provider, model=form.cleaned_data["model"]),
                "tested_model": form.cleaned_data["model"],
            }
    if not request.htmx:
        context["form"] = ProviderForm(request.user, provider=provider)
    return page_or_fragment(
        request, "judging/judges/providers/detail.html", "judging/judges/providers/_test.html", context
    )


def shown_address_of(provider: AIProvider) -> str:
    """Return where a provider's calls go, fit for display."""
    # The key plays no part in it, and decrypting one for every row of a list would.
    keyless = AIProvider(
        type=provider.type,
        base_url=provider.base_url,
        region=provider.region,
        api_version=provider.api_version,
        deployment=provider.deployment,
    )
    return address(connection_of(keyless))


def _context(user: User, provider: AIProvider) -> dict[str, Any]:
    return {
        "provider": provider,
        "provider_type": PROVIDER_TYPES[provider.type],
        "address": shown_address_of(provider),
        "may_change": may_change(user, provider),
        "known_models": offered_models(user, provider),
    }


def _status(form: ProviderForm) -> int:
    return 400 if form.is_bound else 200
