"""How fast a sample is loaded, and the least that its rows can cost: a COPY of them as they are, then the indexes."""

import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, Any

from sqlalchemy import Connection, create_engine
from sqlalchemy.engine import make_url

from app.samples.indexes import taken_down
from app.samples.tables import make_fast
from tests.benchmarks import databases
from tests.benchmarks.shop import Shop
from tests.benchmarks.table import Row

_LOADED, _RATE = 50_000, 50_000
_BLOCK = 1 << 20
_TABLES = (
    "affiliate_clicks",
    "analytics_events",
    "commission_entries",
    "notifications",
    "payments",
    "refunds",
    "sandbox_payments",
    "sandbox_refunds",
    "service_request_name_words",
    "service_request_status_history",
    "service_requests",
)


def rows(shop: Shop) -> Iterator[Row]:
    with databases.scratch(shop.dataset) as url:
        rate = databases.load(url, _LOADED, shop.environment)
        floor = "" if url.startswith("sqlite") else _floor(url)
    name = f"load-sample, {_LOADED:,} requests"
    yield Row(name, floor, f"{rate:,.0f} requests/s", f"≥ {_RATE:,} requests/s", rate >= _RATE)


def _floor(url: str) -> str:
    engine = create_engine(make_url(url).set(drivername="postgresql+psycopg"))
    with engine.connect() as connection, tempfile.TemporaryDirectory(dir=databases.PLACE) as directory:
        files = [_copy_out(connection, table, Path(directory, table)) for table in _TABLES]
        copied, whole = _write_again(connection, files)
        connection.rollback()
    engine.dispose()
    return f"COPY {_LOADED / copied:,.0f}/s, with indexes {_LOADED / whole:,.0f}/s"


def _copy_out(connection: Connection, table: str, path: Path) -> Path:
    statement = f"COPY {table} TO STDOUT (FORMAT binary)"
    with path.open("wb") as file, _cursor(connection) as cursor, cursor.copy(statement) as copy:
        file.writelines(copy)
    return path


def _write_again(connection: Connection, paths: Sequence[Path]) -> tuple[float, float]:
    """Seconds until all rows are there, and until their indexes are."""
    make_fast(connection)
    connection.exec_driver_sql(f"TRUNCATE {', '.join(_TABLES)} CASCADE")
    start = time.perf_counter()
    with taken_down(connection, _TABLES, progress=lambda *_: None):
        for table, path in zip(_TABLES, paths, strict=True):
            with path.open("rb") as file:
                _copy_in(connection, table, file)
        copied = time.perf_counter()
    return copied - start, time.perf_counter() - start


def _copy_in(connection: Connection, table: str, file: IO[bytes]) -> None:
    with _cursor(connection) as cursor, cursor.copy(f"COPY {table} FROM STDIN (FORMAT binary)") as copy:
        while block := file.read(_BLOCK):
            copy.write(block)


def _cursor(connection: Connection) -> Any:
    driver: Any = connection.connection.driver_connection
    return driver.cursor()
