"""The query lab: a query, up to four sides, their lists beside each other; what is written is kept as a template.

The acts are buttons of one form; htmx swaps the form, or the lists. An address holds the query and the sides' ids, so
that it can be shared; whoever opens it sees them filled in, and asks by a press of the button.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.urls import reverse
from django_htmx.http import replace_url, reswap

from judging.foundation.errors import Invalid
from judging.search.lab.asking import ask_sides
from judging.search.query_sets.sets import add_queries
from judging.search.query_templates.templates import save_query_template
from judging.web.base import PageRequest, errors_on, go_to, member_required, page_or_fragment, sentence, toast
from judging.web.search.lab.addresses import LETTERS, LONGEST_ADDRESS, lab_address
from judging.web.search.lab.forms import LabForm, SideForm, SideValues, opened_sides, read_sides, showing
from judging.web.search.lab.results import SideResult, side_results

_PAGE = "judging/search/lab/lab.html"
_FORM = "judging/search/lab/_form.html"
_RESULTS = "judging/search/lab/_results.html"


@dataclass(slots=True)
class Lab:
    """What the page shows. `focus` is the letter of the side that the keyboard goes to."""

    form: LabForm
    sides: list[SideForm]
    address: str
    focus: str = ""
    results: list[SideResult] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    @property
    def may_add(self) -> bool:
        return len(self.sides) < len(LETTERS)


@member_required
def query_lab(request: PageRequest) -> HttpResponse:
    if request.method != "POST":
        values = opened_sides(request.GET)
        typed = {name: request.GET.get(name, "") for name in ("query", "properties")}
        return _page(request, Lab(LabForm(initial=typed), _forms(values), _address(request.GET, values)))
    act, _, letter = request.POST.get("act", "ask").partition("-")
    values = read_sides(request.POST) or opened_sides(request.POST)
    place = LETTERS.find(letter) if len(letter) == 1 else -1
    if act in _SIDE_ACTS and 0 <= place < len(values):
        return _SIDE_ACTS[act](request, values, place)
    return {"add": _add, "keep": _keep_query}.get(act, _ask)(request, values)


def _ask(request: PageRequest, values: list[SideValues]) -> HttpResponse:
    form, sides = LabForm(request.POST), _forms(values, is_bound=True)
    lab = Lab(form, sides, _address(request.POST, values))
    if all([form.is_valid(), *(side.is_valid() for side in sides)]):
        try:
            answers = ask_sides(actor=request.user, query=form.body(), sides=[side.side() for side in sides])
            lab.results = side_results(answers, sides)
        except Invalid as error:
            lab.problems = [sentence(text) for texts in error.errors.values() for text in texts]
    else:
        lab.problems = _told(form) + [text for side in sides for text in _told(side, f"{side.title}, ")]
    return _page(request, lab, fragment=_RESULTS)


def _add(request: PageRequest, values: list[SideValues]) -> HttpResponse:
    """Add a side that begins as the last one stands."""
    if len(values) < len(LETTERS):
        values.append({**values[-1], "name": ""})
    return _drawn(request, values, focus=LETTERS[len(values) - 1])


def _remove(request: PageRequest, values: list[SideValues], place: int) -> HttpResponse:
    if len(values) > 1:
        del values[place]
    return _drawn(request, values, focus=LETTERS[min(place, len(values) - 1)])


def _load(request: PageRequest, values: list[SideValues], place: int) -> HttpResponse:
    """Draw a side with the text of the template that was chosen, which `read_sides` has put there."""
    return _drawn(request, values)


def _save_new(request: PageRequest, values: list[SideValues], place: int) -> HttpResponse:
    """Make a template of what is written in a side."""
    return _save(request, values, place, is_new=True)


def _save_version(request: PageRequest, values: list[SideValues], place: int) -> HttpResponse:
    """Make what is written in a side the next version of the template that it began with."""
    return _save(request, values, place, is_new=False)


def _save(request: PageRequest, values: list[SideValues], place: int, *, is_new: bool) -> HttpResponse:
    sides = _forms(values)
    side = sides[place] = SideForm(LETTERS[place], values[place], is_bound=True, is_asked=False)
    template = None if is_new else side.shown_template
    if side.is_valid():
        with errors_on(side):
            saved = save_query_template(
                actor=request.user,
                fields={**side.written(), **({"name": side.cleaned_data["name"]} if template is None else {})},
                template=template,
                expected_version=side.cleaned_data["version"] if template else None,
            )
            toast(request, messages.SUCCESS, f"{saved.name} is saved as version {saved.version}.")
            values[place] |= showing(saved)
            return _drawn(request, values)
    lab = Lab(_as_typed(request), sides, _address(request.POST, values), focus=side.letter)
    return _page(request, lab, fragment=_FORM, status=200 if request.htmx else 400)


def _keep_query(request: PageRequest, values: list[SideValues]) -> HttpResponse:
    """Add the query to the chosen set."""
    form = LabForm(request.POST)
    query_set = form.cleaned_data.get("query_set") if form.is_valid() else None
    if query_set is None:
        problems = _told(form) or ["Choose a query set first."]
        raise Invalid(problems[0])
    changed = add_queries(actor=request.user, query_set=query_set, queries=[form.body()])
    url = reverse("query_set", args=[changed.pk])
    done = f"{changed.name} has {changed.query_count:,} queries now."
    toast(request, messages.SUCCESS, done, url=url, link="Look at it")
    return reswap(HttpResponse(), "none") if request.htmx else go_to(request, _address(request.POST, values))


_SIDE_ACTS: dict[str, Callable[[PageRequest, list[SideValues], int], HttpResponse]] = {
    "remove": _remove,
    "load": _load,
    "save": _save_new,
    "version": _save_version,
}


def _drawn(request: PageRequest, values: list[SideValues], *, focus: str = "") -> HttpResponse:
    lab = Lab(_as_typed(request), _forms(values), _address(request.POST, values), focus=focus)
    return _page(request, lab, fragment=_FORM)


def _page(request: PageRequest, lab: Lab, *, fragment: str = _FORM, status: int = 200) -> HttpResponse:
    response = page_or_fragment(request, _PAGE, fragment, {"lab": lab}, status=status)
    return replace_url(response, lab.address) if request.htmx and len(lab.address) <= LONGEST_ADDRESS else response


def _forms(values: Sequence[SideValues], *, is_bound: bool = False) -> list[SideForm]:
    return [SideForm(letter, each, is_bound=is_bound) for letter, each in zip(LETTERS, values, strict=False)]


def _as_typed(request: PageRequest) -> LabForm:
    # Unbound, so that nothing is called wrong before it is asked.
    return LabForm(initial={name: request.POST.get(name, "") for name in LabForm.base_fields})


def _address(data: Any, values: Sequence[SideValues]) -> str:
    return lab_address(data.get("query", ""), data.get("properties", ""), values)


def _told(form: LabForm | SideForm, before: str = "") -> list[str]:
    """Write a form's errors as sentences that begin with the field's label."""
    return [
        f"{before}{form.fields[name].label}: {sentence(str(text))}" if name in form.fields else sentence(str(text))
        for name, texts in form.errors.items()
        for text in texts
    ]
