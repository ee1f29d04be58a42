"""The figures that the dashboard's plots are told, cut into days, weeks or months."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property

from app.admin import plot_range
from app.admin.plot_range import PlotRange
from app.kit.periods import Period
from app.plots.drawings import Slot
from app.plots.parts import Table
from app.workflows.figure_reading import Reading
from app.workflows.figures import Figures


@dataclass(frozen=True)
class Scene:
    """The figures of a range, cut as it says; `before` are those it is compared with."""

    range: PlotRange
    reading: Reading
    locale: str

    @cached_property
    def slices(self) -> list[Period]:
        return self.range.slices

    @cached_property
    def figures(self) -> list[Figures]:
        bucket = self.range.bucket
        found: dict[date, list[Figures]] = {bucket.start(piece.start): [] for piece in self.slices}
        for piece in self.reading.pieces:
            if piece.period in self.range.period:
                found[bucket.start(piece.period.start)].append(piece.figures)
        return [Figures.total(parts) for parts in found.values()]

    @cached_property
    def total(self) -> Figures:
        return Figures.total(self.figures)

    @cached_property
    def whole(self) -> Figures:
        """Of the days that are over, for comparison."""
        if self.range.whole is None:
            return Figures()
        # What the slices have added up already, but for the last ones.
        over = [
            figures for piece, figures in zip(self.slices, self.figures, strict=True) if piece.end < self.range.today
        ]
        begun = next((piece for piece in self.slices if piece.end >= self.range.today), None)
        rest = Period(begun.start, self.range.whole.end) if begun and begun.start <= self.range.whole.end else None
        return Figures.total([*over, self.reading.within(rest)] if rest else over)

    @cached_property
    def before(self) -> Figures | None:
        return self.reading.within(self.range.before) if self.range.before else None

    @cached_property
    def names(self) -> list[str]:
        return [plot_range.slice_words(piece, self.range.bucket) for piece in self.slices]

    def slots(self, words: Sequence[str]) -> list[Slot]:
        """With what each says to a pointer."""
        ticks = [plot_range.tick_words(piece, self.range.bucket) for piece in self.slices]
        parts = [self.range.is_part(piece) for piece in self.slices]
        titles = [f"{name}: {said}" for name, said in zip(self.names, words, strict=True)]
        return [Slot(tick, title, is_part) for tick, title, is_part in zip(ticks, titles, parts, strict=True)]

    def table(self, headings: Sequence[str], *cells: Callable[[Figures], str]) -> Table:
        """A line for each slice, the newest first."""
        rows = [(name, *(cell(each) for cell in cells)) for name, each in zip(self.names, self.figures, strict=True)]
        return Table((f"{self.range.bucket.capitalize()}", *headings), rows[::-1])
