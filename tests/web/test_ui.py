"""How numbers, grades and times are written."""

from datetime import timedelta

import pytest
from django import forms
from django.template import Context, Template
from django.utils import timezone

from judging.foundation.scales import SCALES
from judging.templatetags import ui


@pytest.mark.parametrize(
    ("seconds", "written"),
    [
        (None, "–"),
        (0, "0 s"),
        (1.25, "1.2 s"),
        (59.4, "59 s"),
        (60, "1 min"),
        (200, "3 min 20 s"),
        (7500, "2 h 5 min"),
        (273_600, "3 d 4 h"),
    ],
)
def test_a_span_of_time_has_at_most_two_units(seconds: float | None, written: str) -> None:
    assert ui.duration(seconds) == written


@pytest.mark.parametrize(
    ("share", "written"),
    [(None, "–"), (0, "0 %"), (0.0001, "<1 %"), (0.574, "57 %"), (0.9999, ">99 %"), (1, "100 %")],
)
def test_only_all_is_100_percent_and_only_nothing_is_0(share: float | None, written: str) -> None:
    assert ui.percent(share) == written


def test_a_metric_has_four_decimals_and_none_is_a_dash() -> None:
    assert (ui.decimals(0.61372), ui.decimals(7.8, 1), ui.decimals(None)) == ("0.6137", "7.8", "–")
    assert (ui.decimals(-0.001, 2), ui.decimals(-0.01, 2)) == ("0.00", "-0.01")


@pytest.mark.parametrize("scale", SCALES.values(), ids=lambda scale: scale.name)
def test_every_scale_spans_the_colours_from_end_to_end_in_distinct_steps(scale: object) -> None:
    assert isinstance(scale, type(SCALES["graded"]))
    steps = [ui.grade_step(grade, scale.name) for grade in range(scale.maximum + 1)]
    assert steps[0] == 0
    assert steps[-1] == 9
    assert len(set(steps)) == len(steps)


def test_a_grade_says_its_label_to_those_who_see_no_colour() -> None:
    assert "Highly relevant" in ui.grade_badge(3, "graded")
    assert "Not judged" in ui.grade_badge(None, "graded")


def test_a_time_shows_its_largest_unit_and_a_tooltip() -> None:
    moment = timezone.now() - timedelta(hours=3, minutes=4)
    assert ">3 hours ago<" in ui.when(moment)
    assert f"{moment:%Y-%m-%d %H:%M:%S} UTC" in ui.when(moment)
    assert ">2026-01-02<" in ui.when(moment.replace(year=2026, month=1, day=2))


def test_a_field_ties_label_help_and_errors_to_its_control() -> None:
    class Form(forms.Form):
        depth = forms.IntegerField(help_text="The first <k> candidates")

    page = Template("{% load ui %}{% field form.depth hx_get='/estimate' %}").render(Context({"form": Form({})}))
    assert 'for="id_depth"' in page
    assert 'aria-describedby="id_depth_helptext id_depth_error"' in page
    assert 'hx-get="/estimate"' in page
    assert "is-invalid" in page
    assert "&lt;k&gt;" in page


def test_an_audit_event_writes_changes_as_arrows_and_fields_in_a_row() -> None:
    assert ui.change(["member", "admin"], "role") == "member → admin"
    assert ui.change(["prompt_template", "temperature"], "fields") == "prompt template, temperature"
    assert ui.change([["MAP", "P@5"], []], "metrics") == "MAP, P@5 → –"
    assert ui.change(["ada@example.com", "grace@example.com"], "people") == "ada@example.com, grace@example.com"
    assert ui.change(["head"], "add") == "head"
    assert ui.change("2026-11-27T15:42:42.073854+00:00", "confirmed_at") == "2026-11-27 15:42 UTC"
