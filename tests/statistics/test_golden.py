"""Values that another implementation of the method gave on the electronics collection, to 1e-9."""

from typing import Any

import numpy as np
import pytest

from judging.statistics.agreement.coefficients import FigureName
from judging.statistics.agreement.jackknife import agreement_figures
from judging.statistics.agreement.people import PeopleGrades, ceiling
from judging.statistics.estimates.by_document import document_figure, estimate_by_document
from judging.statistics.estimates.by_query import estimate_by_query
from judging.statistics.estimates.review_queue import beginning, inclusion_probabilities, permanent_number
from judging.statistics.estimates.stopping import anytime_half_width
from judging.statistics.tables import query_tables
from tests.statistics.electronics import all_pairs, order_of, per_query_values, population_of, top_ten

TO_THE_DIGIT: dict[str, Any] = {"rel": 0, "abs": 1e-9}

AGREEMENT: dict[FigureName, tuple[float, float, float]] = {
    "kappa_quadratic": (0.6933077005185837, 0.6141920852436537, 0.758625482245152),
    "alpha_ordinal": (0.6871689960737128, 0.6121975924710841, 0.7498951067277979),
    "ac2_quadratic": (0.6538595536526486, 0.5649953462978426, 0.7277285505156776),
    "spearman": (0.6971895375944464, 0.6213404728793541, 0.7600934411541419),
    "tau_b": (0.6168257903400896, 0.5462583332747842, 0.678698857119723),
    "exact": (0.5614805520702635, 0.5017838967141522, 0.6158539691969619),
    "within_one": (0.8553952321204517, 0.8081836766156657, 0.8916827469625218),
    "bias": (-0.12484316185696362, -0.26706523404267146, 0.01737891032874425),
    "relevant_kappa": (0.6235577882485007, 0.5238881247086098, 0.7063827001951183),
    "relevant_precision": (0.7906976744186046, 0.6933611323915077, 0.8596966435920698),
    "relevant_recall": (0.8249180327868852, 0.74641832329289, 0.8807760242490578),
}
ESTIMATES = {
    "P@10": {
        "value": 0.6082520629378871,
        "variance": 0.000555127707330582,
        "df": 92,
        "half_width": 0.04679447417088014,
        "total_variance": 0.0017988157111078586,
        "total_half_width": 0.08424711696824266,
        "width_ratio": 1.2026454524083254,
    },
    "SDCG@10": {
        "value": 0.5862912647632802,
        "variance": 0.000353111113036327,
        "df": 92,
        "half_width": 0.03732104643090528,
        "total_variance": 0.0016196125904750576,
        "total_half_width": 0.07994057795531868,
        "width_ratio": 1.1308440615063877,
    },
}
TRUTH = {"P@10": 0.5978260869565218, "SDCG@10": 0.5721456426716189}
FIRST_FIVE = {
    "P@10": ["q041/94284", "q117/1679331", "q018/45142", "q130/3484710", "q113/77382335"],
    "SDCG@10": ["q041/94284", "q117/1679331", "q018/45142", "q130/77384911", "q113/77382335"],
}


def test_agreement_of_the_local_judge_with_people():
    pairs = all_pairs()
    tables = query_tables(pairs.query, pairs.ai, pairs.people, grade_count=4)
    figures = agreement_figures(tables, relevant_from=2)
    for name, expected in AGREEMENT.items():
        figure = figures[name]
        assert (figure.value, figure.low, figure.high) == pytest.approx(expected, **TO_THE_DIGIT), name
        assert (figure.low_total, figure.high_total) == (figure.low, figure.high)
        assert (figure.query_count, figure.grade_count, figure.refused_code) == (135, 3188, None)


@pytest.mark.parametrize("metric", ["P@10", "SDCG@10"])
def test_what_people_would_say_from_184_grades(metric):
    pairs = top_ten()
    population, gains = population_of(metric, pairs)
    order, sizes = order_of(pairs, population.weights, 1)
    assert ["/".join(pairs.labels[index]) for index in order[:5]] == FIRST_FIVE[metric]

    answered = np.zeros(920, dtype=bool)
    answered[order[:184]] = True
    sample = beginning(order, answered, np.zeros(920, dtype=bool))
    unseen = np.where(sample.is_sampled, gains, np.nan)
    estimate = estimate_by_document(population, unseen, sample.is_sampled, inclusion_probabilities(sizes, 184))
    for name, expected in ESTIMATES[metric].items():
        assert getattr(estimate, name) == pytest.approx(expected, **TO_THE_DIGIT), name
    assert (population.weights * gains).sum() == pytest.approx(TRUTH[metric], **TO_THE_DIGIT)

    figure = document_figure(population, estimate)
    assert figure.half_width == pytest.approx(ESTIMATES[metric]["half_width"], **TO_THE_DIGIT)
    assert (figure.query_count, figure.grade_count, figure.is_rough) == (92, 184, False)


def test_ndcg_from_thirty_whole_queries():
    people, names = per_query_values("NDCG@10", all_pairs().people)
    ai, _ = per_query_values("NDCG@10", all_pairs().ai)
    drawn = np.argsort([permanent_number(1, name) for name in names])[:30]
    estimate = estimate_by_query(people[drawn], ai[drawn], ai)
    assert people.mean() == pytest.approx(0.7629298631193088, **TO_THE_DIGIT)
    assert estimate.value == pytest.approx(0.7415116907725028, **TO_THE_DIGIT)
    assert estimate.slope == pytest.approx(0.29237684153227617, **TO_THE_DIGIT)
    assert estimate.variance == pytest.approx(0.0017441475532219363, **TO_THE_DIGIT)
    assert estimate.half_width == pytest.approx(0.08554761236133795, **TO_THE_DIGIT)
    assert estimate.total_half_width == pytest.approx(0.1038295111998721, **TO_THE_DIGIT)


def test_the_anytime_half_width():
    variance = ESTIMATES["P@10"]["variance"]
    assert anytime_half_width(variance, 184) == pytest.approx(0.07155859439763752, **TO_THE_DIGIT)


def test_the_local_judge_against_the_ceiling_of_people():
    # To the three digits that are known of it.
    pairs = all_pairs()
    of = np.repeat(np.arange(3188), 3)
    given = PeopleGrades.read(
        np.tile(np.arange(3), 3188), of, pairs.query[of], pairs.raters.ravel(), grade_count=4, ai=pairs.ai[of]
    )
    found = ceiling(given)
    assert (found.ai, found.person) == pytest.approx((0.674, 0.810), abs=5e-4)
    difference = found.difference
    assert (difference.value, difference.low, difference.high) == pytest.approx((-0.136, -0.205, -0.068), abs=5e-4)
    assert found.ratio == pytest.approx(0.83, abs=5e-3)
    assert found.verdict == "cannot_tell"
