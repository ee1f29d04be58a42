"""The data map in the docs knows every column that holds something of a person, and every period."""

import re
from dataclasses import asdict
from pathlib import Path

from app.columns import KeyedHash, SealedColumn
from app.config import Retention
from app.db import Model

TEXT = (Path(__file__).resolve().parent.parent / "docs" / "privacy.md").read_text()
ROWS = [line for line in TEXT.splitlines() if line.startswith("| `")]


def test_every_sealed_column_is_in_the_map_and_nothing_that_is_not_there():
    named = {name for row in ROWS for name in re.findall(r"`(\w+\.\w+)`", row.split("|")[1])}
    columns = {str(column): column for table in Model.metadata.sorted_tables for column in table.columns}
    sealed = {name for name, column in columns.items() if isinstance(column.type, SealedColumn | KeyedHash)}
    assert sealed - named == set()
    assert named - columns.keys() == set()


def test_every_row_says_why_how_long_and_what_erasing_does():
    for row in ROWS:
        cells = [cell.strip() for cell in row.strip("|").split("|")]
        assert all(cells), row


def test_every_period_is_there_with_its_default():
    settings = dict(re.findall(r"\| `KEEP_(\w+)_DAYS` \| (\d+) \|", TEXT))
    assert settings == {name.upper(): str(days) for name, days in asdict(Retention()).items()}
