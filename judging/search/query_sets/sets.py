"""Query sets: made from what is typed, sent, uploaded or sampled; changed, archived, deleted."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import IO, Any

from django.db import transaction
from django.utils import timezone

from judging.engines.awkward_queries import AWKWARD_QUERIES
from judging.foundation.errors import Conflict, NotFound
from judging.foundation.limits import MAX_QUERY_TEXT, MAX_SAMPLE_SEED, MAX_SET_QUERIES
from judging.foundation.validation import clean
from judging.models import QuerySource, SearchQuerySet, SetQuery
from judging.records.audit import record_event
from judging.records.lists.archiving import set_archived
from judging.records.reading.upload import Problems
from judging.records.roles import Actor, require_member, user_of
from judging.search.in_use import check_not_in_use
from judging.search.query_sets.files import read_pasted, read_queries_file, read_sent
from judging.search.query_sets.logs import read_log
from judging.search.query_sets.rows import CheckedQueries, NewQuery, checked_queries
from judging.statistics.query_samples import METHODS, QuerySample, SampleMethod, sample_queries

QUERY_SET_FIELDS = frozenset({"name", "description"})
# Made here, not typed: an empty one of them is fine.
_DERIVED = ("kind", "property_types", "content_hash")
# What is told of a set's queries.
_DESCRIBED = ("kind", "property_types", "query_count", "content_hash", "source", "sample_report")
_CHUNK = 5_000


def create_query_set(*, actor: Actor, name: str, queries: Sequence[Any] | str, description: str = "") -> SearchQuerySet:
    """Make a query set of JSON values, or of pasted text. Raise Forbidden, Invalid or ImportRejected."""
    require_member(actor)
    return _create(actor, name, description, _read(queries))


def upload_query_set(
    *, actor: Actor, name: str, file: IO[bytes], file_name: str, description: str = ""
) -> SearchQuerySet:
    """Make a query set of a .txt, .jsonl or .csv file. Raise Forbidden, Invalid or ImportRejected."""
    require_member(actor)
    return _create(actor, name, description, read_queries_file(file, file_name), source=QuerySource.UPLOAD)


def create_awkward_queries(*, actor: Actor) -> SearchQuerySet:
    """Make the built-in set of queries that break search boxes and templates. Raise Forbidden."""
    require_member(actor)
    # The built-in ones that no set may hold are for tests of the engines' room alone.
    texts = [text for text in AWKWARD_QUERIES if "\0" not in text and len(text) <= MAX_QUERY_TEXT]
    description = "Quotes, backslashes, operators, emoji, right to left: what breaks search boxes and templates."
    return _create(actor, "Awkward queries", description, read_sent(texts))


def sample_query_set(
    *, actor: Actor, name: str, log: IO[bytes], method: SampleMethod, size: int, seed: int = 0, description: str = ""
) -> SearchQuerySet:
    """Make a query set of queries sampled from a log, each with its count as weight.

    `sample_report` says how: with a `probability_per_count`, a query's inclusion probability is that times its weight,
    at most 1. Raise Forbidden, Invalid or ImportRejected.
    """
    require_member(actor)
    problems: dict[str, list[str]] = {}
    if method not in METHODS:
        problems["method"] = [f"The method is one of {', '.join(METHODS)}."]
    if not 1 <= size <= MAX_SET_QUERIES:
        problems["size"] = [f"The size is from 1 to {MAX_SET_QUERIES:,}."]
    if not 0 <= seed <= MAX_SAMPLE_SEED:
        problems["seed"] = [f"The seed is from 0 to {MAX_SAMPLE_SEED}."]
    query_set = SearchQuerySet(name=name.strip(), description=description)
    # Told before a large log is read, and with all else that is wrong.
    clean(query_set, errors=problems, exclude=_DERIVED)
    counts = read_log(log)
    texts = list(counts)
    sample = sample_queries(list(counts.values()), method=method, size=size, seed=seed)
    tags = [[name] if name else [] for name in sample.stratum_names]
    rows = [
        NewQuery(texts[place], weight=counts[texts[place]], tags=tag)
        for place, tag in zip(sample.places, tags, strict=True)
    ]
    checked = checked_queries(enumerate(rows, start=1), Problems(), file="log", unit="query")
    report = _report(sample, rows, method=method, seed=seed, counts=counts)
    return _create(actor, name, description, checked, source=QuerySource.SAMPLE, report=report)


def change_query_set(
    *,
    actor: Actor,
    query_set: SearchQuerySet,
    fields: Mapping[str, Any],
    queries: Sequence[Any] | str | None = None,
) -> SearchQuerySet:
    """Change the given `fields` (QUERY_SET_FIELDS) of a set, and its queries as a whole unless they are None.

    Runs that were started stay with the queries they were started with. Raise Forbidden, NotFound, Invalid or
    ImportRejected.
    """
    require_member(actor)
    unknown = fields.keys() - QUERY_SET_FIELDS
    assert not unknown, unknown
    checked = None if queries is None else _read(queries)
    with transaction.atomic():
        stored = _lock(query_set)
        for field, value in fields.items():
            setattr(stored, field, value)
        changed = [*fields]
        if checked is not None and not _is_same(stored, checked):
            SetQuery.objects.filter(query_set=stored)._raw_delete(using="default")
            # Typed over, a sample is none any more, and no inclusion probability holds.
            _describe(stored, checked, source=QuerySource.MANUAL, report=None)
            changed += _DESCRIBED
            _store(stored, checked.rows)
        stored.name = stored.name.strip()
        clean(stored, exclude=_DERIVED)
        stored.updated_at = timezone.now()
        stored.save(update_fields=[*changed, "updated_at"])
        record_event(actor=actor, action="query_set_changed", subject=stored, detail={"fields": sorted(changed)})
    return stored


def add_queries(*, actor: Actor, query_set: SearchQuerySet, queries: Sequence[Any]) -> SearchQuerySet:
    """Add queries, as JSON values, to the end of a set.

    Raise Forbidden, NotFound, Invalid or ImportRejected, or Conflict (is_sample): a sample's probabilities hold for what
    was drawn.
    """
    require_member(actor)
    with transaction.atomic():
        stored = _lock(query_set)
        if stored.source == QuerySource.SAMPLE:
            raise Conflict("what is added to a sample was not drawn: choose another set", code="is_sample")
        rows = list(stored.queries.order_by("position").values("body", "label", "weight", "tags"))
        # Checked together: they must be of one kind, and none twice.
        checked = read_sent([*rows, *queries])
        _describe(stored, checked, source=QuerySource.MANUAL, report=None)
        stored.updated_at = timezone.now()
        stored.save(update_fields=[*_DESCRIBED, "updated_at"])
        _store(stored, checked.rows[len(rows) :], first=len(rows) + 1)
        record_event(actor=actor, action="query_set_changed", subject=stored, detail={"fields": ["queries"]})
    return stored


def archive_query_set(*, actor: Actor, query_set: SearchQuerySet) -> SearchQuerySet:
    """Take a set out of the lists; evaluations go on with it. Raise Forbidden or NotFound."""
    return set_archived(query_set, actor=actor, is_archived=True)


def restore_query_set(*, actor: Actor, query_set: SearchQuerySet) -> SearchQuerySet:
    """Put an archived set back into the lists. Raise Forbidden or NotFound."""
    return set_archived(query_set, actor=actor, is_archived=False)


def delete_query_set(*, actor: Actor, query_set: SearchQuerySet) -> None:
    """Delete a set with its queries. Raise Forbidden, NotFound, or Conflict (in_use) while something needs it."""
    require_member(actor)
    with transaction.atomic():
        stored = _lock(query_set)
        check_not_in_use(stored)
        record_event(actor=actor, action="query_set_deleted", subject=stored)
        SetQuery.objects.filter(query_set=stored)._raw_delete(using="default")
        stored.delete()


def _create(
    actor: Actor,
    name: str,
    description: str,
    checked: CheckedQueries,
    *,
    source: str = QuerySource.MANUAL,
    report: Mapping[str, Any] | None = None,
) -> SearchQuerySet:
    query_set = SearchQuerySet(name=name.strip(), description=description, created_by=user_of(actor))
    _describe(query_set, checked, source=source, report=report)
    clean(query_set, exclude=_DERIVED)
    with transaction.atomic():
        query_set.save(force_insert=True)
        _store(query_set, checked.rows)
        record_event(
            actor=actor, action="query_set_created", subject=query_set, detail={"queries": query_set.query_count}
        )
    return query_set


def _read(queries: Sequence[Any] | str) -> CheckedQueries:
    return read_pasted(queries) if isinstance(queries, str) else read_sent(queries)


def _describe(
    query_set: SearchQuerySet, checked: CheckedQueries, *, source: str, report: Mapping[str, Any] | None
) -> None:
    query_set.kind, query_set.property_types = checked.kind, checked.property_types
    query_set.query_count, query_set.content_hash = len(checked.rows), checked.content_hash
    query_set.source, query_set.sample_report = source, dict(report) if report is not None else None


def _store(query_set: SearchQuerySet, rows: Sequence[NewQuery], *, first: int = 1) -> None:
    SetQuery.objects.bulk_create(
        (SetQuery(query_set=query_set, position=place, **asdict(row)) for place, row in enumerate(rows, start=first)),
        batch_size=_CHUNK,
    )


def _is_same(query_set: SearchQuerySet, checked: CheckedQueries) -> bool:
    if query_set.content_hash != checked.content_hash:
        return False
    stored = query_set.queries.values_list("body", "label", "weight", "tags").iterator()
    return all(
        row == (new.body, new.label, new.weight, new.tags) for row, new in zip(stored, checked.rows, strict=True)
    )


def _lock(query_set: SearchQuerySet) -> SearchQuerySet:
    stored = SearchQuerySet.objects.select_for_update().filter(pk=query_set.pk).first()
    if stored is None:
        raise NotFound("no such query set")
    return stored


def _report(
    sample: QuerySample, rows: Sequence[NewQuery], *, method: str, seed: int, counts: Mapping[str, float]
) -> dict[str, Any]:
    """Keep what tells each query's inclusion probability, in few numbers however many queries there are."""
    report: dict[str, Any] = {
        "method": method,
        "seed": seed,
        "size": len(rows),
        "log_query_count": len(counts),
        "log_search_count": sum(counts.values()),
        "traffic_share": sample.traffic_share,
        "least_inclusion_probability": min(sample.probabilities),
    }
    if method == "proportional":
        uncertain = [
            (probability, row.weight)
            for probability, row in zip(sample.probabilities, rows, strict=True)
            if probability < 1 and row.weight
        ]
        # Where all are certain, the least weight of them has probability 1.
        probability, weight = uncertain[0] if uncertain else (1.0, min(row.weight or 1.0 for row in rows))
        report["probability_per_count"] = probability / weight
        report["certain_count"] = len(rows) - len(uncertain)
    if sample.strata:
        report["strata"] = [
            {**asdict(stratum), "inclusion_probability": stratum.inclusion_probability} for stratum in sample.strata
        ]
    return report
