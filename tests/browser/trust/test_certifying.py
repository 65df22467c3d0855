"""From nothing to a certificate, with the grades that a person gave to the shipped sample data."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from judging.models import EvaluationRun, Role
from judging.trust.samples.states import get_check_sample, sample_state
from tests.browser.conftest import Visitor
from tests.factories import make_user
from tests.metrics.metrics_data import people_grades
from tests.trust.sampled import grade_queue, start
from tests.trust.test_certifying import PERSON, certifying_run, sample_texts

BATCH, SHOWN = 40, 3


@pytest.fixture
def run(transactional_db: None) -> EvaluationRun:
    return certifying_run(sample_texts())


@pytest.mark.slow(seconds=20)
def test_a_person_certifies_a_metric_with_less_than_a_third_of_the_grades(
    new_visitor: Callable[..., Visitor], run: EvaluationRun
) -> None:
    texts = sample_texts()
    label_of = {text: label for label, text in texts.items()}
    by_pair = {
        (text, document): grades[PERSON]
        for (label, document), grades in people_grades().items()
        if PERSON in grades and (text := texts.get(label))
    }
    sample = start(run, metric="P@10")
    person = make_user(Role.MEMBER)
    visitor = new_visitor(person)
    page = visitor.page
    visitor.open(f"/check-samples/{sample.pk}/grade")
    expect(page.locator("#next-unrated")).to_contain_text(str(BATCH))
    page.wait_for_load_state()
    page.keyboard.press("n")
    expect(page.locator("#judge-form")).to_be_attached()
    page.wait_for_load_state()
    for _ in range(SHOWN):
        grade_what_is_shown(page, label_of)
    # One by one in the browser they would take a minute, and show what these have shown.
    assert grade_queue(sample, person, by_pair, most=BATCH - SHOWN) == BATCH - SHOWN
    while not (state := sample_state(get_check_sample(sample.pk))).is_certified:
        assert state.graded_count < 0.3 * state.population_count
        assert grade_queue(sample, person, by_pair, most=BATCH) == BATCH
    assert state.graded_count <= 0.3 * state.population_count
    visitor.open(f"/evaluations/runs/{run.pk}/trust")
    page.get_by_role("button", name="Make a certificate").click()
    expect(page.locator("h1")).to_contain_text("Certified")
    expect(page.locator(".certificate-value")).to_contain_text("People would say P@10")


def grade_what_is_shown(page: Page, label_of: dict[str, str]) -> None:
    shown = page.locator("#judge-form input[name=candidate]")
    expect(shown).to_be_attached()
    pk = shown.input_value()
    query, document = page.locator("#judge-query").inner_text(), page.locator(".judge-id").inner_text()
    page.keyboard.type(2 * str(people_grades()[label_of[query], document.strip()][PERSON]))
    # The next one, or the end of the batch.
    expect(page.locator(f'#judge-form input[name=candidate][value="{pk}"]')).to_have_count(0)
