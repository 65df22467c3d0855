"""Figures of trust in templates: their names, why one is refused, and links to where they are explained."""

from django import template
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from judging.templatetags.ui import NOTHING, icon
from judging.trust.figure_words import ALL_WORDS, signed_number, why_refused

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
    return why_refused(code)


@register.filter
def signed(value: float | None, places: int = 2) -> str:
    """Write a difference with its sign; a dash where there is none."""
    return NOTHING if value is None else signed_number(value, places)


@register.filter
def p_value(p: float | None) -> str:
    """Write a p value, never as 0."""
    if p is None:
        return NOTHING
    return "<0.001" if p < 0.001 else f"{p:.3f}"


@register.filter
def points(share: float) -> str:
    """Write a difference of two shares in percentage points."""
    return f"{100 * share:.0f} points".replace("-", "−")


@register.filter
def wider(ratio: float | None) -> str:
    """Write how much wider something is than something else from the ratio of their widths."""
    return "–" if ratio is None else f"{100 * (ratio - 1):.0f} %"


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


@register.filter
def about_minutes(seconds: float) -> str:
    """Write about how long people will take, as one says it: "10 minutes", "2.5 hours"."""
    minutes = round(seconds / 60)
    if minutes < 1:
        return "less than a minute"
    if minutes < 90:
        return f"{minutes} minute{'' if minutes == 1 else 's'}"
    hours = round(minutes / 30) / 2
    return f"{hours:g} hours"
