"""The pages, by subject. A route's name is its page's; navigation shows an entry once its route exists."""

from django.urls import include, path, register_converter
from django.urls.converters import IntConverter

from judging.web import home, watch

_SUBJECTS = (
    "golden", "judges", "judging_runs", "operations", "people", "probes", "responses", "review", "runs", "search", "trust",
)  # fmt: skip


class RowId(IntConverter):
    """An internal id in the path of a page: a number that the database can hold."""

    regex = "[0-9]{1,18}"


# Before the routes of any subject are read.
register_converter(RowId, "row_id")

urlpatterns = [
    path("", home.home, name="home"),
    path("watch", watch.watch, name="watch"),
    *(path("", include(f"judging.web.{subject}.urls")) for subject in _SUBJECTS),
]
