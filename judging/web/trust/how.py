"""The page "How these figures are made"."""

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from judging.trust.figure_words import AGREEMENT_WORDS, METHOD_WORDS, OTHER_WORDS, REFUSAL_WORDS
from judging.trust.probe_words import PROBE_WORDS
from judging.web.base import PageRequest, member_required
from judging.web.trust.how_sections import COVERAGE_SCRIPT, SECTIONS


@require_GET
@member_required
def how(request: PageRequest) -> HttpResponse:
    """Explain each figure, section by section, with its formula and source."""
    figures = [*AGREEMENT_WORDS.values(), *OTHER_WORDS.values(), *PROBE_WORDS.values()]
    parts = [
        {
            "section": section,
            "figures": [words for words in figures if words.anchor == section.anchor],
            "methods": [words for words in METHOD_WORDS.values() if words.anchor == section.anchor],
            "refusals": [words for words in REFUSAL_WORDS.values() if words.anchor == section.anchor],
        }
        for section in SECTIONS
    ]
    return render(request, "judging/trust/how.html", {"parts": parts, "script": COVERAGE_SCRIPT})
