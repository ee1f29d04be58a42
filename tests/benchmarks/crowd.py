"""Many clients at once, each asking again as soon as it is answered."""

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from tests.benchmarks.measure import Times

Step = Callable[[], object]
"""Asks once, and raises RuntimeError or OSError when it is not answered as it should be."""


@dataclass(slots=True)
class Found:
    """How long each answer took; `errors` in words."""

    seconds: list[float] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    @property
    def times(self) -> Times:
        return Times(self.seconds or [0.0])


class Crowd:
    """A thread for each of `steps`. `pause` is how long each client rests between two questions."""

    def __init__(self, steps: Sequence[Step], *, pause: float = 0.0) -> None:
        self._pause = pause
        self._is_over = threading.Event()
        self._lock = threading.Lock()
        self._found = Found()
        self._threads = [
            threading.Thread(target=self._ask, args=(step,), name=f"client {number}", daemon=True)
            for number, step in enumerate(steps)
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        self._is_over.set()
        for thread in self._threads:
            thread.join(60)

    def take(self) -> Found:
        """What was found since the last time."""
        with self._lock:
            found, self._found = self._found, Found()
        return found

    def _ask(self, step: Step) -> None:
        while not self._is_over.is_set():
            start = time.perf_counter()
            try:
                step()
            except (RuntimeError, OSError) as error:
                with self._lock:
                    self._found.errors.append(f"{type(error).__name__}: {error}"[:300])
            else:
                with self._lock:
                    self._found.seconds.append(time.perf_counter() - start)
            self._is_over.wait(self._pause)
