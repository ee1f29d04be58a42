"""CSV that streams whatever the number of rows, and that no spreadsheet takes for a program."""

import csv
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from flask import Response, stream_with_context

from app.kit.spreadsheet import harmless

_BYTE_ORDER_MARK = "\ufeff"
"""Without it Excel reads UTF-8 as something else."""

Cell = Callable[[Any], object]


def stream_csv(filename: str, columns: Sequence[tuple[str, Cell]], chunks: Iterable[Sequence[Any]]) -> Response:
    """The rows of `chunks` as a download; each column is its heading and what it takes from a row."""
    return Response(
        stream_with_context(_lines(columns, chunks)),
        mimetype="text/csv",
        headers={
            "Content-Disposition": f'attachment; filename="{filename}"',
            "Cache-Control": "no-store",
            # A proxy that collects the whole answer first would undo the stream.
            "X-Accel-Buffering": "no",
        },
    )


def _lines(columns: Sequence[tuple[str, Cell]], chunks: Iterable[Sequence[Any]]) -> Iterator[str]:
    writer = csv.writer(_Echo())
    yield _BYTE_ORDER_MARK + writer.writerow([heading for heading, _ in columns])
    for rows in chunks:
        yield "".join(writer.writerow([harmless(cell(row)) for _, cell in columns]) for row in rows)


class _Echo:
    """Makes the writer return each line instead of keeping it."""

    def write(self, line: str) -> str:
        return line
