"""What the bench says of what it measured, and of what it did not."""

from tests.bench.figures import at_least, at_most, not_measured, plain, table, verdict


def test_the_table_says_how_to_measure_a_missing_mark() -> None:
    rows = table([at_most("cancel", 0.5, "s", 1.0), not_measured("outage", "<= 150", "BENCH_ARGS=--full")]).splitlines()
    assert rows[2].split() == ["cancel", "0.50", "s", "<=", "1", "met"]
    assert rows[3].split() == ["outage", "not", "measured", "(BENCH_ARGS=--full)", "<=", "150", "UNKNOWN"]


def test_the_last_line_counts_marks_that_are_met_and_hides_no_unknown_one() -> None:
    figures = [at_most("a", 2, "s", 1), at_least("b", 2, "/s", 1), plain("c", 3)]
    assert verdict(figures) == "1 of 2 marks measured are met"
    unknown = [*figures, not_measured("d", "<= 1", "PEERS=1")]
    assert verdict(unknown) == "1 of 2 marks measured are met; 1 NOT MEASURED"
