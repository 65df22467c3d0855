"""What a job may still take of a budget, of tokens for one: calls in flight count with what calls took so far."""


class Budget:
    """The budget of a job as one of its lanes sees it. Used inside the loop of a slice.

    `spent` by the job and `average` of its calls are what earlier slices left (None: not known). Of other lanes only
    what they have written is known: they are taken to have as many calls in flight as this one.
    """

    def __init__(self, limit: int, *, spent: int, average: float | None, lanes: int) -> None:
        self._limit, self._lanes = limit, max(1, lanes)
        self._written, self._unwritten = spent, 0
        self._average = average
        self._count = self._sum = 0
        self._has_returned = average is not None

    def note(self, taken: int) -> None:
        """Note what a call that has come back took."""
        self._has_returned = True
        self._unwritten += taken
        if taken:
            self._count += 1
            self._sum += taken

    def note_written(self, taken: int, spent: int) -> None:
        """Note that this much of what was noted is stored, and what the job has spent by now."""
        self._unwritten -= taken
        self._written = spent

    def is_open(self, in_flight: int) -> bool:
        """Tell whether one more call may start."""
        spent = self._written + self._unwritten
        if spent >= self._limit:
            return False
        if not in_flight:
            # Or nobody would ever reach the limit.
            return True
        average = self._sum / self._count if self._count else self._average
        if average is None:
            # The first call tells what one takes; where it took nothing, nothing is known to be spent.
            return self._has_returned
        return spent + in_flight * average * self._lanes < self._limit
