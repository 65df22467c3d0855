"""Rows put aside on disk while a file is checked: found again by number, however many there are."""

import json
import tempfile
import weakref
from array import array
from typing import Any

_IN_MEMORY = 1_000_000


class Spool:
    """Rows of JSON values in a temporary file that ends with this object."""

    def __init__(self) -> None:
        file = tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY)  # noqa: SIM115
        self._file = file
        self._offsets = array("Q")
        self._size = 0
        self._is_at_end = True
        weakref.finalize(self, file.close)

    def add(self, row: Any) -> int:
        """Put a row aside and return its number."""
        raw = json.dumps(row).encode() + b"\n"
        if not self._is_at_end:
            self._file.seek(self._size)
            self._is_at_end = True
        self._offsets.append(self._size)
        self._file.write(raw)
        self._size += len(raw)
        return len(self._offsets) - 1

    def __len__(self) -> int:
        return len(self._offsets)

    def row(self, number: int) -> Any:
        self._is_at_end = False
        self._file.seek(self._offsets[number])
        return json.loads(self._file.readline())
