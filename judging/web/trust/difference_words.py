"""A difference of two runs as a page shows it: a picture of its interval around zero, and what follows in a sentence."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from judging.statistics.figures import Figure
from judging.trust.comparisons.run_comparison import MetricComparison, PeoplesDifference, Verdict
from judging.trust.figure_words import signed_number, why_refused

# The picture's width in its own units, zero in the middle.
PICTURE_WIDTH = 160
_HALF = PICTURE_WIDTH / 2 - 6
_SIGNIFICANT = 0.05
_IF_AI = " if the AI's grades were people's"
_LOOKS: dict[Verdict, str] = {"better": "up", "worse": "down", "no_difference_seen": "none", "cannot_tell": "none"}


@dataclass(frozen=True, slots=True)
class Bar:
    """An interval in the picture's units: where it begins, how wide it is, and where the value stands."""

    x: float
    width: float
    value_x: float
    look: str
    label: str


@dataclass(frozen=True, slots=True)
class MetricRow:
    """A metric of two runs, ready to be shown."""

    found: MetricComparison
    headline: str
    detail: str
    unseen: str
    bar: Bar | None
    people: PeoplesDifference | None = None
    people_headline: str = ""
    people_detail: str = ""
    people_bar: Bar | None = None

    @property
    def verdict_look(self) -> str:
        """The look of the verdict, as of the bar."""
        return _LOOKS[self.found.verdict]


def metric_rows(
    metrics: Sequence[MetricComparison],
    *,
    names: Sequence[str],
    has_ai_grades: bool,
    people: Mapping[str, PeoplesDifference] | None = None,
) -> list[MetricRow]:
    """Return a row per comparison in a metric; `names` are those of the second runs, one each.

    Pictures of one kind of metric share their scale.
    """
    given = people or {}
    return [
        MetricRow(
            found=each,
            headline=headline(each.verdict, name, each, has_ai_grades=has_ai_grades),
            detail=detail(each),
            unseen=_unseen(each),
            bar=bar(each.paired.figure, each.verdict, _reach(each, metrics, given)),
            people=said,
            people_headline=_people_headline(said, name) if said else "",
            people_detail=_people_detail(said) if said else "",
            people_bar=bar(said.difference, said.verdict, _reach(each, metrics, given)) if said else None,
        )
        for each, name, said in (
            (each, name, given.get(each.metric)) for each, name in zip(metrics, names, strict=True)
        )
    ]


def headline(verdict: Verdict, name: str, each: MetricComparison, *, has_ai_grades: bool) -> str:
    """Say what the values say, and whose grades they rest on."""
    if each.paired.is_same_throughout:
        return "The same on every query"
    verb, condition = ("would be", _IF_AI) if has_ai_grades else ("is", "")
    return {
        "better": f"{name} {verb} better{condition}",
        "worse": f"{name} {verb} worse{condition}",
        "no_difference_seen": f"No difference seen{condition}",
        "cannot_tell": "Can't tell",
    }[verdict]


def detail(each: MetricComparison) -> str:
    """Say how far the difference may reach, or why nothing is known of it."""
    figure, count = each.paired.figure, each.paired.query_count
    if figure.refused_code:
        return why_refused(figure.refused_code)
    if each.paired.is_same_throughout:
        return f"No difference on any of {count:,} queries."
    if each.verdict == "no_difference_seen":
        text = f"On queries like these it may lie anywhere from {_signed(figure.low)} to {_signed(figure.high)}."
    else:
        nearer, farther = sorted((abs(figure.low or 0), abs(figure.high or 0)))
        text = f"On queries like these by {nearer:.3f} to {farther:.3f}."
        if each.p_holm is not None and each.p_holm > _SIGNIFICANT:
            text += " Having looked at all pairs of runs, it may still be chance."
    return f"{text} Rough: so few queries." if figure.is_rough else text


def _unseen(each: MetricComparison) -> str:
    least, count = each.paired.minimum_detectable_difference, each.paired.query_count
    if not least:
        return ""
    return f"With these {count:,} queries a difference below {_two_digits(least)} would often go unseen."


def _signed(number: float | None) -> str:
    return signed_number(number or 0.0)


def _two_digits(number: float) -> str:
    return f"{number:.2f}" if number >= 0.095 else f"{number:.3f}"


def _people_headline(said: PeoplesDifference, name: str) -> str:
    return {
        "better": f"People would say: {name} is better",
        "worse": f"People would say: {name} is worse",
        "no_difference_seen": "People would say: no difference seen",
        "cannot_tell": "People would say: can't tell yet",
    }[said.verdict]


def _people_detail(said: PeoplesDifference) -> str:
    figure = said.difference
    if figure.refused_code:
        return f"{figure.grade_count:,} blind grades so far. {why_refused(figure.refused_code)}"
    text = (
        f"By {_signed(figure.value)}, from {figure.grade_count:,} blind grades: for these queries"
        f" {_signed(figure.low)} to {_signed(figure.high)}, for queries like these {_signed(figure.low_total)} to"
        f" {_signed(figure.high_total)}"
    )
    if said.anytime_half_width is None or figure.value is None:
        return f"{text}."
    low, high = figure.value - said.anytime_half_width, figure.value + said.anytime_half_width
    return f"{text}. What decides is safe for repeated looks: from {_signed(low)} to {_signed(high)}."


def bar(figure: Figure, verdict: Verdict, reach: float) -> Bar | None:
    """Place the interval for queries like these on a scale of -`reach` to `reach`; None for a refused figure."""
    if figure.value is None or figure.low_total is None or figure.high_total is None:
        return None
    low, value, high = (
        PICTURE_WIDTH / 2 + _HALF * max(-1.0, min(1.0, number / (reach or 1.0)))
        for number in (figure.low_total, figure.value, figure.high_total)
    )
    label = f"Difference {_signed(figure.value)}, from {_signed(figure.low_total)} to {_signed(figure.high_total)}"
    return Bar(round(low, 1), round(max(high - low, 1), 1), round(value, 1), _LOOKS[verdict], label)


def _reach(
    metric: MetricComparison, metrics: Sequence[MetricComparison], people: Mapping[str, PeoplesDifference]
) -> float:
    """Find how far the pictures reach: those of shares together, DCG, which is none, for itself."""
    alike = [each for each in metrics if _is_share(each) == _is_share(metric)]
    figures = [each.paired.figure for each in alike]
    figures += [people[each.metric].difference for each in alike if each.metric in people]
    return max((abs(bound) for f in figures for bound in (f.low_total, f.high_total) if bound is not None), default=1.0)


def _is_share(metric: MetricComparison) -> bool:
    return not metric.metric.startswith("DCG")
