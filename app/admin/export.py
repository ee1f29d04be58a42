"""CSV that streams whatever the number of rows, and that no spreadsheet takes for a program."""

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from flask import Response, stream_with_context

from app.db import long_look
from app.kit.spreadsheet import harmless

_BYTE_ORDER_MARK = "\ufeff"
"""Without it Excel reads UTF-8 as something else."""

Cell = Callable[[Any], object]


def stream_csv(filename: str, columns: Sequence[tuple[str, Cell]], chunks: Iterable[Sequence[Any]]) -> Response:
    """The rows of `chunks` as a download; each column is its heading and what it takes from a row."""
    headings, cells = [heading for heading, _ in columns], [cell for _, cell in columns]
    return stream_texts(
        filename, headings, ([[harmless(cell(row)) for cell in cells] for row in rows] for rows in chunks)
    )


def stream_texts(filename: str, headings: Sequence[str], chunks: Iterable[Iterable[Sequence[str]]]) -> Response:
    """The same of rows that are texts, made harmless already."""
    return Response(
        stream_with_context(_pieces(headings, chunks)),
        mimetype="text/csv",
        headers={
            "Content-Disposition": f'attachment; filename="{filename}"',
            "Cache-Control": "no-store",
            # A proxy that collects the whole answer first would undo the stream.
            "X-Accel-Buffering": "no",
        },
    )


def _pieces(headings: Sequence[str], chunks: Iterable[Iterable[Sequence[str]]]) -> Iterator[str]:
    """The headings at once: whoever asked sees that it has begun."""
    yield _BYTE_ORDER_MARK + _written([headings])
    long_look()
    for rows in chunks:
        yield _written(rows)


def _written(rows: Iterable[Sequence[str]]) -> str:
    sheet = io.StringIO(newline="")
    csv.writer(sheet).writerows(rows)
    return sheet.getvalue()
