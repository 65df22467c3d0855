"""`manage.py compare`: what a CI job asks of two runs."""

from pathlib import Path
from xml.etree import ElementTree as xml

import pytest
from django.core.management import CommandError, call_command

from judging.models import EvaluationRun
from tests.trust.compared import make_scored_run, some_values

pytestmark = pytest.mark.django_db


def pair(shift: float, count: int = 40) -> tuple[EvaluationRun, EvaluationRun]:
    before = make_scored_run({"P@10": some_values(count)}, name="before")
    after = make_scored_run(
        {"P@10": some_values(count, seed=2, shift=shift)}, corpus=before.evaluation.corpus, name="after"
    )
    return before, after


def exit_code(*arguments: str) -> int:
    try:
        call_command("compare", "before", "after", *arguments)
    except SystemExit as end:
        return int(str(end.code))
    return 0


@pytest.mark.parametrize(
    ("shift", "arguments", "code"),
    [
        (0.3, (), 0),
        (0.0, (), 0),
        (-0.3, (), 1),
        (-0.3, ("--fail-below", "-0.5"), 0),
        (0.0, ("--fail-below", "0.0"), 2),
        (-0.3, ("--fail-below", "-0.02"), 1),
    ],
)
def test_the_interval_decides_the_exit_code(shift: float, arguments: tuple[str, ...], code: int) -> None:
    pair(shift)
    assert exit_code(*arguments) == code


def test_too_few_queries_can_t_be_told() -> None:
    pair(-0.3, count=5)
    assert exit_code() == 2


def test_junit_holds_a_failure_for_what_is_worse(tmp_path: Path) -> None:
    pair(-0.3)
    file = tmp_path / "junit.xml"
    assert exit_code("--junit", str(file)) == 1
    suite = xml.parse(file).getroot()
    assert suite.attrib["failures"] == "1"
    assert "-0." in suite.findall("testcase/failure")[0].attrib["message"]


def test_an_unknown_metric_ends_with_one_line() -> None:
    pair(0.0)
    with pytest.raises(CommandError, match="NDCG@3"):
        call_command("compare", "before", "after", "--metric", "NDCG@3")
