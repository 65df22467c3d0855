"""Try an AI judge on real candidates; nothing is stored."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

from judging.asking.engine import Answer, Ask, CallRecord, JudgeSpec, ask_once
from judging.asking.parsing import Grade
from judging.asking.prompting import EvaluationContext, PromptCandidate
from judging.foundation.answers import Failure
from judging.foundation.errors import Invalid
from judging.foundation.limits import MAX_TRIAL_CANDIDATES
from judging.foundation.scales import SCALES
from judging.foundation.waiting import waiting_for_a_service
from judging.judges.prompt_previews import first_candidates, prompt_candidate
from judging.judges.trial_queries import TrialAgreement, trial_agreement
from judging.models import AIJudge, Candidate, EvaluationRun, RunQuery
from judging.providers.base import Connection, Message, ProviderError
from judging.providers.openai_client import open_client
from judging.records.blindness import check_sighted
from judging.records.connections import connection_of
from judging.records.judge_specs import evaluation_context_of, judge_spec_of
from judging.records.roles import Actor

# A person waits for the answer, and so does a web worker.
TEST_SECONDS = 100.0
_CONCURRENCY = 8


@dataclass(frozen=True, slots=True)
class JudgeTestCall:
    """One call of a test, in the order in which the answers came."""

    candidate_ids: list[str]
    is_reask: bool
    prompt: Sequence[Message]
    reply: str
    model: str = ""
    finish_reason: str = ""
    input_tokens: int = 0
    output_tokens: int = 0
    usage_estimated: bool = False
    latency_ms: int = 0
    error_code: str = ""
    error: str = ""
    notes: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class JudgeTestOutcome:
    """What a test says of one candidate: judged with a grade, or failed; `unanswered` when an error ended the test.

    Beside it, of a candidate of a run, the grades that count now: people's, as their mean and rounded, and the AI's.
    """

    candidate_id: str
    title: str
    status: str
    grade: int | None = None
    reasoning: str = ""
    failure_code: str = ""
    failure_message: str = ""
    people_mean: float | None = None
    people_grade: int | None = None
    ai_grade: int | None = None
    ai_judge: str = ""


@dataclass(slots=True)
class JudgeTest:
    """What came of a test: prompt and reply of its first call, every call, and an outcome per candidate."""

    outcomes: list[JudgeTestOutcome] = field(default_factory=list)
    calls: list[JudgeTestCall] = field(default_factory=list)
    error_code: str = ""
    error: str = ""
    duration_ms: int = 0

    @property
    def prompt(self) -> Sequence[Message]:
        return self.calls[0].prompt if self.calls else []

    @property
    def reply(self) -> str:
        return self.calls[0].reply if self.calls else ""

    @property
    def input_tokens(self) -> int:
        return sum(call.input_tokens for call in self.calls)

    @property
    def output_tokens(self) -> int:
        return sum(call.output_tokens for call in self.calls)

    @property
    def usage_estimated(self) -> bool:
        return any(call.usage_estimated for call in self.calls)

    @property
    def with_people(self) -> TrialAgreement:
        return trial_agreement((outcome.grade, outcome.people_grade) for outcome in self.outcomes)

    @property
    def with_record(self) -> TrialAgreement:
        return trial_agreement((outcome.grade, outcome.ai_grade) for outcome in self.outcomes)


def try_judge_on_run(
    *, judge: AIJudge, evaluation_run_id: UUID, query_id: UUID, viewer: Actor, depth: int | None = None
) -> JudgeTest:
    """Ask a judge about the first candidates of a run query: `depth` of them, or as many as one prompt holds.

    Raise Invalid, or Forbidden (blind): what comes of it are grades of these candidates.
    """
    run = EvaluationRun.objects.select_related("evaluation").filter(pk=evaluation_run_id).first()
    if run is None:
        raise Invalid("no such evaluation run", errors={"evaluation_run_id": ["There is no such evaluation run."]})
    check_sighted(run, viewer)
    run_query = RunQuery.objects.filter(pk=query_id, run=run).first()
    if run_query is None:
        raise Invalid("no such query", errors={"query_id": ["There is no such query in this evaluation run."]})
    if depth is not None and not 1 <= depth <= MAX_TRIAL_CANDIDATES:
        raise Invalid("the test can't be made", errors={"depth": [f"From 1 to {MAX_TRIAL_CANDIDATES} candidates."]})
    rows = first_candidates(run_query, depth or judge.batch_size)
    if not rows:
        raise Invalid("the query has no candidates", errors={"query_id": ["This query has no candidates."]})
    test = _try_judge(judge, run_query.body, [prompt_candidate(row) for row in rows], evaluation_context_of(run))
    test.outcomes = [_beside(outcome, row) for outcome, row in zip(test.outcomes, rows, strict=True)]
    return test


def _beside(outcome: JudgeTestOutcome, row: Candidate) -> JudgeTestOutcome:
    return replace(
        outcome,
        people_mean=row.people_mean,
        # Where people graded, the grade that counts is theirs.
        people_grade=None if row.people_mean is None else row.effective_grade,
        ai_grade=row.ai_grade,
        ai_judge=row.ai_judgment.judge_label if row.ai_judgment else "",
    )


def try_judge_on_documents(
    *, judge: AIJudge, query: str | Mapping[str, Any], candidates: Sequence[PromptCandidate], scale: str
) -> JudgeTest:
    """Ask a judge about a query and up to MAX_TRIAL_CANDIDATES candidates that need not be stored. Raise Invalid."""
    problems: dict[str, list[str]] = {}
    if scale not in SCALES:
        problems["scale"] = [f"One of {', '.join(SCALES)}."]
    if not 1 <= len(candidates) <= MAX_TRIAL_CANDIDATES:
        problems["candidates"] = [f"From 1 to {MAX_TRIAL_CANDIDATES} candidates."]
    elif len({candidate.id for candidate in candidates}) < len(candidates):
        problems["candidates"] = ["Each candidate needs an id of its own."]
    if problems:
        raise Invalid("the test can't be made", errors=problems)
    return _try_judge(judge, query, candidates, EvaluationContext("", "", SCALES[scale]))


def _try_judge(
    judge: AIJudge,
    query: str | Mapping[str, Any],
    candidates: Sequence[PromptCandidate],
    evaluation: EvaluationContext,
) -> JudgeTest:
    connection = connection_of(judge.ai_provider)
    spec = judge_spec_of(judge)
    asks = [
        Ask(
            query,
            tuple(candidates[start : start + judge.batch_size]),
            tuple(range(len(candidates)))[start:][: judge.batch_size],
        )
        for start in range(0, len(candidates), judge.batch_size)
    ]
    trial = _Trial(connection, spec, evaluation, candidates)
    with waiting_for_a_service():
        return asyncio.run(trial.run(asks, min(judge.max_concurrency, _CONCURRENCY)))


class _Trial:
    """The asks of one test, a few at a time; the first error of the provider ends it."""

    def __init__(
        self,
        connection: Connection,
        spec: JudgeSpec,
        evaluation: EvaluationContext,
        candidates: Sequence[PromptCandidate],
    ) -> None:
        self._connection, self._evaluation, self._candidates = connection, evaluation, candidates
        self._spec = replace(spec, call=replace(spec.call, timeout=min(spec.call.timeout, TEST_SECONDS)))
        self._outcomes: dict[int, Grade | Failure] = {}
        self._test = JudgeTest()

    async def run(self, asks: Sequence[Ask], concurrency: int) -> JudgeTest:
        started = time.monotonic()
        self._waiting = list(reversed(asks))
        self._client = open_client(self._connection)
        try:
            async with asyncio.timeout(TEST_SECONDS):
                await asyncio.gather(*(self._work() for _ in range(min(concurrency, len(asks)))))
        except TimeoutError:
            self._end("timeout", f"the test was given up after {TEST_SECONDS:.0f} seconds")
        finally:
            await self._client.aclose()
        self._test.duration_ms = round((time.monotonic() - started) * 1000)
        self._test.outcomes = [self._outcome(key) for key in range(len(self._candidates))]
        return self._test

    async def _work(self) -> None:
        while self._waiting and not self._test.error_code:
            ask = self._waiting.pop()
            answer = await ask_once(self._client, ask, spec=self._spec, evaluation=self._evaluation)
            self._outcomes.update(answer.outcomes)
            if answer.call is not None:
                self._test.calls.append(_call(ask, answer, answer.call))
            self._waiting.extend(answer.follow_ups)
            if answer.error is not None:
                self._end(answer.error.code, answer.error.message)

    def _end(self, code: str, message: str) -> None:
        if not self._test.error_code:
            self._test.error_code, self._test.error = code, message

    def _outcome(self, key: int) -> JudgeTestOutcome:
        candidate = self._candidates[key]
        match self._outcomes.get(key):
            case Grade() as grade:
                return JudgeTestOutcome(candidate.id, candidate.title, "judged", grade.grade, grade.reasoning)
            case Failure() as failure:
                return JudgeTestOutcome(
                    candidate.id,
                    candidate.title,
                    "failed",
                    failure_code=failure.code.value,
                    failure_message=failure.message,
                )
            case _:
                return JudgeTestOutcome(candidate.id, candidate.title, "unanswered")


def _call(ask: Ask, answer: Answer, call: CallRecord) -> JudgeTestCall:
    reply, error = call.reply, call.error
    problem: dict[str, Any] = {}
    if isinstance(error, ProviderError):
        problem = {"error_code": error.code, "error": error.message, "latency_ms": error.latency_ms}
    return JudgeTestCall(
        candidate_ids=[candidate.id for candidate in ask.candidates],
        is_reask=call.is_reask,
        prompt=answer.messages,
        reply=(reply.text or reply.raw_body) if reply else error.raw_reply if error else "",
        notes=call.notes,
        input_tokens=call.input_tokens,
        output_tokens=call.output_tokens,
        usage_estimated=call.is_usage_estimated,
        **(
            {
                "model": reply.model,
                "finish_reason": reply.finish_reason,
                "latency_ms": reply.latency_ms,
            }
            if reply
            else problem
        ),
    )
