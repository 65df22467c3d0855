"""What a check sample has come to, computed from what counts now: nothing of it is stored."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db.models import QuerySet

from judging.foundation.errors import NotFound
from judging.metrics import Metric, parse_metric
from judging.models import CheckSample, EvaluationRun, Goal
from judging.statistics.estimates import stopping
from judging.statistics.estimates.additive import is_additive
from judging.statistics.figures import Figure, refused
from judging.trust.grades import RunGrades, read_runs_grades
from judging.trust.samples.items import Beside, Items, read_beside, read_items
from judging.trust.samples.looks import Look, look_at
from judging.trust.samples.numbers import ranking_hash
from judging.trust.samples.planning import DEFAULT_AGREEMENT_WIDTH, needed_count, seconds_per_grade
from judging.trust.samples.plans import (
    Plan,
    QueryLists,
    Scaling,
    agreement_plan,
    document_plan,
    query_lists,
    query_plan,
)
from judging.trust.samples.pools import Pool, read_pools

# The database tells rows of runs apart by comparing them with each.
_RUNS_AT_ONCE = 50


@dataclass(frozen=True, slots=True)
class GoalWidth:
    """How wide an interval is and how wide it may be, as the goal of a sample measures it.

    Half the width, of `precision` with a tenth to spare and of `compare` at all looks together, where the difference
    itself is the limit; of `certify` how many times as wide as if people had graded everything.
    """

    reached: float
    wanted: float


@dataclass(frozen=True, eq=False)
class SampleState:
    """A check sample as it stands now. `look` is None when it is void: its runs' candidates or ranks are others.

    `graded_count` is n, the graded items of the queue's beginning; `ahead_count` those beyond its first gap.
    `needed_count` is about how many more, `needed_seconds` about how long they will take one person.
    """

    sample: CheckSample
    look: Look | None
    status: str
    population_count: int
    graded_count: int
    skipped_count: int
    ahead_count: int
    needed_count: int
    needed_seconds: int
    estimate: Figure
    is_certified: bool
    anytime_half_width: float | None
    goal_width: GoalWidth | None = None

    @property
    def is_open(self) -> bool:
        """Say whether there may be something to grade."""
        return self.status in ("open", "reached")


class Reader:
    """Reads runs once for all samples that are about them, those that are named beforehand all at once."""

    def __init__(self, known: Iterable[RunGrades] = ()) -> None:
        self._grades: dict[UUID, RunGrades] = {grades.run.pk: grades for grades in known}
        self._beside: Beside | None = None
        self._items: dict[tuple[UUID, ...], Items] = {}
        self._queries: dict[tuple[UUID, ...], QueryLists] = {}
        self._pools: dict[tuple[UUID, ...], Pool] = {}
        self._paces: dict[UUID, float] = {}

    def read(self, runs: Iterable[EvaluationRun]) -> None:
        """Read what is not known yet of runs, with the same few statements for up to `_RUNS_AT_ONCE`."""
        missing = list({run.pk: run for run in runs if run.pk not in self._grades}.values())
        for start in range(0, len(missing), _RUNS_AT_ONCE):
            read = read_runs_grades(missing[start : start + _RUNS_AT_ONCE])
            self._grades |= {grades.run.pk: grades for grades in read}

    def grades(self, run: EvaluationRun) -> RunGrades:
        self.read([run])
        return self._grades[run.pk]

    def ranking_hash(self, runs: Sequence[EvaluationRun]) -> str:
        return ranking_hash(*(self.grades(run) for run in runs))

    def items(self, runs: Sequence[EvaluationRun]) -> Items:
        """Return the candidates of one run, or those of two together."""
        key = tuple(run.pk for run in runs)
        if key not in self._items:
            self._items[key] = self._read_items(runs)
        return self._items[key]

    def queries(self, runs: Sequence[EvaluationRun]) -> QueryLists:
        """Return the whole queries of one run or two, with the pools of their documents."""
        key = tuple(run.pk for run in runs)
        if key not in self._queries:
            if key not in self._pools:
                self.read_pools([runs])
            self._queries[key] = query_lists(self._read_items(runs, self._pools[key]))
        return self._queries[key]

    def read_pools(self, of_samples: Sequence[Sequence[EvaluationRun]]) -> None:
        """Read the pools of samples of whole queries."""
        self._pools |= read_pools(of_samples)

    def _read_items(self, runs: Sequence[EvaluationRun], pool: Pool | None = None) -> Items:
        self.read(runs)
        if self._beside is None or any(run.pk not in self._beside.numbers for run in runs):
            self._beside = read_beside(list(self._grades.values()))
        return read_items([self.grades(run) for run in runs], self._beside, pool=pool)

    def plan(self, goal: str, metric: Metric | None, runs: Sequence[EvaluationRun]) -> Plan:
        """Return the plan of a goal over one run, or over two whose difference (first minus second) is asked for."""
        scaling = Scaling(runs[0].grading_scale.maximum, runs[0].relevant_from)
        if goal == Goal.AGREEMENT or metric is None:
            return agreement_plan(self.items(runs[:1]), scaling)
        if is_additive(metric):
            return document_plan(metric, self.items(runs), scaling)
        return query_plan(metric, self.queries(runs), scaling)

    def seconds_per_grade(self, run: EvaluationRun) -> float:
        self.read([run])
        if run.pk not in self._paces:
            self._paces = seconds_per_grade([grades.run for grades in self._grades.values()])
        return self._paces[run.pk]


def check_samples(run: EvaluationRun | None = None) -> QuerySet[CheckSample]:
    """Return all samples, or those of one run, newest first; those that compare another run with it are of that one."""
    samples = CheckSample.objects.select_related("run__evaluation__corpus", "other_run__evaluation__corpus")
    if run is not None:
        samples = samples.filter(run=run)
    return samples.order_by("-created_at", "pk")


def get_check_sample(sample_id: UUID) -> CheckSample:
    """Return a sample with its runs. Raise NotFound."""
    sample = check_samples().filter(pk=sample_id).first()
    if sample is None:
        raise NotFound("no such check sample")
    return sample


def runs_of(sample: CheckSample) -> list[EvaluationRun]:
    """Return the run a sample is of, and the one it is compared with."""
    return [sample.run, sample.other_run] if sample.other_run is not None else [sample.run]


def metric_of(sample: CheckSample) -> Metric | None:
    """Return the metric a sample is about; None for agreement."""
    return parse_metric(sample.metric) if sample.metric else None


def sample_states(samples: Sequence[CheckSample], reader: Reader | None = None) -> list[SampleState]:
    """Return what samples have come to; their runs are read once, and all together."""
    reader = reader or Reader()
    reader.read(run for sample in samples for run in runs_of(sample))
    whole = {tuple(run.pk for run in runs): runs for runs in map(runs_of, filter(_is_of_whole_queries, samples))}
    reader.read_pools(list(whole.values()))
    return [sample_state(sample, reader) for sample in samples]


def sample_state(sample: CheckSample, reader: Reader | None = None) -> SampleState:
    """Return what a sample has come to. New AI grades or another `relevant_from` change it and never void it."""
    reader = reader or Reader()
    runs = runs_of(sample)
    if reader.ranking_hash(runs) != sample.ranking_hash:
        return _void(sample)
    look = look_at(reader.plan(sample.goal, metric_of(sample), runs))
    has_reached = is_reached(sample, look)
    status = "reached" if has_reached else "open" if len(look.to_do) else "exhausted"
    more = needed_count(sample.goal, sample.half_width, look) if status == "open" else 0
    return SampleState(
        sample=sample,
        look=look,
        status=status,
        population_count=look.population_count,
        graded_count=look.graded_count,
        skipped_count=look.skipped_count,
        ahead_count=look.ahead_count,
        needed_count=more,
        needed_seconds=round(more * reader.seconds_per_grade(sample.run)) if more else 0,
        estimate=look.figure,
        is_certified=look.is_certified,
        anytime_half_width=look.anytime_half_width,
        goal_width=goal_width(sample, look),
    )


def _is_of_whole_queries(sample: CheckSample) -> bool:
    metric = metric_of(sample)
    return metric is not None and not is_additive(metric)


def _void(sample: CheckSample) -> SampleState:
    figure = refused("no_check_sample", method="difference_by_document", query_count=0, grade_count=0)
    return SampleState(sample, None, "void", 0, 0, 0, 0, 0, 0, figure, is_certified=False, anytime_half_width=None)


def goal_width(sample: CheckSample, look: Look) -> GoalWidth | None:
    """Return how far a sample's interval is from its goal; None while there is none."""
    figure, estimate = look.figure, look.estimate
    if figure.refused_code or figure.value is None:
        return None
    if sample.goal == Goal.CERTIFY:
        ratio = estimate.width_ratio if estimate else None
        return None if ratio is None else GoalWidth(ratio, stopping.CERTIFIED_RATIO)
    if sample.goal == Goal.AGREEMENT:
        return GoalWidth(figure.half_width or 0.0, sample.half_width or DEFAULT_AGREEMENT_WIDTH)
    if sample.goal == Goal.PRECISION:
        # A whole that was graded without an estimate of its variance has no width.
        half_width = estimate.half_width if estimate else 0.0
        return GoalWidth(stopping.PRECISION_MARGIN * half_width, sample.half_width or 0.0)
    anytime = look.anytime_half_width
    return None if anytime is None else GoalWidth(anytime, abs(figure.value))


def is_reached(sample: CheckSample, look: Look) -> bool:
    """Say whether a sample's goal holds now."""
    if sample.goal == Goal.CERTIFY:
        return not look.figure.refused_code and look.figure.value is not None and look.is_certified
    width = goal_width(sample, look)
    if width is None:
        return False
    return width.reached < width.wanted if sample.goal == Goal.COMPARE else width.reached <= width.wanted
