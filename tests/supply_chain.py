"""`make audit`: what we run is what the lock file says, unaltered; under which licences; with known holes or not.

All but the last works without a network. `python -m tests.supply_chain --write` writes docs/licences.md anew.
"""

import base64
import hashlib
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOCK = ROOT / "requirements.txt"
TABLE = ROOT / "docs" / "licences.md"
_PINNED = re.compile(r"^([A-Za-z0-9][A-Za-z0-9._-]*)(?:\[[^\]]*\])?==(\S+)( ;[^\\]*)?", re.MULTILINE)
_PATIENCE = 120
_HEAD = """# Licences of what is installed to run this

Made by `python -m tests.supply_chain --write` from the metadata of the packages in `requirements.txt`, but for those
that only some platforms need; a test sees that it is current. The fonts' licences are beside them in `app/fonts`.

| package | version | licence |
| --- | --- | --- |
"""
_SHORT = {
    "MIT License": "MIT",
    "BSD License": "BSD",
    "Apache Software License": "Apache-2.0",
    "Apache License 2.0": "Apache-2.0",
    "Apache License, Version 2.0": "Apache-2.0",
}


def locked() -> dict[str, str]:
    """Name and version of all that is needed here, whatever the platform."""
    return {name: version for name, version, marker in _PINNED.findall(LOCK.read_text()) if not marker}


def without_hash() -> list[str]:
    """Packages that the lock file names without saying what their files look like."""
    parts = re.split(r"\n(?=[A-Za-z0-9])", LOCK.read_text())
    return [part.split("==")[0] for part in parts if _PINNED.match(part) and "--hash=sha256:" not in part]


def differing() -> Iterator[str]:
    """Packages that are installed in another version, or not at all."""
    for name, version in locked().items():
        found = _installed(name)
        if found is None or found.version != version:
            yield f"{name}: locked {version}, installed {found.version if found else 'not at all'}"


def altered() -> Iterator[str]:
    """Installed files that are not what their package came with."""
    for name in locked():
        found = _installed(name)
        for file in (found.files or []) if found else []:
            path = Path(str(file.locate()))
            if file.hash is not None and file.hash.mode == "sha256" and path.is_file():
                digest = base64.urlsafe_b64encode(hashlib.sha256(path.read_bytes()).digest()).decode().rstrip("=")
                if digest != file.hash.value:
                    yield f"{name}: {file} was altered after it was installed"


def licence_table() -> str:
    rows = (f"| {name} | {version} | {licence_of(name)} |\n" for name, version in sorted(locked().items()))
    return _HEAD + "".join(rows)


def licence_of(name: str) -> str:
    """As its author says, in the shortest of the ways in which authors say it."""
    found = _installed(name)
    if found is None:
        return "not installed"
    metadata = found.metadata
    classifiers = [each.rpartition(" :: ")[2] for each in metadata.get_all("Classifier", []) if "License ::" in each]
    said = metadata.get("License-Expression") or (metadata.get("License") or "").strip()
    words = (
        said
        if said and len(said) < 60 and "\n" not in said
        else " or ".join(sorted(set(classifiers) - {"OSI Approved"}))
    )
    return _SHORT.get(words, words) or "unknown"


def _installed(name: str) -> Distribution | None:
    try:
        return distribution(name)
    except PackageNotFoundError:
        return None


def known_holes() -> str:
    """What a database of vulnerabilities says, or plainly that nobody was asked."""
    program = shutil.which("pip-audit")
    if program is None:
        return "Known vulnerabilities: NOT CHECKED, pip-audit is not installed (pipx install pip-audit)."
    command = [program, "--requirement", str(LOCK), "--require-hashes", "--disable-pip", "--progress-spinner", "off"]
    try:
        run = subprocess.run(command, capture_output=True, text=True, timeout=_PATIENCE, check=False)
    except subprocess.TimeoutExpired:
        return "Known vulnerabilities: NOT CHECKED, the database did not answer in time."
    if run.returncode == 0:
        return "Known vulnerabilities: none."
    if "Connection" in run.stderr or "resolve" in run.stderr:
        return "Known vulnerabilities: NOT CHECKED, the database cannot be reached from here."
    return f"Known vulnerabilities:\n{run.stdout}{run.stderr}"


def main() -> int:
    if "--write" in sys.argv:
        TABLE.write_text(licence_table())
        print(f"Wrote {TABLE.relative_to(ROOT)}.")
        return 0
    problems = [f"{name}: no hash in the lock file" for name in without_hash()]
    problems += [*differing(), *altered()]
    if TABLE.read_text() != licence_table():
        problems.append("docs/licences.md is not current: run python -m tests.supply_chain --write")
    for problem in problems:
        print(problem)
    holes = known_holes()
    print(f"{len(locked())} packages locked by hash, {len(problems)} problems. Licences: docs/licences.md.")
    print(holes)
    return 1 if problems or holes.startswith("Known vulnerabilities:\n") else 0


if __name__ == "__main__":
    raise SystemExit(main())
