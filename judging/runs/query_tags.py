"""Tag the queries of a run."""

from collections.abc import Collection, Sequence
from typing import Any
from uuid import UUID

from django.db import connection, transaction

from judging.foundation.columns import uuid_param
from judging.foundation.errors import Conflict, Invalid, NotFound
from judging.foundation.limits import MAX_TAGGED_QUERIES
from judging.models import EvaluationRun, RunQuery
from judging.records.audit import record_event
from judging.records.reading.tags import read_tags
from judging.records.reading.upload import BadValue
from judging.records.roles import Actor, require_member

_CHUNK = 500


def change_query_tags(
    *,
    run: EvaluationRun,
    actor: Actor,
    run_query_ids: Collection[UUID],
    tags: Sequence[str] | str | None = None,
    add: Sequence[str] | str = (),
    remove: Sequence[str] | str = (),
) -> int:
    """Give queries of a run these tags in place of theirs, or add and take away some; return how many changed.

    Tags are lists, or text with commas between them. Raise Forbidden, Invalid, NotFound where one is no query of the
    run, or Conflict (run_locked): what a locked run says stands still.
    """
    require_member(actor)
    given = {name: _read(name, value) for name, value in (("tags", tags), ("add", add), ("remove", remove))}
    wanted = set(run_query_ids)
    if len(wanted) > MAX_TAGGED_QUERIES:
        raise Invalid("too many queries", errors={"query_ids": [f"at most {MAX_TAGGED_QUERIES:,} at a time"]})
    with transaction.atomic():
        current = EvaluationRun.objects.select_for_update(no_key=True).filter(pk=run.pk).first()
        if current is None:
            raise NotFound("no such evaluation run")
        if current.is_locked:
            raise Conflict("the evaluation run is locked; unlock it to tag its queries", code="run_locked")
        before = _tags_of(run, wanted)
        if len(before) < len(wanted):
            raise NotFound("no such query in this evaluation run")
        after = {pk: _changed(own if tags is None else given["tags"], given) for pk, own in before.items()}
        changed = {pk: own for pk, own in after.items() if own != before[pk]}
        field: Any = RunQuery._meta.get_field("tags")
        with connection.cursor() as cursor:
            cursor.executemany(
                "UPDATE judging_runquery SET tags = %s WHERE id = %s",
                [(field.get_db_prep_save(own, connection), uuid_param(pk)) for pk, own in changed.items()],
            )
        if changed:
            detail = {name: value for name, value in given.items() if value}
            record_event(
                actor=actor, action="query_tags_changed", subject=run, detail={**detail, "queries": len(changed)}
            )
    return len(changed)


def _read(name: str, value: Sequence[str] | str | None) -> list[str]:
    try:
        return read_tags(value if isinstance(value, str) or value is None else list(value))
    except BadValue as error:
        raise Invalid(str(error), errors={name: [str(error)]}) from None


def _tags_of(run: EvaluationRun, wanted: Collection[UUID]) -> dict[UUID, list[str]]:
    ids = sorted(wanted)
    found: dict[UUID, list[str]] = {}
    for start in range(0, len(ids), _CHUNK):
        rows = RunQuery.objects.filter(run=run, pk__in=ids[start : start + _CHUNK])
        found.update(rows.values_list("pk", "tags"))
    return found


def _changed(own: list[str], given: dict[str, list[str]]) -> list[str]:
    kept = [tag for tag in dict.fromkeys([*own, *given["add"]]) if tag not in given["remove"]]
    # More than one query may have.
    return _read("add", kept)
