"""What a plot is made of: its conclusion, its drawings and the table behind them."""

from collections.abc import Sequence
from dataclasses import dataclass

from app.plots.drawings import Drawing


@dataclass(frozen=True, slots=True)
class Panel:
    """One drawing; `heading` tells it from its neighbours where a plot has several."""

    drawing: Drawing
    heading: str = ""
    total: str = ""


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of a lying bar, in per cent of the width."""

    css: str
    x: float
    width: float


@dataclass(frozen=True, slots=True)
class Bar:
    """A lying bar with its name above; `title` says all of it."""

    label: str
    value: str
    parts: Sequence[Part]
    title: str


@dataclass(frozen=True, slots=True)
class Ending:
    """What one layer of a plot adds up to; it stands beside the drawing in the layer's colour."""

    css: str
    label: str
    value: str


@dataclass(frozen=True, slots=True)
class Table:
    """The first heading is that of the rows' names."""

    headings: Sequence[str]
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True, slots=True)
class Way:
    """Where to go on from here."""

    label: str
    address: str


@dataclass(frozen=True, slots=True)
class Card:
    """`says` is its conclusion: the number that matters most, and the rest of the sentence that begins with it.

    `empty` is said in place of a drawing that would show nothing.
    """

    name: str
    title: str
    says: tuple[str, str]
    table: Table
    panels: Sequence[Panel] = ()
    bars: Sequence[Bar] = ()
    endings: Sequence[Ending] = ()
    note: str = ""
    empty: str = ""
    ways: Sequence[Way] = ()

    @property
    def conclusion(self) -> str:
        return " ".join(filter(None, self.says))
