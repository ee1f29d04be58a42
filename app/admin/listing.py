"""A list page as its template needs it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import urlencode

from flask import request
from sqlalchemy import ColumnElement

from app.admin.filters import Control
from app.admin.paging import Page, Place

_PLACE = ("after", "before")
_LONGEST_TEXT = 200


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its heading, what stands in a cell, and (if that is more than words) what goes into an export.

    `sorts` names the two orders of the list that its heading switches between: upwards and downwards.
    """

    heading: str
    cell: Callable[[Any], object]
    text: Callable[[Any], object] | None = None
    css: str = ""
    is_listed: bool = True
    sorts: tuple[str, str] | None = None

    @property
    def plain(self) -> Callable[[Any], object]:
        return self.text or self.cell


@dataclass(frozen=True, slots=True)
class Tab:
    """A part of a list that people often want, with the order that suits it; `empty` is what its emptiness means."""

    name: str
    label: str
    clause: Callable[[], ColumnElement[bool]] | None = None
    order: str = ""
    empty: str = ""


@dataclass(frozen=True, slots=True)
class Chip:
    """A filter in force, and the address of the list without it."""

    sentence: str
    without: str


@dataclass(frozen=True)
class Listing:
    """`count` is in words, as it may be capped. A template asks several times for its addresses."""

    page: Page
    count: str
    controls: Sequence[Control]
    columns: Sequence[Column] = ()
    sort: str = ""
    tab: Tab | None = None

    @property
    def rows(self) -> list[Any]:
        return self.page.rows

    @cached_property
    def chips(self) -> list[Chip]:
        return [Chip(each.sentence, address(**{each.name: ""})) for each in self.controls if each.value]

    @cached_property
    def previous(self) -> str | None:
        return address(before=self.page.before) if self.page.before else None

    @cached_property
    def next(self) -> str | None:
        return address(after=self.page.after) if self.page.after else None


def address(**changes: str) -> str:
    """This list with other arguments; whatever narrows or sorts it anew starts from its first page."""
    arguments = {name: value for name, value in request.args.items() if name not in _PLACE and value}
    query = urlencode({name: value for name, value in (arguments | changes).items() if value})
    return f"{request.path}?{query}" if query else request.path


def export_address(base: str) -> str:
    """The download of what this list shows: the same filters, all pages."""
    arguments = {name: value for name, value in request.args.items() if name not in _PLACE and value}
    return f"{base}?{urlencode(arguments)}" if arguments else base


def place(arguments: Mapping[str, str]) -> Place:
    return Place(after=arguments.get("after", ""), before=arguments.get("before", ""))


def searched_text(arguments: Mapping[str, str]) -> str:
    return arguments.get("q", "").replace("\0", "").strip()[:_LONGEST_TEXT]
