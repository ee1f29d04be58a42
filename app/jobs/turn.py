"""How long a job goes on: until its time is up or its worker is asked to stop. What is left is left to the next one."""

import threading
import time

_stop = threading.Event()


class Turn:
    """Begins when it is made. A job looks at it between two steps, so a step has to be short."""

    def __init__(self, *, seconds: float) -> None:
        self._end = time.monotonic() + seconds

    @property
    def is_over(self) -> bool:
        return _stop.is_set() or time.monotonic() > self._end


def end_all() -> None:
    """For a worker that is to stop: every turn of this process is over, now and later."""
    _stop.set()
