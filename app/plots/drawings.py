"""Drawings from numbers: where things stand, for the macros that write them as SVG. Knows nothing of what they mean.

Across, everything is a share of the width, which the page decides; up and down it is pixels. So drawings fit any
screen, and their words stay as large as they are.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from markupsafe import Markup, escape

HEIGHT = 132
"""Of what is drawn, in pixels; words stand above and below."""

_ACROSS = 1000
_GAP = 0.22
_MOST_TICKS = 8
_FEW = 4
_WIDE = 12
"""Up to so many slots, each has room for its name below it."""
_NICE = (1, 2, 4, 6, 8, 10)
"""So that half of it reads well too."""


@dataclass(frozen=True, slots=True)
class Slot:
    """One place along the time axis. `tick` is its short name below the axis, `title` what it holds, in full."""

    tick: str
    title: str
    is_part: bool = False


@dataclass(frozen=True, slots=True)
class Layer:
    """One kind of thing, drawn in one colour; `values` has one for each slot, None where there is nothing to say."""

    css: str
    values: Sequence[float | None]


@dataclass(frozen=True, slots=True)
class Shape:
    css: str
    path: str


@dataclass(frozen=True, slots=True)
class Mark:
    """A word at a place: `x` is in per cent, `y` in pixels."""

    text: str
    x: float
    y: float
    anchor: str = "middle"
    css: str = ""


@dataclass(frozen=True, slots=True)
class Drawing:
    """`marks` name heights, at the left; `strips` is what a pointer can rest on."""

    height: int
    shapes: Sequence[Shape]
    marks: Sequence[Mark]
    ticks: Sequence[Mark]
    strips: Markup


def columns(
    slots: Sequence[Slot], layers: Sequence[Layer], *, words: Callable[[float], str], height: int = HEIGHT
) -> Drawing:
    """Bars, the layers one upon the other. `words` writes a value for the scale."""
    stacks = zip(*(layer.values for layer in layers), strict=True)
    scale = _Scale(max((sum(filter(None, stack)) for stack in stacks), default=0), height)
    floors = [0.0] * len(slots)
    shapes = []
    for layer in layers:
        tops = [floor + (value or 0) for floor, value in zip(floors, layer.values, strict=True)]
        for is_part, css in ((False, layer.css), (True, f"{layer.css} part")):
            path = _bars(scale, floors, tops, wanted=[slot.is_part is is_part for slot in slots])
            shapes += [Shape(css, path)] if path else []
        floors = tops
    return Drawing(height, shapes, scale.marks(words), _ticks(slots), _strips(slots, height))


def lines(slots: Sequence[Slot], layers: Sequence[Layer], *, words: Callable[[float], str], unit: float = 1) -> Drawing:
    """A line for each layer, broken where there is nothing to say.

    The scale counts in units: round hours read better than round seconds.
    """
    layers = [replace(layer, values=[value and value / unit for value in layer.values]) for layer in layers]
    scale = _Scale(max((value or 0 for layer in layers for value in layer.values), default=0), HEIGHT)
    shapes = [Shape(layer.css, _line(scale, layer.values)) for layer in layers]
    marks = scale.marks(lambda step: words(step * unit))
    return Drawing(HEIGHT, shapes, marks, _ticks(slots), _strips(slots, HEIGHT))


def share(part: float, whole: float) -> float:
    """In per cent; nothing of nothing is none."""
    return round(100 * part / whole, 2) if whole else 0.0


def nice_top(highest: float) -> float:
    """The next higher number that reads well."""
    if highest <= 0:
        return 1.0
    power = 10.0 ** (len(str(int(highest))) - 1) if highest >= 1 else 0.1
    return next(factor * power for factor in _NICE if factor * power >= highest)


class _Scale:
    """From values to heights: zero is at the bottom."""

    def __init__(self, highest: float, height: int) -> None:
        self._top = nice_top(highest)
        self._height = height
        self.is_flat = highest <= 0
        self._steps = () if self.is_flat else (self._top / 2, self._top)

    def y(self, value: float) -> float:
        return round(self._height * (1 - value / self._top), 1)

    def marks(self, words: Callable[[float], str]) -> list[Mark]:
        """Of the steps that have a name; a line is drawn below each."""
        named = [(words(step), self.y(step)) for step in self._steps]
        return [Mark(text, 0, y, "start") for text, y in named if text]


def _bars(scale: _Scale, floors: Sequence[float], tops: Sequence[float], *, wanted: Sequence[bool]) -> str:
    slot = _ACROSS / len(tops)
    width = round(slot * (1 - _GAP), 1)
    return "".join(
        f"M{slot * (number + _GAP / 2):.1f} {scale.y(floor)}V{scale.y(top)}h{width}V{scale.y(floor)}z"
        for number, (floor, top, is_wanted) in enumerate(zip(floors, tops, wanted, strict=True))
        if is_wanted and top > floor
    )


def _line(scale: _Scale, values: Sequence[float | None]) -> str:
    """From each known value to the next; one that stands alone is a dash."""
    slot = _ACROSS / len(values)
    parts = []
    for number, value in enumerate(values):
        if value is None:
            continue
        x, y = slot * (number + 0.5), scale.y(value)
        has_left = number > 0 and values[number - 1] is not None
        has_right = number + 1 < len(values) and values[number + 1] is not None
        is_alone = not (has_left or has_right)
        parts.append(
            f"M{x - slot / 4:.1f} {y}h{slot / 2:.1f}" if is_alone else f"{'L' if has_left else 'M'}{x:.1f} {y}"
        )
    return "".join(parts)


def _ticks(slots: Sequence[Slot]) -> list[Mark]:
    """As many names as fit; every second one is left out where it is narrow."""
    step = -(-len(slots) // _MOST_TICKS)
    shown = range(len(slots) - 1, -1, -step)
    many = len(shown) > _FEW
    return [
        _tick(slots[number].tick, number, len(slots), css="extra" if many and place % 2 else "")
        for place, number in enumerate(shown)
    ]


def _tick(text: str, number: int, count: int, *, css: str) -> Mark:
    slot = 100 / count
    if count > _WIDE and number == count - 1:
        return Mark(text, 100, 0, "end", css)
    return Mark(text, round(slot * (number + 0.5), 2), 0, "middle", css)


def _strips(slots: Sequence[Slot], height: int) -> Markup:
    """Each slot from top to bottom, ready to be put in: a page has hundreds of them."""
    width = 100 / len(slots)
    strips = (
        f'<rect class="strip" x="{number * width:.2f}%" width="{width:.2f}%" height="{height}">'
        f"<title>{escape(slot.title)}</title></rect>"
        for number, slot in enumerate(slots)
    )
    return Markup("".join(strips))  # noqa: S704 - numbers of ours, and titles that are escaped
