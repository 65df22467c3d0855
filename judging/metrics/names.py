"""Metric names: what may be asked for, and what a name means."""

import difflib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from judging.foundation.errors import Invalid

FamilyName = Literal["NDCG", "NDCG_lin", "DCG", "SDCG", "P", "Recall", "F1", "MAP", "MRR", "ERR", "RBP", "Judged"]

MAX_CUTOFF = 1000
MAX_METRICS = 30
UNKNOWN_METRIC = "unknown_metric"
DEFAULT_METRICS = ("NDCG@10", "P@10", "Recall@10", "MRR@10")


@dataclass(frozen=True, slots=True)
class MetricFamily:
    """A kind of metric; `cutoff` says whether its names carry "@k"."""

    name: FamilyName
    description: str
    cutoff: Literal["required", "optional", "none"] = "required"

    @property
    def forms(self) -> tuple[str, ...]:
        """Give the spellings a name of this family can take."""
        bare, cut = self.name, f"{self.name}@k"
        return {"required": (cut,), "optional": (bare, cut), "none": (bare,)}[self.cutoff]


METRIC_FAMILIES: tuple[MetricFamily, ...] = (
    MetricFamily("NDCG", "Normalized discounted cumulative gain, gain 2^grade - 1"),
    MetricFamily("NDCG_lin", "Normalized discounted cumulative gain, gain = grade (as trec_eval computes it)"),
    MetricFamily("DCG", "Discounted cumulative gain, gain 2^grade - 1"),
    MetricFamily("SDCG", "DCG as a share of that of k documents of the highest grade, 0 to 1"),
    MetricFamily("P", "Precision: relevant among the first k, divided by k"),
    MetricFamily("Recall", "Relevant among the first k, divided by all known relevant documents"),
    MetricFamily("F1", "Harmonic mean of precision and recall at k, per query"),
    MetricFamily("MAP", "Mean average precision", "optional"),
    MetricFamily("MRR", "Mean reciprocal rank of the first relevant document", "optional"),
    MetricFamily("ERR", "Expected reciprocal rank (graded cascade model)"),
    MetricFamily("RBP", "Rank-biased precision, persistence 0.8", "none"),
    MetricFamily("Judged", "Share of the first k returned documents that have a grade"),
)

KNOWN_METRICS: tuple[str, ...] = tuple(form for family in METRIC_FAMILIES for form in family.forms)

# Accepted as input beside the family's own name; the value is still reported under the name as given.
_BY_SPELLING = {family.name.lower(): family for family in METRIC_FAMILIES}
_BY_SPELLING["precision"] = _BY_SPELLING["p"]

# Not accepted, since they mean different things to different people, but worth an answer.
_HINTS = {
    "ap": "MAP",
    "rr": "MRR",
    "r": "Recall",
    "f": "F1",
    "prec": "P",
    "ndcg_exp": "NDCG",
    "ndcg_linear": "NDCG_lin",
}

_NAME = re.compile(r"(?P<family>[A-Za-z0-9_]+)(?:@(?P<cutoff>[0-9]+))?")
_LOOSE_NAME = re.compile(r"(?P<family>.+?)(?:[^A-Za-z0-9]*(?P<cutoff>[0-9]+))?")
_LONGEST_ECHO = 40


@dataclass(frozen=True, slots=True)
class Metric:
    """A metric that a run is made with: `name` as it was given, the family it belongs to, and its cut-off."""

    name: str
    family: FamilyName
    cutoff: int | None = None

    @property
    def canonical_name(self) -> str:
        return self.family if self.cutoff is None else f"{self.family}@{self.cutoff}"


