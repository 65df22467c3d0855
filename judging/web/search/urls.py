"""What searches are made with."""

from django.urls import include, path

urlpatterns = [
    path("search/", include("judging.web.search.endpoints.urls")),
    path("search/", include("judging.web.search.lab.urls")),
    path("search/", include("judging.web.search.query_sets.urls")),
    path("search/", include("judging.web.search.query_templates.urls")),
    path("search/", include("judging.web.search.analyses.urls")),
]
