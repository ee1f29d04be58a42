"""Pages that are the same for everybody, written once and kept in the process; what is a visitor's own is filled in.

A page is kept under the values it was made of, so it can never show others: a changed catalogue is another key.
Nothing about a visitor may be part of a key or of the page; it has a hole instead.
"""

import secrets
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import cast

from flask import Flask, current_app
from markupsafe import escape

_MOST = 64
_MARK = secrets.token_hex(16)


class KeptPages:
    """The pages of one application, as pieces between holes and the names of these in turn."""

    def __init__(self, *, is_on: bool = True) -> None:
        self._is_on = is_on
        self._pieces: dict[Hashable, Sequence[str]] = {}

    def page(
        self, key: Hashable, write: Callable[[Mapping[str, str]], str], values: Mapping[str, Callable[[], str]]
    ) -> str:
        """What `write` makes of the values by their names, with each of them in one place. They are for attributes or
        text, and are escaped here."""
        pieces = self._pieces.get(key)
        if pieces is None:
            pieces = write({name: f"{_MARK}{name}{_MARK}" for name in values}).split(_MARK)
            if len(self._pieces) >= _MOST:
                self._pieces.clear()
            if self._is_on:
                self._pieces[key] = pieces
        return "".join(escape(values[piece]()) if number % 2 else piece for number, piece in enumerate(pieces))


def init_app(app: Flask) -> None:
    # While templates are worked on, they shall show.
    app.extensions["kept_pages"] = KeptPages(is_on=not app.debug)


def kept_pages() -> KeptPages:
    return cast(KeptPages, current_app.extensions["kept_pages"])
