"""How long to wait before trying again."""

import random
from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True)
class Backoff:
    """`retries` waits after the first try, each `factor` times the one before: 1, 5, 25 minutes."""

    first: timedelta = timedelta(minutes=1)
    factor: int = 5
    retries: int = 3

    def delay(self, failures: int) -> timedelta | None:
        """The wait after the `failures`-th failure (1 for the first), or None when it was the last try."""
        if failures < 1:
            raise ValueError("a delay follows a failure")
        if failures > self.retries:
            return None
        growth: int = self.factor ** (failures - 1)
        return self.first * growth

    def jittered(self, failures: int) -> timedelta | None:
        """As `delay`, at random between half and the whole of it, so that many callers do not return at once."""
        delay = self.delay(failures)
        # Spreads load; it guards no secret.
        return None if delay is None else delay * random.uniform(0.5, 1)  # noqa: S311
