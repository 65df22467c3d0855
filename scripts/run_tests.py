"""Run everything that CI needs, side by side, or with --quick the checks and tests of every day.

The sessions wait for processes and leases as much as they compute, so they share the cores better than any of them
uses them alone. Each has a data directory of its own and says what it has to say when all are through.
"""

import argparse
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PYTEST = [sys.executable, "-m", "pytest", "-q", "-p", "tests.seldom_garbage"]
# The plugin of hypothesis reads all code for constants, for tests that are not among these. The sweeps over every route
# (tests/security) are the heaviest of what is left.
EVERY_DAY = [
    *("-m", "not (slow or seldom or browser or fuzz or postgresql)", "-p", "no:hypothesispytest"),
    *("--ignore=tests/browser", "--ignore=tests/security"),
]
NO_SERVER = 69  # what with_postgresql.sh says where none is installed


@dataclass
class Session:
    """A command that runs beside the others. `patience` gives the cores to those that measure time."""

    title: str
    command: list[str]
    patience: int = 0
    code: int = -1
    wall: float = 0.0
    cpu: float = 0.0
    output: Path = Path()

    def run(self, scratch: Path) -> None:
        name = self.title.lower().replace(" ", "-")
        self.output = scratch / f"{name}.log"
        started = time.monotonic()
        with self.output.open("wb") as output:
            self.process = subprocess.Popen(
                ["nice", "-n", str(self.patience), *self.command] if self.patience else self.command,
                cwd=ROOT,
                env={**os.environ, "RELEVAL_DATA_DIR": str(scratch / name)},
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        _, status, usage = os.wait4(self.process.pid, 0)
        self.code = self.process.returncode = os.waitstatus_to_exitcode(status)
        self.wall, self.cpu = time.monotonic() - started, usage.ru_utime + usage.ru_stime
        outcome = {0: "passed", NO_SERVER: "not run"}.get(self.code, "FAILED")
        print(f"{self.title}: {outcome} after {self.wall:.0f} s ({self.cpu:.0f} s of CPU)", flush=True)

    def end(self) -> None:
        if self.code == -1:
            os.killpg(self.process.pid, signal.SIGTERM)


def for_postgresql() -> list[str]:
    """Return what tells pytest which tests run on PostgreSQL, and which files have one: it need not read the others."""
    files = [
        str(path.relative_to(ROOT))
        for path in sorted((ROOT / "tests").rglob("test_*.py"))
        if re.search(r"\bmark\.(on_both|postgresql)\b", path.read_text(encoding="utf-8"))
    ]
    return ["-m", "on_both or postgresql", *files]


def everything(arguments: list[str]) -> list[Session]:
    # More workers than cores, as slow tests mostly wait: two begin with a browser each. A fifth costs more than it fills.
    tests = [*PYTEST, "-p", "tests.skips"]
    return [
        Session("Checks", ["sh", "scripts/check.sh"], patience=5),
        Session(
            "PostgreSQL",
            ["sh", "scripts/with_postgresql.sh", *tests, "-n", "1", *for_postgresql(), *arguments],
        ),
        Session("SQLite", [*tests, "-n", "4", "-m", "not postgresql", *arguments]),
    ]


def quick(arguments: list[str]) -> list[Session]:
    return [
        Session("Checks", ["sh", "scripts/check.sh"]),
        # One worker more than cores: a quarter of the time each of them waits for what it asks.
        Session("Tests", [*PYTEST, "-n", "3", *EVERY_DAY, *arguments]),
    ]


def compile_tests(selection: list[str]) -> None:
    """Have what a first run compiles compiled once, and not by each of the workers, which all begin with it."""
    if not any((ROOT / "tests" / "__pycache__").glob("conftest.*-pytest-*.pyc")):
        collecting = [*PYTEST, "--collect-only", *selection]
        # Tests with made-up texts need it: a second and a half for each worker that does not find it in .hypothesis.
        table = "from hypothesis.internal import charmap; charmap.charmap(); charmap.intervals_from_codec('utf-8')"
        with nullcontext() if selection else subprocess.Popen([sys.executable, "-c", table], cwd=ROOT):
            subprocess.run(collecting, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def clean_environment() -> None:
    """Forget the settings of whoever runs this; and keep compiled modules, which every process would compile anew."""
    names = {"DATABASE_URL", "DJANGO_SETTINGS_MODULE", "HOST", "PORT"}
    prefixes = ("DEMO_SEARCH_", "LOCAL_JUDGE_", "RELEVAL_")
    for name in [name for name in os.environ if name in names or name.startswith(prefixes)]:
        del os.environ[name]
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--hint", default="", help="how to install what skipped tests need")
    options, arguments = parser.parse_known_args()
    started = time.monotonic()
    sessions = (quick if options.quick else everything)(arguments)
    clean_environment()
    if options.hint:
        os.environ["RELEVAL_TEST_HINT"] = options.hint
    with tempfile.TemporaryDirectory(prefix="releval-test.") as scratch:
        os.environ["HOME"] = scratch
        threads = [threading.Thread(target=session.run, args=[Path(scratch)]) for session in sessions]
        try:
            checks, *tests = threads
            checks.start()
            compile_tests(EVERY_DAY if options.quick else [])
            for thread in tests:
                thread.start()
            for thread in threads:
                thread.join()
        except KeyboardInterrupt:
            for session in sessions:
                session.end()
            for thread in threads:
                thread.join()
            return 130
        for session in sessions:
            print(f"\n{session.title}:\n{session.output.read_text(errors='replace')}", flush=True)
    if any(session.code == NO_SERVER for session in sessions):
        print("NOT RUN ON POSTGRESQL: no server is installed.", file=sys.stderr)
    failed = [session.title for session in sessions if session.code not in (0, NO_SERVER)]
    cpu = sum(session.cpu for session in sessions)
    print(f"{time.monotonic() - started:.0f} s, {cpu:.0f} s of CPU")
    if failed:
        print(f"Failed, see above: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    # A shell starts what runs in the background with Ctrl-C ignored: either signal ends the sessions, too.
    for end in (signal.SIGINT, signal.SIGTERM):
        signal.signal(end, signal.default_int_handler)
    sys.exit(main())
