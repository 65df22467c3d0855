"""Permissions: Admin > Member > Rater. A rater sees evaluation runs and submits judgments, nothing else."""

from typing import Any

from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from judging.models import User


class AnyRole(BasePermission):
    """Everyone with an account, raters included."""

    def has_permission(self, request: Request, view: Any) -> bool:
        return isinstance(request.user, User) and self.is_allowed(request.user)

    def is_allowed(self, user: User) -> bool:
        return True


class MembersOnly(AnyRole):
    message = "Members only."

    def is_allowed(self, user: User) -> bool:
        return user.is_member


class AdminsOnly(AnyRole):
    message = "Admins only."

    def is_allowed(self, user: User) -> bool:
        return user.is_admin
