"""Let processes that nobody waits for give way to the web server."""

import os
from contextlib import suppress
from pathlib import Path

# Half the share of a core that a page gets: enough for it, and a host with much else to do still judges.
NICENESS = 3
_SESSION = Path("/proc/self/autogroup")
# True in a process that gave way, and in those it has forked since.
_is_behind_others = False


def give_way() -> None:
    """Lower the share of busy cores that this process gets, and each that it will start. Idle cores stay its own."""
    global _is_behind_others
    _is_behind_others = True
    os.nice(NICENESS)
    # Linux desktops and servers share cores between sessions first: within one of its own the process is only behind
    # itself. In a terminal the session is the user's.
    if os.getsid(0) == os.getpid():
        with suppress(OSError):
            _SESSION.write_text(str(NICENESS))


def is_behind_others() -> bool:
    """Tell whether this process gives way, in what it waits for, too."""
    return _is_behind_others
