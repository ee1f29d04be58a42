"""What the pages of bulk changes say: how far one is, what came of a row, and whether it can be undone."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from app.ages import exact, remaining
from app.errors import DomainError
from app.kit import clock
from app.models import BulkChange, BulkChangeRow, BulkRowState, BulkState
from app.workflows import bulk_undo

ACTIONS = (
    ("set_status", "Set status"),
    ("assign", "Assign"),
    ("unassign", "Take back from the provider"),
    ("route", "Choose the provider by rule"),
)
SHOWN_STATES = tuple(state for state in BulkState if state is not BulkState.DRAFT)
_POLL_SECONDS = 1.0
_SLOW_START = timedelta(seconds=10)
_BACK = frozenset({BulkState.UNDOING, BulkState.UNDONE})
# Each is a counter of the change, too.
_GOING_ON = (BulkRowState.REFUSED, BulkRowState.DONE)
_GOING_BACK = (BulkRowState.KEPT, BulkRowState.UNDONE, BulkRowState.DONE, BulkRowState.REFUSED)
_NEEDS_A_LOOK = frozenset({BulkRowState.REFUSED, BulkRowState.KEPT})


@dataclass(frozen=True, slots=True)
class Tab:
    """A part of the outcomes, `state` None for all."""

    state: BulkRowState | None
    label: str
    count: int


def tabs(change: BulkChange) -> list[Tab]:
    """What went otherwise than wished comes first."""
    names = _GOING_BACK if change.state in _BACK else _GOING_ON
    parts = [Tab(state, state.label, getattr(change, state.value)) for state in names]
    parts.append(Tab(BulkRowState.WAITING, waiting_word(change), _waiting(change)))
    return [*(part for part in parts if part.count), Tab(None, "All", change.total)]


def tab_of(change: BulkChange, asked: str) -> BulkRowState | None:
    """The part that is asked for; else what needs a look, or all of them where nothing does."""
    if asked in {state.value for state in BulkRowState}:
        return BulkRowState(asked)
    first = tabs(change)[0].state
    return first if asked != "all" and first in _NEEDS_A_LOOK else None


def progress(change: BulkChange) -> str:
    """`412 of 1,000 gone through: 410 done, 2 refused.`"""
    is_back = change.state in _BACK
    names = (BulkRowState.UNDONE, BulkRowState.KEPT) if is_back else (BulkRowState.DONE, BulkRowState.REFUSED)
    parts = [f"{getattr(change, state.value):,} {state.value}" for state in names if getattr(change, state.value)]
    counts = f": {', '.join(parts)}" if parts else ""
    way = "gone back" if is_back else "gone through"
    return f"{change.handled:,} of {change.to_handle:,} {way}{counts}."


def delay(change: BulkChange) -> str:
    """Why nothing seems to happen, if so."""
    if not change.is_unfinished or change.updated_at > clock.utc_now() - _SLOW_START:
        return ""
    return "It waits for a worker. As soon as one is free it goes on by itself; you can leave this page."


def can_undo(change: BulkChange) -> bool:
    try:
        bulk_undo.ensure_undoable(change)
    except DomainError:
        return False
    return True


def undo_words(change: BulkChange) -> str:
    """Until when it can be undone, or why not any more."""
    leave = change.mails_leave_at
    if change.state in _BACK or (change.state is BulkState.DONE and not change.done):
        return ""
    if can_undo(change):
        if leave is None:
            return "It can still be stopped: nothing has been changed yet."
        return f"{_mails(change)} at {exact(leave)} ({remaining(leave, clock.utc_now())}). Until then it can be undone."
    if change.mails and leave is not None:
        have = "its email has" if change.mails == 1 else f"its {change.mails:,} emails have"
        return f"It cannot be undone any more: {have} left since {exact(leave)}."
    return "It cannot be undone any more: the time for that is over."


def look_again_after(change: BulkChange) -> float | None:
    """Seconds until the page has something new to say; None when nothing will change by itself."""
    if change.is_unfinished:
        return _POLL_SECONDS
    if change.mails_leave_at is None or not can_undo(change):
        return None
    return max((change.mails_leave_at - clock.utc_now()).total_seconds(), _POLL_SECONDS)


def waiting_word(change: BulkChange) -> str:
    return "Waiting" if change.state is BulkState.RUNNING else "Not begun"


def outcome(row: BulkChangeRow, change: BulkChange) -> str:
    return waiting_word(change) if row.state is BulkRowState.WAITING else row.state.label


def happened(row: BulkChangeRow, change: BulkChange) -> str:
    """What came of the row, in words."""
    if row.message and row.state is not BulkRowState.UNDONE:
        return row.message
    said = {
        BulkRowState.DONE: f"{change.title}.",
        BulkRowState.UNDONE: "As it was before. Nobody was told.",
        BulkRowState.WAITING: "" if change.state is BulkState.RUNNING else "It was stopped before its turn came.",
    }
    return said.get(row.state, "")


EXPORTED: Sequence[tuple[str, Callable[[BulkChangeRow, BulkChange], object]]] = (
    ("Reference", lambda row, _: row.reference),
    ("Outcome", outcome),
    ("What happened", happened),
    ("Status before", lambda row, _: row.status_before.label),
)


def _waiting(change: BulkChange) -> int:
    return change.total - change.done - change.refused - change.undone - change.kept


def _mails(change: BulkChange) -> str:
    if change.mails == 1:
        return "Its email leaves"
    return f"Its {change.mails:,} emails leave" if change.mails else "No email is owed for it. It becomes final"
