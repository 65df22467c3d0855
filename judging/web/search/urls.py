"""What searches are made with, and their runs."""

from django.urls import include, path

urlpatterns = [
    path("", include("judging.web.search.runs.urls")),
    path("search/", include("judging.web.search.endpoints.urls")),
    path("search/", include("judging.web.search.lab.urls")),
    path("search/", include("judging.web.search.query_sets.urls")),
    path("search/", include("judging.web.search.query_templates.urls")),
    path("search/", include("judging.web.search.analyses.urls")),
]
