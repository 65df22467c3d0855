"""Search endpoints."""

from django.urls import path

from judging.web.search.endpoints import views

urlpatterns = [
    path("endpoints", views.search_endpoints, name="search_endpoints"),
    path("endpoints/new", views.search_endpoint_create, name="search_endpoint_create"),
    path("endpoints/<uuid:endpoint_id>", views.search_endpoint, name="search_endpoint"),
    path("endpoints/<uuid:endpoint_id>/archive", views.archive_search_endpoint, name="archive_search_endpoint"),
    path("endpoints/<uuid:endpoint_id>/restore", views.restore_search_endpoint, name="restore_search_endpoint"),
    path("endpoints/<uuid:endpoint_id>/delete", views.delete_search_endpoint, name="delete_search_endpoint"),
]
