"""Looks for words in the raw bytes of a database, in the forms in which they could stand there."""

import base64
import json
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path

from sqlalchemy import Connection
from sqlalchemy.engine import make_url

from app.db import Model, db


def forget_older_tests() -> None:
    """Take the pages of earlier tests out of the file that SQLite keeps beside its main one."""
    if db.engine.dialect.name == "sqlite":
        with db.engine.connect() as connection:
            connection.connection.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)")


def raw_bytes() -> bytes:
    """All of the database as somebody would have it who stole its files, or a dump of it."""
    with db.engine.connect() as connection:
        if connection.dialect.name == "postgresql":
            return b"\n".join(_dump(connection))
    # By another process: closing a file takes away the locks that SQLite's connections in this one hold on it.
    return subprocess.run(["cat", *_files()], check=True, stdout=subprocess.PIPE).stdout


def found_in(stolen: bytes, words: Iterable[str]) -> set[str]:
    """The words that stand there in any of their forms."""
    lowered = stolen.lower()
    return {word for word in words if _stands_in(word, stolen, lowered)}


def _stands_in(word: str, stolen: bytes, lowered: bytes) -> bool:
    variants = {word, word.lower(), word.upper(), word.casefold(), word.title()}
    # Case matters in base 64 alone; hexadecimal digits and letters are looked for in lower case.
    plain = any(form in lowered for variant in variants for form in _plain_forms(variant))
    return plain or any(form in stolen for variant in variants for form in _base64_forms(variant.encode()))


def _plain_forms(word: str) -> Iterator[bytes]:
    for encoding in ("utf-8", "utf-16-le"):
        yield word.encode(encoding).lower()
        yield word.encode(encoding).hex().encode()
    yield json.dumps(word)[1:-1].encode().lower()


def _base64_forms(content: bytes) -> Iterator[bytes]:
    """What stays the same of it wherever it stands in a longer text, in both alphabets."""
    for before in range(3):
        encoded = base64.b64encode(bytes(before) + content)
        first, last = -(-before * 4 // 3), (before + len(content)) * 4 // 3
        yield encoded[first:last]
        yield encoded[first:last].translate(bytes.maketrans(b"+/", b"-_"))


def _dump(connection: Connection) -> Iterator[bytes]:
    cursor = connection.connection.cursor()
    for table in Model.metadata.sorted_tables:
        # In this form a backslash stays one.
        with cursor.copy(f'COPY "{table.name}" TO STDOUT (FORMAT csv)') as rows:
            yield b"".join(rows)


def _files() -> list[Path]:
    """The main file, and those beside it with what has yet to go there."""
    path = Path(make_url(str(db.engine.url)).database or "")
    return sorted(path.parent.glob(f"{path.name}*"))
