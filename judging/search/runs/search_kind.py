"""Searches as a kind of work: a row for each query of a run, asked of its endpoint; a failed one is no empty list."""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import Count, F, Q, QuerySet
from django.utils import timezone

from judging.engines.answers import SearchAnswer, SearchFailed, SearchFailure
from judging.engines.asking import EngineCaller
from judging.engines.configuration import InvalidEndpoint
from judging.engines.rendering import SearchTemplate, compile_template
from judging.foundation.answers import AnswerTo, Failure, Fault, ServiceError
from judging.foundation.crypto import Undecryptable
from judging.foundation.errors import IllegalTransition
from judging.foundation.limits import MAX_ERROR
from judging.foundation.text import cut_text
from judging.models import (
    Candidate,
    EvaluationRun,
    RunQuery,
    SearchFailureCode,
    SearchItem,
    SearchRun,
    SearchRunStatus,
    SearchStatus,
)
from judging.records.lists.ranked_lists import write_candidates
from judging.records.searching.endpoint_limits import EndpointLimits, resource_key
from judging.search.runs.ending import finish_searching
from judging.search.runs.evidence import keep_exchanges
from judging.search.runs.inputs import template_text_of
from judging.search.runs.lists import ranked_candidates
from judging.search.runs.pinned import config_of
from judging.search.runs.starting import address_of
from judging.work.kind import Handler, Kind, States
from judging.work.words import Impossible, Outcomes, Settled, Work

Found = SearchAnswer | SearchFailure
# In one short transaction, so that people can save grades meanwhile.
_CANDIDATES_WRITTEN_AT_ONCE = 500


class SearchKind(Kind[SearchRun, "SearchAsk", Found]):
    """The searches of an executed evaluation run. What comes back after a stop still counts."""

    title = "search run"
    log_name = "search"
    jobs = SearchRun
    rows = SearchItem
    job_field = "search_run"
    states = States(
        waiting=SearchRunStatus.QUEUED,
        working=SearchRunStatus.RUNNING,
        completed=SearchRunStatus.COMPLETED,
        failed=SearchRunStatus.FAILED,
        cancelled=SearchRunStatus.CANCELLED,
    )
    resources = EndpointLimits()
    takes_late_replies = True

    def handler(self, job_id: UUID) -> "SearchHandler":
        search = SearchRun.objects.select_related("endpoint", "evaluation_run__evaluation").get(pk=job_id)
        if search.endpoint is None:
            raise Impossible("The search endpoint of this run was deleted.", "endpoint_gone")
        if address_of(search.endpoint.url) != address_of(search.endpoint_url):
            raise Impossible("The endpoint's address is another one since this run started.", "endpoint_changed")
        try:
            return SearchHandler(search)
        except (Undecryptable, InvalidEndpoint) as error:
            raise Impossible(error.message, "misconfigured") from None

    def hold(self, job_id: UUID, *fields: str) -> SearchRun | None:
        """Lock the evaluation run's row first: whoever changes a run locks that one first."""
        list(EvaluationRun.objects.select_for_update(no_key=True).filter(pk=job_id).order_by().values_list("pk"))
        return super().hold(job_id, *fields)

    def note_status(self, job_id: UUID) -> None:
        fields = SearchRun.objects.values("status", "error", "error_code", "completed_at").get(pk=job_id)
        active = EvaluationRun.objects.filter(pk=job_id, status__in=SearchRun.active_statuses)
        if not active.update(written_at=timezone.now(), **fields):
            raise IllegalTransition(f"the evaluation run {job_id} can't become {fields['status']}")

    def endings(self) -> Sequence[tuple[Q, Mapping[str, Any]]]:
        nothing_left = Q(total_count=F("answered_count") + F("empty_count") + F("failed_count"))
        all_failed = {
            "status": SearchRunStatus.FAILED,
            "error": "All searches failed.",
            "error_code": "all_searches_failed",
        }
        return [
            (nothing_left & Q(failed_count=F("total_count")), all_failed),
            (nothing_left, {"status": SearchRunStatus.COMPLETED}),
        ]

    def settle_unasked(self, job: SearchRun, *, error: str, now: datetime) -> Mapping[str, Any]:
        """Skip what was not asked yet. Searches in flight keep their claim: their answers may still land."""
        skipped = self.claimable(job.pk).update(status=SearchStatus.SKIPPED, finished_at=now)
        return {"skipped_count": F("skipped_count") + skipped}

    def settle_returned(self, job_id: UUID, rows: "QuerySet[Any]") -> None:
        skipped = rows.update(status=SearchStatus.SKIPPED, claim_token=None, finished_at=timezone.now())
        if skipped:
            SearchRun.objects.filter(pk=job_id).update(skipped_count=F("skipped_count") + skipped)

    def follow_up(self, job_id: UUID) -> None:
        finish_searching(job_id)


