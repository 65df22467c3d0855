"""A test of a judge over several queries: the page asks for one after the other, so no request waits for all of them.

What is tested stands in the state that goes with each request, signed: an edit meanwhile does not change it.
"""

from dataclasses import asdict, dataclass, field
from typing import Any
from uuid import UUID

from django.core import signing

from judging.foundation.errors import Busy, Invalid
from judging.judges.trial_queries import TrialAgreement, spread_queries
from judging.judges.trials import JudgeTest, try_judge_on_run
from judging.models import AIJudge, RunQuery, User
from judging.records.blindness import check_sighted
from judging.web.base import PageRequest
from judging.web.judges.forms import JudgeForm
from judging.web.judges.trials import Trial
from judging.web.run_rows import money

_SALT = "judging.judge-test"
_LASTS = 3600


@dataclass(slots=True)
class SeveralTest:
    """A test that is under way: the form that is tested, the queries left, and what the others came to."""

    typed: dict[str, str]
    run_id: str
    scale: str
    depth: int
    left: list[str]
    total: int
    judged: int = 0
    failed: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    people: TrialAgreement = field(default_factory=TrialAgreement)
    record: TrialAgreement = field(default_factory=TrialAgreement)

    @property
    def done(self) -> int:
        return self.total - len(self.left)

    @property
    def signed(self) -> str:
        return signing.dumps(asdict(self), salt=_SALT, compress=True)


@dataclass(frozen=True, slots=True)
class SeveralStep:
    """One query of it. Without `test` the service was busy, and the same query is asked again."""

    several: SeveralTest
    cost: str
    query: RunQuery | None = None
    test: JudgeTest | None = None


def begin(request: PageRequest, trial: Trial) -> SeveralTest:
    """Return the test that the form asks for, before its first query. Raise Invalid or Forbidden (blind)."""
    if trial.run is None:
        raise Invalid("choose an evaluation run to test on several queries")
    check_sighted(trial.run, request.user)
    queries = spread_queries(
        trial.run.pk, count=trial.count, depth=trial.depth, graded_by_people=trial.graded_by_people
    )
    if not queries:
        missing = "person's grade" if trial.graded_by_people else "candidate"
        raise Invalid(f"no query of {trial.run.name} has a {missing} to compare with")
    return SeveralTest(
        typed={name: request.POST[name] for name in JudgeForm.base_fields if name in request.POST},
        run_id=str(trial.run.pk),
        scale=trial.run.scale,
        depth=trial.depth,
        left=[str(query_id) for query_id in queries],
        total=len(queries),
    )


def continued(request: PageRequest) -> SeveralTest:
    """Return the test that the page goes on with. Raise Invalid."""
    try:
        state: dict[str, Any] = signing.loads(request.POST.get("several", ""), salt=_SALT, max_age=_LASTS)
    except signing.BadSignature:
        raise Invalid("the test can't go on: begin it again") from None
    people, record = (TrialAgreement(**state.pop(name)) for name in ("people", "record"))
    several = SeveralTest(**state, people=people, record=record)
    if not several.left:
        raise Invalid("the test has ended")
    return several


def ask_next(judge: AIJudge, several: SeveralTest, viewer: User) -> SeveralStep:
    """Ask the judge about the next query. An error of the provider ends the test. Raise Invalid or Forbidden (blind)."""
    query_id = UUID(several.left[0])
    try:
        test = try_judge_on_run(
            judge=judge,
            evaluation_run_id=UUID(several.run_id),
            query_id=query_id,
            viewer=viewer,
            depth=several.depth,
        )
    except Busy:
        return SeveralStep(several, "")
    several.left = [] if test.error_code else several.left[1:]
    several.judged += sum(outcome.status == "judged" for outcome in test.outcomes)
    several.failed += sum(outcome.status != "judged" for outcome in test.outcomes)
    several.input_tokens += test.input_tokens
    several.output_tokens += test.output_tokens
    several.people += test.with_people
    several.record += test.with_record
    cost = judge.cost_of(several.input_tokens, several.output_tokens)
    return SeveralStep(several, money(cost), RunQuery.objects.filter(pk=query_id).first(), test)
