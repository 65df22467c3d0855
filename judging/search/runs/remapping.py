"""Read the kept answers of a run again with another mapping, without asking the engine."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from judging import ledger
from judging.engines.mapping import InvalidMapping, MappedCandidate, Mapping, MappingFailed, compile_mapping
from judging.foundation.errors import Conflict, Invalid
from judging.foundation.limits import MAX_ERROR
from judging.foundation.text import cut_text
from judging.models import (
    Abstention,
    Candidate,
    EvaluationRun,
    GradingHold,
    JudgingItem,
    ProbeItem,
    RunQuery,
    SearchExchange,
    SearchFailureCode,
    SearchItem,
    SearchRun,
    SearchStatus,
)
from judging.records.audit import record_event
from judging.records.certificates import void_certificates
from judging.records.lists.ranked_lists import RankedCandidate, write_candidates
from judging.records.roles import Actor, require_member
from judging.search.runs.evidence import body_of
from judging.search.runs.lists import ranked_candidates
from judging.search.runs.starting import check_can_change, search_of

# Failures that another mapping may mend.
_OF_MAPPING = (SearchFailureCode.MAPPING_FAILED, SearchFailureCode.DUPLICATE_IDS)


@dataclass(frozen=True, slots=True)
class Remapped:
    """How many searches were read again, and how many keep their result as their evidence is cut or gone."""

    run: EvaluationRun
    remapped_count: int
    not_remapped_count: int


def remap_search_run(*, run: EvaluationRun, actor: Actor, candidates_mapping: str | None = None) -> Remapped:
    """Read the evidence of a run again with a mapping, by default the endpoint's of now, and write it on the run.

    A search at a time, each in a transaction: after a kill it can be run again. Raise Forbidden, Invalid
    (not_executed, a mapping that can't be), or Conflict: run_active, run_locked, run_being_judged, not_started,
    inputs_gone, evidence_gone.
    """
    require_member(actor)
    search = search_of(run)
    check_can_change(run, search)
    if candidates_mapping is None:
        if search.endpoint is None:
            raise Conflict("the endpoint of this run was deleted: give a mapping", code="inputs_gone")
        candidates_mapping = search.endpoint.candidates_mapping
    try:
        mapping = compile_mapping(candidates_mapping)
    except InvalidMapping as error:
        raise Invalid(str(error), errors={"candidates_mapping": [str(error)]}) from None
    asked = SearchItem.objects.filter(search_run=search).exclude(
        status__in=[SearchStatus.PENDING, SearchStatus.SKIPPED]
    )
    if not SearchExchange.objects.filter(item__in=asked).exists():
        raise Conflict("the evidence of this run is gone", code="evidence_gone")
    remapped = kept = 0
    for pk in list(asked.order_by("pk").values_list("pk", flat=True)):
        if _remap_one(pk, run, mapping):
            remapped += 1
        else:
            kept += 1
    with transaction.atomic():
        SearchRun.objects.filter(pk=run.pk).update(candidates_mapping=candidates_mapping)
        void_certificates(run.pk, "candidates_changed")
        record_event(
            actor=actor, action="search_run_remapped", subject=run, detail={"remapped": remapped, "kept": kept}
        )
    ledger.refresh_run(run.pk)
    run.refresh_from_db()
    return Remapped(run, remapped, kept)


def _remap_one(item_pk: int, run: EvaluationRun, mapping: Mapping) -> bool:
    """Read one search again; return False where its evidence is cut or gone, or its failure is no mapping's."""
    with transaction.atomic():
        held = EvaluationRun.objects.select_for_update(no_key=True, of=("self",)).select_related("evaluation")
        current = held.get(pk=run.pk)
        check_can_change(current, search_of(current))
        item = SearchItem.objects.select_related("run_query").get(pk=item_pk)
        if item.status == SearchStatus.FAILED and item.failure_code not in _OF_MAPPING:
            return False
        pages = _last_pages(item)
        if pages is None:
            return False
        try:
            total, candidates = _read(pages, mapping, current.depth or 1)
        except MappingFailed as error:
            ranked: list[RankedCandidate] = []
            columns: dict[str, Any] = {
                "status": SearchStatus.FAILED,
                "failure_code": error.code,
                "failure_message": cut_text(error.message, MAX_ERROR),
                "total": None,
                "returned": None,
            }
        else:
            ranked = ranked_candidates(candidates)
            columns = {
                "status": SearchStatus.ANSWERED if ranked else SearchStatus.EMPTY,
                "failure_code": "",
                "failure_message": "",
                "total": total,
                "returned": len(ranked),
            }
        _replace_list(current, item.run_query, ranked)
        _count(current, item, columns)
        SearchItem.objects.filter(pk=item.pk).update(**columns)
    return True


def _last_pages(item: SearchItem) -> list[SearchExchange] | None:
    """Return the exchanges of the last attempt, None when they are not whole."""
    pages: list[SearchExchange] = []
    for exchange in item.exchanges.order_by("pk"):
        if exchange.page == 1:
            pages = []
        pages.append(exchange)
    whole = all(
        page.status is not None and 200 <= page.status < 300 and not page.is_truncated and page.page == number
        for number, page in enumerate(pages, start=1)
    )
    return pages if pages and whole else None


def _read(pages: Sequence[SearchExchange], mapping: Mapping, depth: int) -> tuple[int | None, list[MappedCandidate]]:
    found: list[MappedCandidate] = []
    total = None
    for page in pages:
        try:
            answer = json.loads(body_of(page))
        except ValueError:
            raise MappingFailed("mapping_failed", "the kept answer is no JSON") from None
        read = mapping.read(answer, depth - len(found))
        total = read.total if total is None else total
        found.extend(read.candidates)
    ids = [candidate.id for candidate in found]
    if len(set(ids)) != len(ids):
        raise MappingFailed("duplicate_ids", "an id stands on two pages")
    return total, found[:depth]


def _replace_list(run: EvaluationRun, run_query: RunQuery, ranked: Sequence[RankedCandidate]) -> None:
    """Make the list of a run query this one. Rows are matched by document key; what points to one goes on to."""
    rows = Candidate.objects.filter(run_query=run_query)
    old = list(rows.values_list("pk", "run_id", "document__external_id", "rank"))
    keys = {candidate.external_id for candidate in ranked}
    listed = [row for row in old if row[1] is not None]
    _drop([pk for pk, _, key, _ in listed if key not in keys])
    # Out of the way first: ranks are unique at every moment.
    beyond = len(ranked) + max((rank for *_, rank in listed), default=0)
    rows.filter(run=run).update(rank=F("rank") + beyond)
    known = {(run_query.pk, key): pk for pk, _, key, _ in old if key in keys}
    write_candidates(run.evaluation.corpus_id, [(run_query, ranked)], known=known)
    RunQuery.objects.filter(pk=run_query.pk).update(candidate_count=len(ranked), has_stale_metrics=True)
    EvaluationRun.objects.filter(pk=run.pk).update(
        candidate_count=F("candidate_count") + len(ranked) - len(listed), written_at=timezone.now()
    )


def _drop(fallen: Sequence[int]) -> None:
    """Take candidates out of their list: what points to one keeps its row."""
    candidates = Candidate.objects.filter(pk__in=fallen)
    pointing: tuple[type[JudgingItem | ProbeItem | Abstention], ...] = (JudgingItem, ProbeItem, Abstention)
    used = {
        pk for rows in pointing for pk in rows.objects.filter(candidate__in=fallen).values_list("candidate", flat=True)
    }
    GradingHold.objects.filter(candidate__in=fallen).delete()
    candidates.filter(pk__in=used).update(run=None)
    candidates.exclude(pk__in=used).delete()


def _count(run: EvaluationRun, item: SearchItem, columns: dict[str, Any]) -> None:
    depth = run.depth or 1
    changes: dict[str, int] = {}
    for status, returned, step in (
        (item.status, item.returned, -1),
        (str(columns["status"]), columns["returned"], 1),
    ):
        name = f"{status}_count"
        changes[name] = changes.get(name, 0) + step
        if status == SearchStatus.ANSWERED and (returned or 0) < depth:
            changes["short_count"] = changes.get("short_count", 0) + step
    SearchRun.objects.filter(pk=run.pk).update(**{name: F(name) + step for name, step in changes.items() if step})
