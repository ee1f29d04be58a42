"""One step on many rows: each in a transaction of its own, so that a refused one undoes nothing."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from app.db import transaction
from app.errors import DomainError
from app.kit import ids

MAXIMUM_ROWS = 1000


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one row: done, or refused with the reason."""

    row: str
    is_done: bool
    message: str = "Done"


def run_on_selected(
    selected: Sequence[str],
    *,
    load: Callable[[UUID], Any],
    change: Callable[[Any], object],
    name: Callable[[Any], str] = str,
) -> list[Outcome]:
    """`load` gets the locked row of an id; ids are anybody's input, so those that are none are left out."""
    keys = dict.fromkeys(key for key in map(ids.parse_id, selected[:MAXIMUM_ROWS]) if key is not None)
    return [_run(key, load, change=change, name=name) for key in keys]


def _run(
    key: UUID, load: Callable[[UUID], Any], *, change: Callable[[Any], object], name: Callable[[Any], str]
) -> Outcome:
    named = str(key)
    try:
        with transaction():
            row = load(key)
            named = name(row)
            change(row)
    except DomainError as error:
        return Outcome(named, False, error.message)
    return Outcome(named, True)
