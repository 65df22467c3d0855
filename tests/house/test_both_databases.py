"""The list of what runs on PostgreSQL, too, keeps in step with the tests."""

from pathlib import Path

from scripts.on_both import ON_BOTH, ON_SQLITE_ALONE, SOME_ON_BOTH, for_postgresql

ROOT = Path(__file__).parents[2]


def test_what_the_list_names_is_there() -> None:
    some = [f"{path}::{test}" for path, (_, tests) in SOME_ON_BOTH.items() for test in tests]
    for pattern, _, test in (name.partition("::") for name in (*ON_BOTH, *some, *ON_SQLITE_ALONE)):
        found = list(ROOT.glob(pattern))
        assert found, pattern
        assert not test or f"def {test}(" in found[0].read_text(encoding="utf-8"), (pattern, test)


def test_what_needs_postgresql_runs_on_it() -> None:
    needing = {
        str(path.relative_to(ROOT))
        for path in (ROOT / "tests").rglob("test_*.py")
        if "mark.postgresql" in path.read_text(encoding="utf-8") and path != Path(__file__)
    }
    assert needing
    assert needing <= set(for_postgresql())
