"""Tries at passwords and codes: each is written down before it is checked, and refused while there is a wait."""

from collections.abc import Callable

from app.db import transaction
from app.workflows import sign_in_limits
from app.workflows.sign_in_limits import Target, TooManyTries


def is_right(target: Target, check: Callable[[], bool]) -> bool:
    """What `check` says. Raises TooManyTries, without asking it, while there is a wait."""
    with transaction():
        attempt = sign_in_limits.note(target)
    wait = sign_in_limits.wait_for(target, attempt)
    if wait is not None:
        with transaction():
            sign_in_limits.forget(attempt)
        raise TooManyTries(wait)
    if not check():
        return False
    with transaction():
        sign_in_limits.forget(attempt)
    return True
