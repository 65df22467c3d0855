"""What a job may still take: calls in flight count with what calls took so far."""

from judging.work.pacing.budget import Budget


def test_the_first_call_goes_alone_and_tells_what_one_takes() -> None:
    budget = Budget(500, spent=0, average=None, lanes=1)
    assert budget.is_open(0)
    assert not budget.is_open(1)
    budget.note(70)
    assert [budget.is_open(count) for count in (0, 6, 7)] == [True, True, False]


def test_calls_that_took_nothing_hold_nobody_up() -> None:
    budget = Budget(500, spent=0, average=None, lanes=1)
    budget.note(0)
    assert budget.is_open(64)


def test_what_is_written_is_not_counted_twice() -> None:
    budget = Budget(500, spent=0, average=None, lanes=1)
    budget.note(100)
    budget.note(100)
    budget.note_written(100, 100)
    assert [budget.is_open(count) for count in (2, 3)] == [True, False]
    # another lane has spent, too
    budget.note_written(100, 400)
    assert [budget.is_open(count) for count in (0, 1)] == [True, False]
    budget.note(100)
    assert not budget.is_open(0)


def test_other_lanes_are_taken_to_have_as_many_calls_in_flight() -> None:
    budget = Budget(1000, spent=200, average=100.0, lanes=4)
    assert [budget.is_open(count) for count in (1, 2)] == [True, False]
