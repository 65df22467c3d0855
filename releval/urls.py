"""The root of all URLs."""

from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path

from judging.api import openapi
from judging.api.views import health, metrics

urlpatterns: list[URLPattern | URLResolver] = [
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("metrics", metrics.metrics, name="metrics"),
    path("api/v1/", include("judging.api.urls")),
    path("v1/", include("judging.batch_api.urls")),
    path("api/schema", openapi.schema, name="api-schema"),
    path("api/docs", openapi.docs, name="api-docs"),
    path("admin/", admin.site.urls),
    path("", include("judging.web.urls")),
]

handler400 = "releval.errors.bad_request"
handler403 = "releval.errors.permission_denied"
handler404 = "releval.errors.page_not_found"
handler500 = "releval.errors.server_error"
