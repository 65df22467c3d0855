"""`manage.py compare`: is one evaluation run worse than another? What a CI job asks."""

from pathlib import Path
from typing import Any, Literal
from xml.etree import ElementTree as xml

from django.core.management.base import CommandError, CommandParser

from judging.management.arguments import errors_on_one_line, get_by_id_or_name
from judging.management.command import BaseCommand
from judging.management.trust_report import difference_lines
from judging.metrics import parse_metric
from judging.runs.run_lists import evaluation_runs
from judging.trust.comparisons.run_comparison import (
    MetricComparison,
    PeoplesDifference,
    comparison_of,
    verdict_of,
)

Outcome = Literal["not worse", "worse", "cannot tell"]
_EXIT_CODES: dict[Outcome, int] = {"not worse": 0, "worse": 1, "cannot tell": 2}


class Command(BaseCommand):
    help = (
        "Say whether the second evaluation run is worse than the first, by the 95 % interval of their difference for"
        " queries like these: people's, where a check sample has it, else by the grades that count. Ends with 0 when it"
        " is not worse, 1 when it is, 2 when that can't be told."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("before", help="id or name of the evaluation run before")
        parser.add_argument("after", help="id or name of the one after")
        parser.add_argument("--metric", help="default: the first that both have")
        parser.add_argument(
            "--fail-below",
            type=float,
            metavar="DIFFERENCE",
            help="how much worse is still fine, such as -0.02: the whole interval must lie above it, else it can't be"
            " told; default: worse is what lies below 0 as a whole",
        )
        parser.add_argument("--junit", type=Path, metavar="FILE", help="write the outcome as JUnit XML, too")

    def handle(self, *args: Any, **options: Any) -> None:
        runs = [get_by_id_or_name(evaluation_runs(), options[name]) for name in ("before", "after")]
        with errors_on_one_line():
            wanted = parse_metric(options["metric"]).canonical_name if options["metric"] else None
            comparison = comparison_of(runs)
        metrics = [each for each in comparison.pair.metrics if wanted in (None, each.metric)]
        if not metrics:
            raise CommandError(f"The runs have no metric {wanted} in common." if wanted else "No metric in common.")
        chosen, said = metrics[0], comparison.people.get(metrics[0].metric)
        outcome, text = _outcome(chosen, said, options["fail_below"])
        for line in difference_lines(comparison):
            self.stdout.write(line)
        self.stdout.write(f"{chosen.metric}: {outcome}. {text}")
        if options["junit"] is not None:
            _write_junit(options["junit"], name=f"{runs[1].name} against {runs[0].name}", chosen=chosen.metric,
                         outcome=outcome, text=text)  # fmt: skip
        if code := _EXIT_CODES[outcome]:
            raise SystemExit(code)


def _outcome(
    metric: MetricComparison, people: PeoplesDifference | None, fail_below: float | None
) -> tuple[Outcome, str]:
    """Return what the interval says, and the interval in words."""
    figure, anytime, whose = metric.paired.figure, None, "by the grades that count"
    if people is not None and people.difference.value is not None:
        figure, anytime, whose = people.difference, people.anytime_half_width, "by what people would say"
    value, low, high = figure.value, figure.low_total, figure.high_total
    if value is None or low is None or high is None:
        return "cannot tell", f"There is no interval ({figure.refused_code})."
    if anytime is not None:
        low, high = value - anytime, value + anytime
    text = f"The difference is {value:+.3f} ({low:+.3f} to {high:+.3f}), {whose}."
    if fail_below is None:
        verdict = verdict_of(figure, anytime_half_width=anytime)
        return ("worse" if verdict == "worse" else "not worse"), text
    return ("worse" if high < fail_below else "not worse" if low >= fail_below else "cannot tell"), text


def _write_junit(path: Path, *, name: str, chosen: str, outcome: Outcome, text: str) -> None:
    suite = xml.Element(
        "testsuite", name="releval", tests="1", failures=str(int(outcome == "worse")),
        skipped=str(int(outcome == "cannot tell")),
    )  # fmt: skip
    case = xml.SubElement(suite, "testcase", classname=name, name=chosen)
    if outcome == "worse":
        xml.SubElement(case, "failure", message=text)
    elif outcome == "cannot tell":
        xml.SubElement(case, "skipped", message=text)
    try:
        path.write_bytes(xml.tostring(suite, encoding="utf-8", xml_declaration=True))
    except (OSError, ValueError) as error:
        raise CommandError(f"{path}: {error}") from None
