"""Keys of the console: the letter that leads to each page after `g`, and whether somebody wants single keys at all.

Who speaks to the computer, or whose hands tremble, presses letters without meaning them: WCAG 2.1.4 asks for a way
to turn them off. Keys with Ctrl, arrows, Enter and Escape always work.
"""

from typing import Any
from uuid import UUID

from app.workflows import preferences

_PREFERENCE = "keys"
_LETTERS = {
    "admin": "h",
    "requests": "r",
    "bulk_changes": "b",
    "notifications": "m",
    "payments": "p",
    "refunds": "f",
    "disputes": "d",
    "webhook_events": "e",
    "gateways": "g",
    "services": "s",
    "tiers": "t",
    "providers": "v",
    "affiliates": "a",
    "commissions": "c",
    "payouts": "o",
    "users": "u",
    "audit": "l",
    "flags": "x",
    "roles": "w",
    "working_hours": "k",
    "queue": "q",
}
"""By the endpoint of the page's view; a page without a letter is reached through the palette."""


def letter_of(entry: Any) -> str:
    """Of an entry of Flask-Admin's menu."""
    return _LETTERS.get(entry._view.endpoint, "")


def are_wanted_by(user_id: UUID) -> bool:
    return bool(preferences.load(user_id, _PREFERENCE).get("single", True))


def choose(user_id: UUID, *, single: bool) -> None:
    preferences.save(user_id, _PREFERENCE, {"single": single})
