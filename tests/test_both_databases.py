"""The list of what runs on PostgreSQL, too, keeps in step with the tests."""

from pathlib import Path

import pytest

from scripts.run_tests import ON_BOTH, ON_SQLITE_ALONE, paths_for_postgresql

ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize("pattern", [*ON_BOTH, *ON_SQLITE_ALONE])
def test_what_the_list_names_is_there(pattern: str) -> None:
    assert list(ROOT.glob(pattern))


def test_what_needs_postgresql_runs_on_it() -> None:
    needing = {
        str(path.relative_to(ROOT))
        for path in (ROOT / "tests").rglob("test_*.py")
        if "mark.postgresql" in path.read_text(encoding="utf-8") and path != Path(__file__)
    }
    assert needing
    assert needing <= set(paths_for_postgresql())
