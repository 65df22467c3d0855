"""The root of all URLs."""

from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path, re_path

from judging.api import openapi
from judging.api.operations import health, metrics
from judging.api.unknown import Unknown as ApiUnknown
from judging.batch_api.unknown import Unknown as BatchApiUnknown

urlpatterns: list[URLPattern | URLResolver] = [
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("metrics", metrics.metrics, name="metrics"),
    path("api/v1/", include("judging.api.urls")),
    path("v1/", include("judging.batch_api.urls")),
    path("api/schema", openapi.schema, name="api-schema"),
    path("api/docs", openapi.docs, name="api-docs"),
    # Whatever else begins like an API is answered as one, in development, too.
    re_path(r"^api(/.*)?$", ApiUnknown.as_view()),
    re_path(r"^v1$", BatchApiUnknown.as_view()),
    path("admin/", admin.site.urls),
    path("", include("judging.web.urls")),
]

handler400 = "releval.errors.bad_request"
handler403 = "releval.errors.permission_denied"
handler404 = "releval.errors.page_not_found"
handler500 = "releval.errors.server_error"
