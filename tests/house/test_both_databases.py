"""The list of what runs on PostgreSQL, too, keeps in step with the tests."""

from pathlib import Path

import pytest

from scripts.run_tests import ON_BOTH, ON_SQLITE_ALONE, for_postgresql

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("pattern", [*ON_BOTH, *ON_SQLITE_ALONE])
def test_what_the_list_names_is_there(pattern: str) -> None:
    pattern, _, test = pattern.partition("::")
    found = list(ROOT.glob(pattern))
    assert found
    assert not test or f"def {test}(" in found[0].read_text(encoding="utf-8")


def test_what_needs_postgresql_runs_on_it() -> None:
    needing = {
        str(path.relative_to(ROOT))
        for path in (ROOT / "tests").rglob("test_*.py")
        if "mark.postgresql" in path.read_text(encoding="utf-8") and path != Path(__file__)
    }
    assert needing
    assert needing <= set(for_postgresql())
