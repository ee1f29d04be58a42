"""The threat table in `docs/security.md` promises tests: each file is there, and has the test that is quoted."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TABLE = ROOT / "docs" / "security.md"


def rows() -> list[str]:
    """The last cell of each row, with “the same” read as the file named before."""
    cells, named = [], ""
    for line in TABLE.read_text().splitlines():
        if not line.startswith("| ") or line.startswith(("| threat", "| ---")):
            continue
        cell = line.strip("| ").rpartition(" | ")[2]
        cell = cell.replace("the same", named, 1) if cell.startswith("the same") else cell
        named = ", ".join(re.findall(r"`[^`]+\.py`", cell))
        cells.append(cell)
    return cells


def text_of(cell: str) -> str:
    """All that the files of a cell say."""
    texts = []
    for name in re.findall(r"`([^`]+\.py)`", cell):
        found = [ROOT / name] if "/" in name else list((ROOT / "tests").rglob(name))
        assert len(found) == 1, f"{name} is {len(found)} files"
        assert found[0].exists(), f"there is no {name}"
        texts.append(found[0].read_text())
    assert texts, f"no test is named: {cell}"
    return "\n".join(texts)


def test_every_row_names_tests_that_exist() -> None:
    assert len(rows()) > 30
    for cell in rows():
        text = text_of(cell)
        for quoted in re.findall(r"\*([^*]+)\*", cell):
            assert quoted.replace(" ", "_") in text, f"no test says {quoted!r}: {cell}"
