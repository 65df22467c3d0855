"""Figures of trust in templates: their names, why one is refused, and links to where they are explained."""

from django import template
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from judging.templatetags.ui import icon
from judging.trust.figure_words import ALL_WORDS, REFUSAL_WORDS

register = template.Library()


@register.filter
def figure_name(name: str) -> str:
    """Write the name that people read of a figure, a method or a refusal."""
    return ALL_WORDS[name].name


@register.filter
def figure_sentence(name: str) -> str:
    """Say in a sentence what a figure, a method or a refusal means."""
    return ALL_WORDS[name].sentence


@register.filter
def refusal(code: str) -> str:
    """Say in a sentence why a figure has no value, from its `refused_code`."""
    return next(words.sentence for known, words in REFUSAL_WORDS.items() if known == code)


@register.filter
def signed(value: float | None, places: int = 2) -> str:
    """Write a difference with its sign, a real minus for what is below 0."""
    return "–" if value is None else f"{value:+.{places}f}".replace("-", "−")


@register.filter
def points(share: float) -> str:
    """Write a difference of two shares in percentage points."""
    return f"{100 * share:.0f} points".replace("-", "−")


@register.simple_tag
def how(name: str) -> SafeString:
    """Draw the help of a figure: its sentence as the tooltip, a link to where it is explained."""
    words = ALL_WORDS[name]
    return format_html(
        '<a class="figure-help" href="{}#{}" title="{}">{}</a>',
        reverse("trust_how"),
        words.anchor,
        words.sentence,
        icon("question-circle", f"How is this made: {words.name}"),
    )
