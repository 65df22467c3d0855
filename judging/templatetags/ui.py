"""Small things that templates write often: icons, badges, numbers with their units, times, form fields."""

import re
from datetime import UTC, datetime
from functools import cache
from typing import Any

from django import template
from django.contrib.humanize.templatetags.humanize import intcomma, naturaltime
from django.forms import BoundField, CheckboxInput, CheckboxSelectMultiple, RadioSelect, Select
from django.templatetags.static import static
from django.urls import reverse
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.html import format_html
from django.utils.safestring import SafeString

from judging.foundation.scales import SCALES

register = template.Library()

NOTHING = "–"
# What holds several of a kind in an audit event, not what was before and after.
_LISTS = {"add", "people", "remove", "tags"}
_GRADE_STEPS = 9
_STATUS_LOOKS = {
    "pending": ("neutral", "hourglass-split"),
    "queued": ("neutral", "clock"),
    "running": ("info", "arrow-repeat"),
    "completed": ("success", "check2"),
    "judged": ("success", "check2"),
    "failed": ("danger", "exclamation-circle"),
    "cancelled": ("warning", "dash-circle"),
    "skipped": ("warning", "dash-circle"),
}


@register.simple_tag
def icon(name: str, label: str = "") -> SafeString:
    """Draw an icon of the sprite. Without a label it is decoration and hidden from screen readers."""
    if label:
        return format_html('<svg class="icon" role="img" aria-label="{}">{}</svg>', label, _use(name))
    return format_html('<svg class="icon" aria-hidden="true">{}</svg>', _use(name))


@cache
def _use(name: str) -> SafeString:
    """Refer to an icon of the sprite, of which a page has hundreds and all pages a few dozen."""
    return format_html('<use href="{}#{}"></use>', static("vendor/bootstrap-icons-1.13.2/sprite.svg"), name)


@register.filter
def tokens(owner: Any, name: str) -> str:
    """Write what a run, a batch or a test took, or what people must know of it: an estimate, or not reported.

    `name` is that of the owner's field, or "total" of both.
    """
    if getattr(owner, "is_usage_unknown", False):
        return "not reported"
    count = owner.input_tokens + owner.output_tokens if name == "total" else getattr(owner, name)
    return f"{intcomma(count)}{' (estimated)' if owner.usage_estimated else ''}"


@register.simple_tag
def status_badge(status: str) -> SafeString:
    look, name = _STATUS_LOOKS.get(status, ("neutral", "clock"))
    return format_html(
        '<span class="status status-{} status-is-{}">{}{}</span>', look, status, icon(name), status.capitalize()
    )


@register.simple_tag
def grade_badge(grade: int | None, scale: str) -> SafeString:
    """Draw a grade on the colour scale, its label as the tooltip; nothing judged is a dash."""
    if grade is None:
        return format_html('<span class="grade grade-none" title="Not judged">{}</span>', NOTHING)
    known = SCALES[scale]
    label = known.label(grade)
    return format_html(
        '<span class="grade grade-step-{}" title="{}">{}<span class="visually-hidden"> {}</span></span>',
        grade_step(grade, scale),
        label,
        grade,
        label,
    )


@register.simple_tag
@cache
def grade(value: int | None, scale: str) -> SafeString:
    """Draw a grade as lists of many do: the number on its colour alone; scripts add the label as its tooltip."""
    if value is None:
        return format_html("<b>{}</b>", NOTHING)
    return format_html('<b class="g{}">{}</b>', grade_step(value, scale), value)


@register.filter
def grade_step(grade: int, scale: str) -> int:
    """Return the step of the colour scale, 0 to 9, that a grade of `scale` has."""
    return round(grade / SCALES[scale].maximum * _GRADE_STEPS)


@register.filter
def decimals(value: float | None, places: int = 4) -> str:
    """Write a metric: `places` decimals, a dash where there is none, and no minus before what rounds to 0."""
    return NOTHING if value is None else f"{value:z.{places}f}"


