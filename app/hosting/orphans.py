"""Children that end with their parent, also when the parent is killed and can tidy up nothing.

Linux can promise that; elsewhere these functions do nothing, and a killed parent leaves its children running.
"""

import ctypes
import os
import signal
import sys
from collections.abc import Callable, Collection
from functools import cache
from pathlib import Path

_SET_PARENT_DEATH_SIGNAL = 1
_SET_CHILD_SUBREAPER = 36


def die_with_parent(number: signal.Signals = signal.SIGTERM) -> None:
    """Ask for the signal `number` when the thread that started this process is gone."""
    _prctl(_SET_PARENT_DEATH_SIGNAL, number)


def end_with_make() -> None:
    """`make` passes Ctrl-C and a plain kill on to us; when it is killed outright it cannot."""
    if _name_of(os.getppid()) in {"make", "gmake"}:
        die_with_parent()


def before_exec(number: signal.Signals = signal.SIGTERM) -> Callable[[], None]:
    """What to hand to Popen as `preexec_fn`. It runs between fork and exec, where nothing may be loaded any more."""
    parent = os.getpid()
    _library()

    def run() -> None:
        die_with_parent(number)
        if os.getppid() != parent:
            # It died before we could ask.
            os._exit(1)

    return run


def adopt_orphans() -> None:
    """Become the parent of whatever our children leave behind, rather than the machine's first process."""
    _prctl(_SET_CHILD_SUBREAPER, 1)


def find_orphans(known: Collection[int]) -> list[int]:
    """Our children that are not `known`: those adopted."""
    return [pid for pid in _children() if pid not in known]


def _children() -> list[int]:
    us = str(os.getpid())
    return [int(entry.name) for entry in Path("/proc").glob("[0-9]*") if _parent_of(entry) == us]


def _parent_of(entry: Path) -> str | None:
    try:
        # pid (name) state parent ...; the name may hold anything, blanks and brackets too.
        return (entry / "stat").read_text(errors="replace").rpartition(")")[2].split()[1]
    except OSError:
        return None


def _name_of(pid: int) -> str | None:
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return None


def _prctl(option: int, value: int) -> None:
    if sys.platform == "linux":
        _library().prctl(option, value, 0, 0, 0)


@cache
def _library() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)
