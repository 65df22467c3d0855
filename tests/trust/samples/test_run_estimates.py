"""What people would say of each metric of a run: from its own sample, from one that covers it, or the reason why not."""

import pytest

from judging.foundation.errors import Invalid
from judging.metrics import names
from judging.models import EvaluationRun, User
from judging.runs.run_lists import get_evaluation_run
from judging.statistics.figures import Figure
from judging.trust.estimates import MetricEstimate, run_estimates
from judging.trust.grades import read_run_grades
from judging.trust.samples.acts import create_check_sample
from tests.databases import Standing
from tests.factories import make_run
from tests.trust.graded import make_graded_run
from tests.trust.sampled import grade_beginning, grade_queue, start
from tests.trust.samples.test_check_samples import AI, BY_PAIR, DEPTH, PEOPLE

pytestmark = pytest.mark.django_db
METRICS = ["P@10", "P@5", "SDCG@10", "DCG@12", "NDCG@5", "MRR@10", "Judged@10"]


@pytest.fixture(scope="module")
def made(standing: Standing) -> EvaluationRun:
    with standing():
        return make_graded_run(ai=AI, scale="trec", relevant_from=2, metrics=METRICS)


@pytest.fixture
def run(db: None, made: EvaluationRun) -> EvaluationRun:
    return get_evaluation_run(made.pk)


def entries(run: EvaluationRun) -> dict[str, MetricEstimate]:
    return run_estimates(run, read_run_grades(run))[0]


def estimates(run: EvaluationRun) -> dict[str, Figure]:
    return {name: entry.figure for name, entry in entries(run).items()}


def test_without_a_sample_each_metric_says_so_beside_the_ai_s_value(run: EvaluationRun) -> None:
    found = entries(run)
    assert list(found) == METRICS
    assert {entry.figure.refused_code for name, entry in found.items() if name != "Judged@10"} == {"no_check_sample"}
    assert found["Judged@10"].figure.refused_code == "not_estimable"
    for name, entry in found.items():
        # Nobody but the AI has graded, so its value is the one shown.
        if name != "Judged@10":
            assert entry.ai_alone == pytest.approx(entry.effective, abs=1e-12)
    assert entries(make_graded_run(raters={"ann": PEOPLE}, scale="trec"))["P@10"].ai_alone is None


def test_a_family_that_nothing_estimates_is_refused_by_code(
    run: EvaluationRun, admin: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(names._BY_SPELLING, "hit", names.MetricFamily("Hit", "1 with a relevant document"))  # type: ignore[arg-type]
    monkeypatch.setattr(run, "metrics", ["P@10", "Hit@5"])
    found = estimates(run)
    assert (found["P@10"].refused_code, found["Hit@5"].refused_code) == ("no_check_sample", "not_estimable")
    with pytest.raises(Invalid) as refused:
        create_check_sample(run=run, goal="certify", metric="Hit@5", actor=admin)
    assert refused.value.code == "not_estimable"


def test_a_sample_answers_for_its_metric_and_for_those_it_covers(run: EvaluationRun, member: User) -> None:
    sample = start(run, metric="Precision@10")
    grade_beginning(sample, member, BY_PAIR, most=100)
    found = entries(run)
    assert found["P@10"].sample.sample == found["P@5"].sample.sample == sample
    assert found["P@10"].figure.grade_count == 100
    assert found["SDCG@10"].figure.value is not None
    assert found["DCG@12"].figure.refused_code == "metric_too_deep"
    assert found["NDCG@5"].figure.refused_code == "no_check_sample"
    # The newest of a metric counts, and what is sampled beside the run's own metrics has an entry, too.
    grade_beginning(start(run, metric="P@10"), member, BY_PAIR)
    start(run, metric="RBP")
    run.refresh_from_db()
    found = entries(run)
    assert list(found) == [*METRICS, "RBP"]
    for name in ("P@10", "P@5", "SDCG@10"):
        assert found[name].figure.value == pytest.approx(run.metric_values[name], abs=1e-12)


def test_agreement_s_sample_covers_every_additive_metric(run: EvaluationRun, member: User) -> None:
    grade_beginning(start(run, "agreement"), member, BY_PAIR)
    run.refresh_from_db()
    found = estimates(run)
    assert found["DCG@12"].value == pytest.approx(run.metric_values["DCG@12"], abs=1e-12)
    assert found["MRR@10"].refused_code == "no_check_sample"


def test_whole_queries_answer_for_every_metric_of_that_kind(run: EvaluationRun, member: User) -> None:
    # A query is settled in several rounds.
    grade_queue(start(run, metric="NDCG@5"), member, BY_PAIR)
    found = estimates(run)
    assert found["NDCG@5"].value is not None
    assert found["MRR@10"].refused_code in (None, "too_few_queries")
    assert found["P@10"].refused_code == "no_check_sample"


def test_void_samples_and_those_of_two_runs_do_not_answer(run: EvaluationRun, member: User) -> None:
    other = make_run({"query 0": [f"d{rank}" for rank in range(DEPTH, 0, -1)]}, evaluation=run.evaluation, scale="trec")
    grade_beginning(start(run, "compare", metric="P@10", other_run=other), member, BY_PAIR)
    create_check_sample(run=run, goal="certify", metric="P@10", actor=member)
    run.candidates.filter(rank=DEPTH, position=1).update(rank=DEPTH + 1)
    assert estimates(run)["P@10"].refused_code == "no_check_sample"