@register.filter
def percent(share: float | None) -> str:
    """Write a share of 0 to 1. 100 % means all and 0 % nothing: what is in between never rounds to either."""
    if share is None:
        return NOTHING
    if 0 < share < 0.01:
        return "<1 %"
    if 0.99 < share < 1:
        return ">99 %"
    return f"{share:.0%}".replace("%", " %")


@register.filter
def number(value: float | None) -> str:
    return NOTHING if value is None else str(intcomma(value))


@register.filter
def duration(seconds: float | None) -> str:
    """Write a span of time with at most two units: 45 s, 3 min 20 s, 2 h 5 min, 3 d 4 h."""
    if seconds is None:
        return NOTHING
    if 0 < seconds < 10:
        return f"{seconds:.1f} s"
    left = round(seconds)
    if left < 60:
        return f"{left} s"
    for size, unit, small, small_unit in ((86400, "d", 3600, "h"), (3600, "h", 60, "min"), (60, "min", 1, "s")):
        if left >= size:
            rest = left % size // small
            return f"{left // size} {unit}" + (f" {rest} {small_unit}" if rest else "")
    return f"{left} s"


@register.filter
def words(name: str) -> str:
    """Write a stored name such as member_changed with spaces."""
    return re.sub(r"^ai\b", "AI", name.replace("_", " "))


@register.filter
def change(value: Any, name: str = "") -> str:
    """Write a value of an audit event: [before, after] as an arrow, several of a kind in a row, moments to the minute."""
    if name == "fields":
        return ", ".join(map(words, value))
    if name.endswith("_at") and isinstance(value, str) and (moment := parse_datetime(value)):
        return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
    if isinstance(value, list) and len(value) == 2 and name not in _LISTS:
        return f"{_written(value[0])} → {_written(value[1])}"
    return _written(value)


def _written(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(_written, value)) or NOTHING
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return str(intcomma(value))
    return NOTHING if value in (None, "") else str(value)


@register.simple_tag
def when(moment: datetime | None) -> SafeString:
    """Write how long ago (or until) something is; the exact time is the tooltip."""
    if moment is None:
        return format_html('<span class="text-muted">{}</span>', NOTHING)
    is_near = abs((timezone.now() - moment).total_seconds()) < 86400
    # "3 hours, 4 minutes ago": the first unit is enough.
    words = str(naturaltime(moment)).replace("\xa0", " ")
    if is_near:
        first, comma, _ = words.partition(", ")
        ending = "" if not comma else " from now" if words.endswith("from now") else " ago"
        text = first + ending
    else:
        text = f"{moment:%Y-%m-%d}"
    return format_html(
        '<time datetime="{}" title="{}">{}</time>', moment.isoformat(), f"{moment:%Y-%m-%d %H:%M:%S} UTC", text
    )


@register.inclusion_tag("judging/_post_button.html")
def post_button(
    where: str, *ids: Any, label: str, icon: str = "", look: str = "btn btn-quiet", confirm: str = "", yes: str = ""
) -> dict[str, str]:
    """Draw a form that is one button: it posts to a route with `ids`, or to an address; `confirm` asks before."""
    url = where if "/" in where else reverse(where, args=ids)
    return {"url": url, "label": label, "sign": icon, "look": look, "confirm": confirm, "yes": yes}


@register.inclusion_tag("judging/_field.html")
def field(bound: BoundField, **attributes: Any) -> dict[str, Any]:
    """Draw a form field: label, control, help, errors, tied together for screen readers.

    Further arguments become attributes of the control; underscores turn into dashes (`hx_get=…`).
    """
    widget = bound.field.widget
    is_check = isinstance(widget, CheckboxInput)
    is_group = isinstance(widget, RadioSelect | CheckboxSelectMultiple)
    kind = "form-check-input" if is_check else "" if is_group else "form-control"
    if isinstance(widget, Select) and not is_group:
        kind = "form-select"
    if bound.errors:
        kind += " is-invalid"
    given = {name.replace("_", "-"): value for name, value in attributes.items()}
    css = " ".join(filter(None, [kind, widget.attrs.get("class", ""), given.pop("class", "")]))
    return {
        "field": bound,
        "control": bound.as_widget(attrs={**given, "class": css}),
        "is_check": is_check,
        "is_group": is_group,
    }
