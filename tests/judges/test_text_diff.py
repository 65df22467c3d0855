"""Differences of texts, line by line."""

import time

from judging.web.text_diff import DiffLine, diff_lines


def test_equal_texts_have_no_difference() -> None:
    assert diff_lines("a\nb", "a\nb") == []


def test_a_changed_line_stands_between_three_lines_that_stayed_and_gaps() -> None:
    before = "\n".join("abcdefghi")
    lines = diff_lines(before, before.replace("e", "E"))
    assert lines == [
        DiffLine("gap", ""),
        *(DiffLine("same", text, number, number) for number, text in enumerate("bcd", start=2)),
        DiffLine("removed", "e", before=5),
        DiffLine("added", "E", after=5),
        *(DiffLine("same", text, number, number) for number, text in enumerate("fgh", start=6)),
        DiffLine("gap", ""),
    ]


def test_a_template_of_nothing_but_lines_is_cut_and_takes_no_time() -> None:
    started = time.process_time()
    lines = diff_lines("\n" * 50_000, "x\n" * 50_000)
    assert len(lines) == 6_002
    assert time.process_time() - started < 5
