"""A pytest plugin (`-p tests.skips`, as make test runs it): says last and loudly what was skipped, and why."""

import os
from collections import defaultdict
from typing import Any

import pytest

_skipped: dict[str, list[str]] = defaultdict(list)


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    if report.skipped and not hasattr(report, "wasxfail"):
        _note(report)


def pytest_collectreport(report: pytest.CollectReport) -> None:
    if report.skipped:
        _note(report)


def _note(report: Any) -> None:
    reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    _skipped[str(reason).removeprefix("Skipped: ")].append(report.nodeid)


def pytest_unconfigure(config: pytest.Config) -> None:
    # With xdist every process loads the plugin; the one that leads has seen all reports.
    if hasattr(config, "workerinput") or not _skipped:
        return
    count = sum(map(len, _skipped.values()))
    print(f"\n{'!' * 100}\n{count} {'TEST WAS' if count == 1 else 'TESTS WERE'} SKIPPED:")
    for reason, tests in _skipped.items():
        print(f"\n  because: {reason}")
        for test in tests:
            print(f"    {test}")
    if hint := os.environ.get("RELEVAL_TEST_HINT"):
        print(f"\n{hint}")
    print("!" * 100)
