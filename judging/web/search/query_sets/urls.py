"""Query sets."""

from django.urls import path

from judging.web.search.query_sets import views

urlpatterns = [
    path("query-sets", views.query_set_list, name="query_sets"),
    path("query-sets/new", views.query_set_create, name="query_set_create"),
    path("query-sets/awkward", views.awkward_queries, name="awkward_queries"),
    path("query-sets/<uuid:query_set_id>", views.query_set, name="query_set"),
    path("query-sets/<uuid:query_set_id>/edit", views.query_set_edit, name="query_set_edit"),
    path("query-sets/<uuid:query_set_id>/archive", views.query_set_archive, name="query_set_archive"),
    path("query-sets/<uuid:query_set_id>/restore", views.query_set_restore, name="query_set_restore"),
    path("query-sets/<uuid:query_set_id>/delete", views.query_set_delete, name="query_set_delete"),
]
