"""Tags of a run's queries: given, taken away, and what the metrics are by tag."""

from uuid import UUID

from rest_framework.request import Request
from rest_framework.response import Response

from judging.api.base import ApiView, describe
from judging.api.runs.serializers import MetricValuesField
from judging.foundation.limits import MAX_QUERY_TAG, MAX_QUERY_TAGS, MAX_RUN_TAGS, MAX_TAGGED_QUERIES, MIN_TAG_QUERIES
from judging.rest.fields import BooleanField, CharField, IntegerField, ListField, Serializer, UUIDField
from judging.runs.query_tags import change_query_tags
from judging.runs.run_lists import get_evaluation_run
from judging.runs.tag_metrics import metrics_by_tag


class TagMetricsSerializer(Serializer):
    """The queries with a tag: means over the scored ones, and which share of what a metric looks at has a grade."""

    tag = CharField()
    query_count = IntegerField()
    scored_query_count = IntegerField()
    is_small = BooleanField(help_text=f"Fewer than {MIN_TAG_QUERIES} queries are scored: the values say little.")
    metric_values = MetricValuesField()
    coverage_values = MetricValuesField()


class MetricsByTagSerializer(Serializer):
    """A run by tag."""

    tags = TagMetricsSerializer(many=True, help_text=f"The {MAX_RUN_TAGS} that most queries have, those first.")
    tag_count = IntegerField(help_text="How many tags there are in all.")
    untagged_count = IntegerField(help_text="How many queries have none.")


def _tags_field(help_text: str) -> ListField:
    child = CharField(max_length=MAX_QUERY_TAG)
    return ListField(child=child, required=False, max_length=MAX_QUERY_TAGS, help_text=help_text)


class TagChangeSerializer(Serializer):
    """Queries of a run, and their tags: `tags`, or `add` and `remove`."""

    query_ids = ListField(child=UUIDField(), min_length=1, max_length=MAX_TAGGED_QUERIES)
    tags = _tags_field("In place of those they have.")
    add = _tags_field("Besides those they have.")
    remove = _tags_field("No longer among those they have.")


class TagsChangedSerializer(Serializer):
    """How many queries have other tags now."""

    changed = IntegerField()


class RunTags(ApiView):
    @describe(
        "Show a run's metrics by tag",
        answer=MetricsByTagSerializer,
        description="A query counts under each of its tags.",
    )
    def get(self, request: Request, run_id: UUID) -> Response:
        return Response(MetricsByTagSerializer(metrics_by_tag(get_evaluation_run(run_id))).data)

    @describe(
        "Tag queries of a run",
        body=TagChangeSerializer,
        answer=TagsChangedSerializer,
        conflict="run_locked",
        description='One or many: `{"query_ids": ["..."], "add": ["head", "en"]}`. Tags are kept in lower case, without'
        " commas or |.",
    )
    def post(self, request: Request, run_id: UUID) -> Response:
        values = self.body(TagChangeSerializer)
        changed = change_query_tags(
            run=get_evaluation_run(run_id), actor=self.user, run_query_ids=values.pop("query_ids"), **values
        )
        return Response({"changed": changed})
