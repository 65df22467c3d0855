"""The page that explains the figures: nothing that a page or the API can say is left out."""

import html
import re
from typing import get_args

import pytest
from django.urls import reverse

from judging.models import Role
from judging.statistics.agreement.coefficients import FigureName
from judging.statistics.figures import Method, RefusedCode
from judging.templatetags.figures import figure_name, figure_sentence, how, refusal
from judging.trust.figure_words import AGREEMENT_WORDS, ALL_WORDS, METHOD_WORDS, REFUSAL_WORDS
from judging.web.trust.how_sections import COVERAGE_SCRIPT, SECTIONS
from tests.factories import make_user
from tests.security.installation import browser_of


def test_every_figure_refusal_and_method_has_words() -> None:
    assert set(AGREEMENT_WORDS) == set(get_args(FigureName))
    assert set(REFUSAL_WORDS) == set(get_args(RefusedCode))
    assert set(METHOD_WORDS) == set(get_args(Method))


def test_every_word_is_explained_in_a_section_that_exists() -> None:
    anchors = [section.anchor for section in SECTIONS]
    assert len(anchors) == len(set(anchors))
    assert {words.anchor for words in ALL_WORDS.values()} <= set(anchors)


@pytest.mark.django_db
def test_the_page_explains_each_of_them_below_its_heading() -> None:
    page = html.unescape(browser_of(make_user(Role.MEMBER)).get(reverse("trust_how")).content.decode())
    for name, words in ALL_WORDS.items():
        assert re.search(rf"<dt>(Method: )?{re.escape(words.name)}</dt>", page), name
    for section in SECTIONS:
        assert f'id="{section.anchor}"' in page
        assert f'href="#{section.anchor}"' in page
    assert COVERAGE_SCRIPT in page


def test_templates_name_figures_and_link_to_their_section() -> None:
    assert figure_name("bias") == "Too generous or too strict"
    assert figure_sentence("paired_by_query").startswith("Each query's value")
    assert refusal("no_variance").startswith("All values are one and the same")
    assert f'href="{reverse("trust_how")}#agreement"' in how("kappa_quadratic")
