"""Figures of trust as text: on the command line and at the end of the demo."""

from collections.abc import Iterator, Mapping
from typing import Any

from judging.statistics.agreement.coefficients import FigureName
from judging.trust.comparisons.queries.query_table import QueryTable
from judging.trust.comparisons.run_comparison import RunComparison, Verdict
from judging.trust.figure_words import AGREEMENT_WORDS, REFUSAL_WORDS

_NAMES: tuple[FigureName, ...] = ("kappa_quadratic", "ac2_quadratic", "exact", "within_one")
_VERDICTS = {
    "better": "better than one more person",
    "as_good": "as good as one more person",
    "below": "below one more person",
    "cannot_tell": "whether it is as good as one more person can't be told from these grades",
}
_DIFFERENCES: dict[Verdict, str] = {
    "better": "better",
    "worse": "worse",
    "no_difference_seen": "no difference seen",
    "cannot_tell": "can't tell",
}


def figure_text(figure: Mapping[str, Any], *, signed: bool = False) -> str:
    """Write a figure with its interval, or the sentence why it has none."""
    if figure["refused_code"]:
        return f"- ({REFUSAL_WORDS[figure['refused_code']].sentence})"
    form = "+.3f" if signed else ".3f"
    value, low, high = (format(figure[name], form) for name in ("value", "low", "high"))
    rough = ", rough: few queries" if figure["is_rough"] else ""
    return f"{value}  ({low} to {high}{rough})"


def agreement_lines(agreement: Mapping[str, Any]) -> Iterator[str]:
    """Yield a line for each figure of agreement that needs no page to be understood."""
    for name in _NAMES:
        yield f"  {AGREEMENT_WORDS[name].name:<42}{figure_text(agreement[name])}"
    yield f"  {AGREEMENT_WORDS['bias'].name:<42}{figure_text(agreement['bias'], signed=True)}"
    figure = agreement["kappa_quadratic"]
    yield f"  {figure['grade_count']:,} documents of {figure['query_count']:,} queries; 95 % intervals over queries"


def people_lines(people: Mapping[str, Any]) -> Iterator[str]:
    """Yield what people among themselves say of the judge."""
    difference = people["difference"]
    if difference["refused_code"]:
        yield f"  Beside people: {figure_text(difference)}"
        return
    yield (
        f"  A person with the other people: {people['person_kappa']:.3f}; "
        f"the judge in that person's place: {people['judge_kappa']:.3f}"
    )
    yield f"  Difference {figure_text(difference, signed=True)}: {_VERDICTS[people['verdict']]}"


def report_lines(report: Mapping[str, Any]) -> Iterator[str]:
    """Yield a run's report as text."""
    yield "Do the AI's grades of record and people agree? (blind grades only)"
    yield from agreement_lines(report["agreement"])
    yield from people_lines(report["people"])
    agreement = report["agreement"]
    yield (
        f"  People's grades: {agreement['blind_count']:,} blind, {agreement['shown_count']:,} with the AI's in sight, "
        f"{agreement['unknown_count']:,} unknown"
    )
    yield "What would people say? (for these queries; for queries like these)"
    yield from estimate_lines(report["estimates"])
    for sample in report["check_samples"]:
        yield from sample_lines(sample)
    for certificate in report["certificates"]:
        void = f", void: {certificate['void_reason']}" if certificate["void_reason"] else ""
        yield f"  Certificate {certificate['id']}: {certificate['metric']} of {certificate['issued_at']}{void}"


def estimate_lines(estimates: Mapping[str, Any]) -> Iterator[str]:
    """Yield a line for each metric: what people would say, what the run shows, what the AI alone says."""
    for name, told in estimates.items():
        figure = told["estimate"]
        beside = f"shown {_number(told['effective'])}, the AI alone {_number(told['ai_alone'])}"
        if figure["refused_code"]:
            yield f"  {name:<10}-  ({beside}): {REFUSAL_WORDS[figure['refused_code']].sentence}"
        else:
            these = f"{figure['low']:.3f} to {figure['high']:.3f}"
            like = "" if figure["low_total"] is None else f"; {figure['low_total']:.3f} to {figure['high_total']:.3f}"
            yield f"  {name:<10}{figure['value']:.3f}  ({these}{like})  {beside}"


def sample_lines(sample: Mapping[str, Any]) -> Iterator[str]:
    """Yield how far a check sample is."""
    about = f"{sample['goal']} {sample['metric']}".strip()
    more = f", about {sample['needed_count']:,} more" if sample["needed_count"] else ""
    yield (
        f"  Check sample {about}: {sample['status']}, {sample['graded_count']:,} of "
        f"{sample['population_count']:,} graded{more}"
    )


def difference_lines(comparison: RunComparison) -> Iterator[str]:
    """Yield how the second of two runs differs from the first in each metric, with the verdict of its interval."""
    a, b = comparison.runs[:2]
    condition = ", if the AI's grades were people's" if comparison.has_ai_grades else ""
    yield f"Is {b.name} better than {a.name}? (b - a, 95 % interval for queries like these{condition})"
    for each in comparison.pair.metrics:
        figure = each.paired.figure
        values = f"{_number(each.value_a)} -> {_number(each.value_b)}"
        if figure.low_total is None or figure.high_total is None:
            told = f"- ({REFUSAL_WORDS[figure.refused_code].sentence})" if figure.refused_code else "-"
        else:
            told = f"{figure.value:+.3f}  ({figure.low_total:+.3f} to {figure.high_total:+.3f})"
        won = f"{each.paired.wins} won, {each.paired.ties} equal, {each.paired.losses} lost"
        yield f"  {each.metric:<10}{values}  {told}  {_DIFFERENCES[each.verdict]}; {won}"


def list_lines(table: QueryTable) -> Iterator[str]:
    """Yield how alike the lists of two runs are, and how far unjudged documents could move the difference."""
    found, measure = table.summary, table.measure
    yield (
        f"  The lists themselves: rank-biased overlap {_number(found.mean_rbo)}, "
        f"Jaccard of the first {measure.k} {_number(found.mean_jaccard)}"
    )
    if found.undecided_count and found.low is not None and found.high is not None:
        yield (
            f"  {found.undecided_count:,} documents of either top {measure.k} are unjudged and count as not relevant: "
            f"by grades for all of them"
        )
        yield f"  {measure.metric.name} could differ by anything from {found.low:+.3f} to {found.high:+.3f}"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
