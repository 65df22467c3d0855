"""Run everything that CI needs, side by side, or with --quick the checks and tests of every day.

The sessions wait for processes and leases as much as they compute, so they share the cores better than any of them
uses them alone. Each has a data directory of its own and says what it has to say when all are through.
"""

import argparse
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PYTEST = [sys.executable, "-m", "pytest", "-q"]
EVERY_DAY = "not (slow or browser or fuzz or postgresql)"
NO_SERVER = 69  # what with_postgresql.sh says where none is installed

# Everything runs on SQLite; on PostgreSQL, too, runs what the two databases may do differently.
ON_BOTH = {
    "tests/work/test_*.py": "claims, leases, locks and clocks are the database's",
    "tests/work/processes/test_*.py": "the same, in processes of their own",
    "tests/golden/test_golden_checks.py": "claims, counts, constraints, one after the other by row locks",
    "tests/judging_runs/test_judging.py": "outcomes and counts written by several at once",
    "tests/judging_runs/test_locked_runs.py": "row locks",
    "tests/judging_runs/test_making_current.py": "the ledger's statements, row locks",
    "tests/judging_runs/test_scopes.py": "plans are made by one statement",
    "tests/responses/test_work.py": "outcomes and counts written by several at once",
    "tests/responses/test_batch_api.py": "aggregates, exports, texts as long as they may be",
    "tests/responses/test_idempotency.py": "two at once and a unique constraint",
    "tests/responses/test_lists.py": "pages by key",
    "tests/review/test_assignments.py": "row locks, conflicts ignored",
    "tests/review/test_grid.py": "raw SQL, order of what has no value, case in searches",
    "tests/review/test_blind_grading.py": "shuffled by arithmetic in SQL",
    "tests/review/test_handing_out.py": "row locks",
    "tests/review/test_people_page.py": "grouped statements, window functions",
    "tests/review/test_judgments.py": "the ledger's statements, constraints",
    "tests/search/endpoints/test_acts.py": "what text a database refuses, constraints",
    "tests/search/runs/test_*.py": "outcomes and counts written by several at once, row locks",
    "tests/search/test_query_sets.py": "searches in JSON",
    "tests/trust/samples/test_check_samples.py": "pools and snapshots are read by grouped statements",
    "tests/trust/samples/test_sample_leases.py": "row locks, two at once and a unique constraint",
    "tests/runs/importing/test_import_run.py": "bulk statements, constraints",
    "tests/runs/importing/test_import_judgments.py": "staging in raw SQL",
    "tests/runs/test_locks.py": "row locks, copies by one statement",
    "tests/runs/test_run_queries.py": "order by values in JSON",
    "tests/runs/test_query_tags.py": "searches in JSON",
    "tests/exports/test_exports.py": "raw SQL, cursors of the server",
    "tests/api/test_paging.py": "pages by key, order of what has no value",
    "tests/api/test_schema_fuzz.py": "what text and which numbers a database refuses",
    "tests/responses/test_schema.py": "what text and which numbers a database refuses",
    "tests/security/test_fuzz.py": "what text and which numbers a database refuses",
    "tests/foundation/test_columns.py": "values for raw SQL",
    "tests/people/test_accounts.py": "addresses in any case, constraints",
    "tests/judges/test_judges.py": "constraints, versions counted by two at once",
    "tests/judges/test_providers.py": "constraints",
    "tests/operations/test_retention.py": "deletes by raw SQL",
    "tests/operations/test_metrics.py": "aggregates",
    "tests/operations/test_usage.py": "groups by subqueries",
    "tests/trust/test_blindness.py": "upserts in raw SQL",
    "tests/trust/test_agreement.py": "columns read as numbers",
    "tests/operations/test_doctor.py": "what it says of a database",
}
# Files and tests of the above that are about processes and time, the same on any database, or about SQLite's files.
ON_SQLITE_ALONE = [
    "tests/responses/test_work.py::test_a_full_batch_is_judged_at_its_full_concurrency",
    "tests/responses/test_work.py::test_a_killed_cluster_loses_nothing_of_a_batch",
    "tests/search/runs/test_chaos.py",
    "tests/search/runs/test_other_engines.py",
    "tests/work/processes/test_chaos.py",
    "tests/work/processes/test_chaos_storage.py",
    "tests/work/processes/test_cluster.py::test_a_401_in_mid_run_fails_it_within_the_calls_in_flight",
    "tests/work/processes/test_cluster.py::test_a_killed_worker_process_is_replaced_and_nothing_is_lost",
    "tests/work/processes/test_cluster.py::test_two_workers_share_a_run_through_its_lanes",
    "tests/work/processes/test_faults.py::test_a_provider_that_is_killed_and_comes_back_costs_no_candidate",
    "tests/work/test_limiter.py",
    "tests/work/processes/test_serve.py",
    "tests/work/processes/test_third_kind.py",
    "tests/work/processes/test_worker_command.py",
]


def for_postgresql() -> list[str]:
    """Return what tells pytest which tests run on PostgreSQL."""
    found = [str(path.relative_to(ROOT)) for pattern in ON_BOTH for path in sorted(ROOT.glob(pattern))]
    return [
        *(path for path in found if path not in ON_SQLITE_ALONE),
        *(f"--deselect={test}" for test in ON_SQLITE_ALONE if "::" in test),
    ]


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


def everything(arguments: list[str]) -> list[Session]:
    # More workers than cores: the slow tests, which come first, mostly wait.
    tests = [*PYTEST, "-p", "tests.skips"]
    return [
        Session("Checks", ["sh", "scripts/check.sh"], patience=5),
        Session(
            "PostgreSQL",
            ["sh", "scripts/with_postgresql.sh", *tests, "-n", "2", *for_postgresql(), *arguments],
        ),
        Session("SQLite", [*tests, "-n", "4", "-m", "not postgresql", *arguments]),
    ]


def quick(arguments: list[str]) -> list[Session]:
    return [
        Session("Checks", ["sh", "scripts/check.sh"]),
        # The sweeps over every route are the heaviest of what is left.
        Session("Tests", [*PYTEST, "-n", "2", "-m", EVERY_DAY, "--ignore=tests/security", *arguments]),
    ]


def compile_tests() -> None:
    """Have what a first run compiles compiled once, and not by each of the workers, which all begin with it."""
    if not any((ROOT / "tests" / "__pycache__").glob("conftest.*-pytest-*.pyc")):
        subprocess.run([*PYTEST, "--collect-only"], cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


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
            compile_tests()
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
    signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))
    sys.exit(main())
