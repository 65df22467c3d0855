"""Django's admin site. It writes users and tokens only; everything else is written by its own acts."""

from typing import Any

from django.apps import apps
from django.contrib import admin, messages
from django.core.paginator import Paginator
from django.db import models
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponseRedirect

from judging import models as domain
from judging.foundation.errors import DomainError
from judging.people import accounts, tokens

_SECRETS = frozenset({"encrypted_api_key", "token_hash", "password"})


class _UncountedPaginator(Paginator):  # type: ignore[type-arg]
    """Pages of a big table: nobody counts a million rows to show fifty."""

    LIMIT = 10_000

    @property
    def count(self) -> int:
        rows = self.object_list
        return rows[: self.LIMIT].count() if isinstance(rows, models.QuerySet) else len(rows)


class ReadOnlyAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Show a model and change nothing of it. Secrets are not even columns."""

    show_full_result_count = False
    paginator = _UncountedPaginator
    list_per_page = 50
    list_select_related = False

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return [field.name for field in self.model._meta.concrete_fields if field.name not in _SECRETS]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return self.get_fields(request, obj)

    def get_list_display(self, request: HttpRequest) -> Any:
        # Plain columns: a relation would be read row by row.
        return [
            field.name
            for field in self.model._meta.concrete_fields
            if field.name not in _SECRETS
            and not field.is_relation
            and not isinstance(field, models.TextField | models.JSONField)
        ][:10]

    def get_ordering(self, request: HttpRequest) -> Any:
        return ["pk"]


@admin.register(domain.User)
class MemberAdmin(ReadOnlyAdmin):
    """Name, role and whether active can be changed, by the service that everything else calls, too."""

    list_filter = ["role", "is_active"]
    search_fields = ["email", "name"]

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return isinstance(request.user, domain.User) and request.user.is_active and request.user.is_admin

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return [name for name in self.get_fields(request, obj) if name not in ("name", "role", "is_active")]

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        # Roles decide here, not Django's superuser flag.
        return [name for name in super().get_fields(request, obj) if name != "is_superuser"]

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        try:
            return super().changeform_view(request, *args, **kwargs)
        except DomainError as error:
            # Nothing was written: the view's transaction is gone.
            self.message_user(request, error.message, messages.ERROR)
            return HttpResponseRedirect(request.get_full_path())

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        assert isinstance(request.user, domain.User)
        accounts.update_member(
            actor=request.user, member_id=obj.pk, role=obj.role, is_active=obj.is_active, name=obj.name
        )


@admin.register(domain.ApiToken)
class TokenAdmin(ReadOnlyAdmin):
    """Tokens can be revoked."""

    search_fields = ["name", "prefix", "user__email"]
    actions = ["revoke"]

    @admin.action(description="Revoke the selected tokens")
    def revoke(self, request: HttpRequest, chosen: QuerySet[domain.ApiToken]) -> None:
        assert isinstance(request.user, domain.User)
        for token in chosen:
            tokens.revoke_token(actor=request.user, token=token)


def _register_read_only() -> None:
    for model in apps.get_app_config("judging").get_models():
        if not admin.site.is_registered(model):
            admin.site.register(model, ReadOnlyAdmin)
    # The task queue, groups and failed sign-ins bring pages of their own that write; queue.py, roles and time are the
    # only way to these.
    for app_label in ("django_q", "auth", "axes"):
        for model in apps.get_app_config(app_label).get_models():
            if admin.site.is_registered(model):
                admin.site.unregister(model)


_register_read_only()
