"""What a run found, as a table to read."""

from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass

HEADINGS = ("group", "surface", "floor", "floor p50", "p50", "p95", "found", "goal", "")


@dataclass(frozen=True, slots=True)
class Row:
    """`found` and `goal` in words; times in seconds, None where the surface is not measured by time."""

    surface: str
    floor: str
    found: str
    goal: str
    is_met: bool | None
    floor_p50: float | None = None
    p50: float | None = None
    p95: float | None = None
    group: str = ""

    @property
    def cells(self) -> tuple[str, ...]:
        verdict = {True: "pass", False: "MISS", None: ""}[self.is_met]
        return (
            self.group,
            self.surface,
            self.floor,
            *map(_milliseconds, (self.floor_p50, self.p50, self.p95)),
            self.found,
            self.goal,
            verdict,
        )


def _milliseconds(seconds: float | None) -> str:
    return "" if seconds is None else f"{seconds * 1000:.1f} ms"


def lines(title: str, rows: Sequence[Row]) -> Iterable[str]:
    yield ""
    yield title
    yield from aligned(HEADINGS, [row.cells for row in rows], numbers=range(3, 6))
    judged = [row for row in rows if row.is_met is not None]
    yield f"{sum(row.is_met is True for row in judged)} of {len(judged)} goals met"


def aligned(headings: Sequence[str], rows: Sequence[Sequence[str]], *, numbers: Container[int] = ()) -> Iterable[str]:
    """Columns below their headings, those of `numbers` to the right."""
    cells = [headings, *rows]
    widths = [max(len(row[column]) for row in cells) for column in range(len(headings))]
    for number, row in enumerate(cells):
        yield "  ".join(
            cell.rjust(width) if column in numbers else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        if number == 0:
            yield "  ".join("-" * width for width in widths)
