"""CSV that streams whatever the number of rows, and that no spreadsheet takes for a program."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from flask import Response, stream_with_context

from app.db import long_look
from app.kit.spreadsheet import cell

_BYTE_ORDER_MARK = "\ufeff"
"""Without it Excel reads UTF-8 as something else."""

Cell = Callable[[Any], object]


def stream_csv(filename: str, columns: Sequence[tuple[str, Cell]], chunks: Iterable[Sequence[Any]]) -> Response:
    """The rows of `chunks` as a download; each column is its heading and what it takes from a row."""
    headings, values = [heading for heading, _ in columns], [value for _, value in columns]
    pieces = ("".join([line(value(row) for value in values) for row in rows]) for rows in chunks)
    return stream_lines(filename, headings, pieces)


def stream_lines(filename: str, headings: Sequence[str], pieces: Iterable[str]) -> Response:
    """The same of rows that are lines already, many in a piece."""
    return Response(
        stream_with_context(_begun(headings, pieces)),
        mimetype="text/csv",
        headers={
            "Content-Disposition": f'attachment; filename="{filename}"',
            "Cache-Control": "no-store",
            # A proxy that collects the whole answer first would undo the stream.
            "X-Accel-Buffering": "no",
        },
    )


def line(values: Iterable[object]) -> str:
    return ",".join(map(cell, values)) + "\r\n"


def _begun(headings: Sequence[str], pieces: Iterable[str]) -> Iterator[str]:
    """The headings at once: whoever asked sees that it has begun."""
    yield _BYTE_ORDER_MARK + line(headings)
    long_look()
    yield from pieces