def parse_metric(name: str) -> Metric:
    """Read a metric name such as "NDCG@10", in any letter case; "Precision@k" is another spelling of "P@k".

    Outer white space is dropped, else `Metric.name` is the name as given. Raises `Invalid` ("unknown_metric") with a
    message for people: what is known, and what was probably meant.
    """
    if not isinstance(name, str):
        raise _unknown(f"A metric is named by text such as NDCG@10, not by {type(name).__name__}.")
    name = name.strip()
    match = _NAME.fullmatch(name) if len(name) <= _LONGEST_ECHO else None
    family = _BY_SPELLING.get(match["family"].lower()) if match else None
    if match is None or family is None:
        raise _unknown(f'Unknown metric "{_echo(name)}".{_suggestion(name)} {_known()}')

    digits = match["cutoff"]
    if digits is None:
        if family.cutoff == "required":
            raise _unknown(f"{name} needs a cut-off: {family.name}@k with k from 1 to {MAX_CUTOFF}, as in {name}@10.")
        return Metric(name, family.name)
    if family.cutoff == "none":
        raise _unknown(f"{family.name} takes no cut-off: write {family.name} instead of {name}.")
    if digits.startswith("0") or int(digits) > MAX_CUTOFF:
        raise _unknown(f"The cut-off of {name} must be a whole number from 1 to {MAX_CUTOFF}.")
    return Metric(name, family.name, int(digits))


def parse_metrics(names: Sequence[str]) -> list[Metric]:
    """Read the metric names of a run: 1 to 30 of them, each metric once (P@5 and Precision@5 are the same one).

    Raises `Invalid` with every problem found, one message each, under "metrics". Its code is "unknown_metric" when a
    name is among them, else "invalid".
    """
    if isinstance(names, str) or not isinstance(names, Sequence):
        raise _invalid(["Metrics are given as a list of names."])
    if not names:
        raise _invalid(["Name at least one metric."])
    if len(names) > MAX_METRICS:
        raise _invalid([f"At most {MAX_METRICS} metrics, not {len(names)}."])

    metrics: dict[str, Metric] = {}
    problems: list[Invalid] = []
    for name in names:
        try:
            metric = parse_metric(name)
        except Invalid as error:
            problems.append(error)
            continue
        first = metrics.setdefault(metric.canonical_name, metric)
        if first is not metric:
            same = "is named twice" if first.name == metric.name else f"is the same metric as {first.name}"
            problems.append(_invalid([f"{metric.name} {same}."]))
    if problems:
        is_name_wrong = any(problem.code == UNKNOWN_METRIC for problem in problems)
        raise _invalid([problem.message for problem in problems], code=UNKNOWN_METRIC if is_name_wrong else None)
    return list(metrics.values())


def validate_metrics(names: Sequence[str]) -> list[str]:
    """Check the metric names of a run as `parse_metrics` does and give them back as they are to be stored."""
    return [metric.name for metric in parse_metrics(names)]


def _unknown(message: str) -> Invalid:
    return _invalid([message], code=UNKNOWN_METRIC)


def _invalid(messages: list[str], *, code: str | None = None) -> Invalid:
    return Invalid(" ".join(messages), errors={"metrics": messages}, code=code)


def _known() -> str:
    return f"Known are {', '.join(KNOWN_METRICS)}; k from 1 to {MAX_CUTOFF}."


def _echo(name: str) -> str:
    printable = "".join(character if character.isprintable() else "?" for character in name[: _LONGEST_ECHO + 1])
    return printable if len(printable) <= _LONGEST_ECHO else f"{printable[:_LONGEST_ECHO]}..."


def _suggestion(name: str) -> str:
    """Guess the name that was meant, with a cut-off that it may have; an empty string when nothing comes near."""
    match = _LOOSE_NAME.fullmatch(name) if len(name) <= _LONGEST_ECHO else None
    if match is None:
        return ""
    spelling = match["family"].lower()
    candidates = {**{key: family.name for key, family in _BY_SPELLING.items()}, **_HINTS}
    close = difflib.get_close_matches(spelling, candidates, n=1, cutoff=0.5)
    if not close:
        return ""
    family = _BY_SPELLING[candidates[close[0]].lower()]
    if family.cutoff == "none" or (family.cutoff == "optional" and not match["cutoff"]):
        return f" Did you mean {family.name}?"
    cutoff = int(match["cutoff"] or 0)
    return f" Did you mean {family.name}@{cutoff if 1 <= cutoff <= MAX_CUTOFF else 10}?"
