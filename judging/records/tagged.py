"""Which tags the queries of a run have, and which queries have a tag."""

from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.db.models import BooleanField, F, Func, Value

from judging.foundation.columns import uuid_param
from judging.foundation.errors import Invalid
from judging.foundation.limits import MAX_RUN_TAGS
from judging.models import EvaluationRun
from judging.records.reading.tags import read_tag
from judging.records.reading.upload import BadValue

_EACH_TAG = {"sqlite": "json_each(q.tags) AS tag", "postgresql": "jsonb_array_elements_text(q.tags) AS tag(value)"}


class HasTag(Func):
    """Whether the list of tags in a column holds a tag."""

    output_field = BooleanField()
    function = "jsonb_exists"
    sqlite = "EXISTS (SELECT 1 FROM json_each(%(expressions)s)"

    def __init__(self, column: str, tag: str) -> None:
        super().__init__(F(column), Value(tag))

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> Any:
        return self.as_sql(
            compiler, connection, template=self.sqlite, arg_joiner=") WHERE json_each.value = ", **context
        )


@dataclass(frozen=True, slots=True)
class TagCount:
    """A tag, and how many queries of a run have it."""

    tag: str
    query_count: int


def wanted_tag(text: str) -> str:
    """Return the tag that an address asks for, in the spelling it is kept in; "" for none. Raise Invalid (tag)."""
    try:
        return read_tag(text) if text.strip() else ""
    except BadValue as error:
        raise Invalid(f"{error}", errors={"tag": [str(error)]}) from None


def tags_of_run(run: EvaluationRun, most: int = MAX_RUN_TAGS) -> list[TagCount]:
    """Return the tags of a run's queries, those that most have first, at most `most`."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT tag.value, COUNT(*) FROM judging_runquery q, {_EACH_TAG[connection.vendor]}"
            " WHERE q.run_id = %s GROUP BY tag.value ORDER BY COUNT(*) DESC, tag.value LIMIT %s",
            [uuid_param(run.pk), most],
        )
        return [TagCount(tag, count) for tag, count in cursor.fetchall()]
