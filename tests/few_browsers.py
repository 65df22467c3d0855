"""How xdist shares the tests out: the browser's to two workers, so that two Chromiums run, most others each on its own.

What several tests share stays together, too: each worker of xdist would make its own.

xdist's own groups do nothing under pytest 9.2: they mark ids in a way that pytest no longer reads.
"""

from typing import Any

from xdist.scheduler.loadscope import LoadScopeScheduling

# What shares workers, or makes, reads or imports the same first: rows, our source, heavy libraries, descriptions.
_TOGETHER = {
    "tests/work/processes/test_cluster_at_work.py": "workers",
    "tests/house/": "house",
    "tests/statistics/": "oracles",
    "tests/metrics/": "oracles",
    "tests/api/test_schema_fuzz.py": "schemas",
    "tests/responses/test_schema.py": "schemas",
    "tests/search/analyses/test_reading_analyses.py": "analyses",
    "tests/trust/samples/test_check_samples.py": "check samples",
}


class FewBrowsers(LoadScopeScheduling):  # type: ignore[misc]
    def _split_scope(self, nodeid: str) -> str:
        if not nodeid.startswith("tests/browser/"):
            return next((scope for place, scope in _TOGETHER.items() if nodeid.startswith(place)), nodeid)
        # One after the other they take longer than everything beside them: those in rooms of their own are two fifths.
        return "rooms" if nodeid.count("/") > 2 else "browser"

    def _pending_of(self, workload: dict[str, dict[str, bool]]) -> int:
        # Told to forget what is done: after each test xdist would look through all that its worker has ever had.
        for scope in [scope for scope, tests in workload.items() if all(tests.values())]:
            del workload[scope]
        return int(super()._pending_of(workload))

    def _reschedule(self, node: Any) -> None:
        # Xdist would have two tests wait behind one that may take minutes, beside workers with nothing left.
        if not self.workqueue or self._pending_of(self.assigned_work[node]) < 2:
            super()._reschedule(node)


def pytest_xdist_make_scheduler(config: Any, log: Any) -> FewBrowsers:
    # In the order of tests/conftest.py, where xdist would begin with those that are many.
    config.option.loadscopereorder = False
    return FewBrowsers(config, log)
