"""Query templates."""

from django.urls import path

from judging.web.search.query_templates import versions, views

urlpatterns = [
    path("query-templates", views.query_template_list, name="query_templates"),
    path("query-templates/new", views.query_template_create, name="query_template_create"),
    path("query-templates/<uuid:query_template_id>", views.query_template, name="query_template"),
    path(
        "query-templates/<uuid:query_template_id>/versions",
        versions.query_template_versions,
        name="query_template_versions",
    ),
    path(
        "query-templates/<uuid:query_template_id>/archive",
        views.query_template_archive,
        name="query_template_archive",
    ),
    path(
        "query-templates/<uuid:query_template_id>/restore",
        views.query_template_restore,
        name="query_template_restore",
    ),
    path("query-templates/<uuid:query_template_id>/delete", views.query_template_delete, name="query_template_delete"),
]
