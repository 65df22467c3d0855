"""Whether a query set or template may be deleted."""

from django.db.models import Q

from judging.foundation.errors import Conflict
from judging.models import Evaluation, QueryTemplate, SearchQuerySet, SearchRun

_FIELDS: dict[type, str] = {
    SearchQuerySet: "query_set",
    QueryTemplate: "query_template",
}


def check_not_in_use(thing: SearchQuerySet | QueryTemplate) -> None:
    """Raise Conflict (in_use) while an evaluation or analysis uses a locked thing, or an active run was made from it."""
    made_from = Q(**{_FIELDS[type(thing)]: thing})
    if Evaluation.objects.filter(made_from).exists():
        raise Conflict(f"{thing} is used by an evaluation: archive it instead", code="in_use")
    if SearchRun.objects.filter(made_from, evaluation_run__analysis_run__isnull=False).exists():
        raise Conflict(f"{thing} is used by an analysis: archive it instead", code="in_use")
    if SearchRun.objects.filter(made_from, status__in=SearchRun.active_statuses).exists():
        raise Conflict(f"a run made from {thing} is under way: stop it or wait", code="in_use")