@dataclass(frozen=True, slots=True)
class SearchAsk:
    """One search: the query as its run has it."""

    key: int
    body: Any

    @property
    def keys(self) -> tuple[int, ...]:
        return (self.key,)


@dataclass(frozen=True, slots=True)
class SearchCall:
    """What is kept of one attempt: its exchanges."""

    result: Found

    @property
    def is_answered(self) -> bool:
        return isinstance(self.result, SearchAnswer)

    is_reask = False


class SearchHandler(Handler[SearchRun, SearchAsk, Found]):
    """One slice of a search run."""

    def __init__(self, search: SearchRun) -> None:
        assert search.endpoint is not None
        self.max_retries = search.endpoint.max_retries
        self.throttle = search.throttle
        self._search, self._endpoint = search, search.endpoint
        self._config = config_of(search, search.endpoint)
        EngineCaller(self._config)  # what can't be asked is told before the turn begins
        self._template = compile_template(template_text_of(search))
        self._depth = search.evaluation_run.depth or 1
        self.piece = max(5, min(100, _CANDIDATES_WRITTEN_AT_ONCE // self._depth))
        self._corpus_id = search.evaluation_run.evaluation.corpus_id
        self._key = resource_key(search.endpoint.pk)
        self._held: dict[int, RunQuery] = {}
        self._has_unlisted = Candidate.objects.filter(run=None, run_query__run=search.pk).exists()
        if not search.endpoint.tls_verify and not search.was_unverified:
            SearchRun.objects.filter(pk=search.pk).update(was_unverified=True)

    # Asking

    def open(self) -> "_Caller":
        return _Caller(EngineCaller(self._config), self._template, self._depth, lambda ask: self.go_on(ask))

    def resource_of(self, ask: SearchAsk) -> str:
        return self._key

    # Claiming

    def read(self, keys: Sequence[int]) -> list[Work[SearchAsk]]:
        items = SearchItem.objects.filter(pk__in=keys).select_related("run_query").order_by("pk")
        works = []
        for item in items:
            self._held[item.pk] = item.run_query
            works.append(Work(SearchAsk(item.pk, item.run_query.body), attempts=item.attempt_count))
        return works

    def forget(self, keys: Iterable[int]) -> None:
        for key in keys:
            self._held.pop(key, None)

    # Writing

    def lock(self, outcomes: Outcomes[Found]) -> None:
        list(EvaluationRun.objects.select_for_update(no_key=True).filter(pk=self._search.pk).values_list("pk"))

    def note_throttle(self, job: SearchRun, throttle: str, now: datetime) -> None:
        SearchRun.objects.filter(pk=job.pk).update(throttle=throttle, throttle_changed_at=now)

    def write_calls(
        self, job: SearchRun, calls: Sequence[Settled[Found]]
    ) -> tuple[list[int | None], Mapping[str, Any]]:
        exchanges = [
            (settled.keys[0], exchange)
            for settled in calls
            if settled.call is not None
            for exchange in settled.call.result.exchanges
        ]
        keep_exchanges(exchanges)
        return [None] * len(calls), {"call_count": F("call_count") + len(exchanges)}

    def columns_of(self, outcome: Found | Failure, call_key: int | None) -> Mapping[str, Any]:
        columns = {
            "status": SearchStatus.FAILED.value,
            "failure_code": "",
            "failure_message": "",
            "total": None,
            "returned": None,
            "page_count": 0,
            "latency_ms": None,
        }
        if isinstance(outcome, SearchAnswer):
            return {
                **columns,
                "status": (SearchStatus.ANSWERED if outcome.candidates else SearchStatus.EMPTY).value,
                "total": outcome.total,
                "returned": len(outcome.candidates),
                "page_count": outcome.page_count,
                "latency_ms": sum(exchange.latency_ms for exchange in outcome.exchanges),
            }
        code = outcome.cause if isinstance(outcome, Failure) else outcome.code
        return {
            **columns,
            "failure_code": code if code in SearchFailureCode.values else SearchFailureCode.CONNECTION.value,
            "failure_message": cut_text(outcome.message, MAX_ERROR),
        }

    def settle(
        self, job: SearchRun, decided: Sequence[tuple[int, Found | Failure]], *, now: datetime
    ) -> Mapping[str, Any]:
        answers = [(self._held[key], outcome) for key, outcome in decided if isinstance(outcome, SearchAnswer)]
        lists = [(run_query, ranked_candidates(answer.candidates)) for run_query, answer in answers]
        found = [(run_query, ranked) for run_query, ranked in lists if ranked]
        if found:
            known = self._unlisted([run_query for run_query, _ in found])
            written = write_candidates(self._corpus_id, found, known)
            with connection.cursor() as cursor:
                cursor.executemany(
                    f"UPDATE {RunQuery._meta.db_table} SET candidate_count = %s WHERE id = %s",
                    [(len(ranked), RunQuery._meta.pk.get_db_prep_value(row.pk, connection)) for row, ranked in found],
                )
            EvaluationRun.objects.filter(pk=job.pk).update(candidate_count=F("candidate_count") + written)
        return {
            "answered_count": F("answered_count") + len(found),
            "empty_count": F("empty_count") + len(answers) - len(found),
            "failed_count": F("failed_count") + len(decided) - len(answers),
            "short_count": F("short_count") + sum(len(ranked) < self._depth for _, ranked in found),
        }

    def _unlisted(self, run_queries: Sequence[RunQuery]) -> dict[tuple[UUID, str], int]:
        """Return the rows of documents that fell out of these lists earlier, for them to come back."""
        if not self._has_unlisted:
            return {}
        rows = Candidate.objects.filter(run=None, run_query__in=run_queries)
        columns = rows.values_list("run_query_id", "document__external_id", "pk")
        return {(run_query_id, key): pk for run_query_id, key, pk in columns}

    def most_frequent_refusal(self, job: SearchRun) -> str:
        failed = SearchItem.objects.filter(search_run=job, status=SearchStatus.FAILED)
        said = failed.values("failure_message").annotate(count=Count("pk")).order_by("-count").first()
        return said["failure_message"] if said else ""


class _Caller:
    def __init__(
        self,
        caller: EngineCaller,
        template: SearchTemplate,
        depth: int,
        go_on: Callable[[SearchAsk], Awaitable[None]],
    ) -> None:
        self._caller, self._template, self._depth = caller, template, depth
        self._go_on = go_on

    async def ask(self, ask: SearchAsk, may_reask: Callable[[], bool]) -> AnswerTo[SearchAsk, Found]:
        async def spend(page: int) -> None:
            # The gate has let the first one begin.
            if page > 1:
                try:
                    await self._go_on(ask)
                except ServiceError as error:
                    raise SearchFailed(error.code, error.message, error.fault) from None

        result = await self._caller.search(self._template, ask.body, self._depth, spend=spend)
        call = SearchCall(result)
        if isinstance(result, SearchFailure) and result.fault is not Fault.PROMPT:
            error = ServiceError(
                result.message,
                fault=result.fault,
                code=result.code_of_run or result.code,
                retry_after=result.retry_after,
                code_if_lasting=result.code_if_lasting,
            )
            return AnswerTo(call, error=error)
        return AnswerTo(call, {ask.key: result})

    async def aclose(self) -> None:
        await self._caller.aclose()
