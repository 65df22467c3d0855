"""The pages, by subject. A route's name is its page's; navigation shows an entry once its route exists."""

from django.urls import include, path

from judging.web import home, watch

_SUBJECTS = (
    "golden", "judges", "judging_runs", "operations", "people", "probes", "responses", "review", "runs", "search", "trust",
)  # fmt: skip

urlpatterns = [
    path("", home.home, name="home"),
    path("watch", watch.watch, name="watch"),
    *(path("", include(f"judging.web.{subject}.urls")) for subject in _SUBJECTS),
]
