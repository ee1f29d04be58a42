"""Finds a Chromium to test with; `python -m tests.servers.chromium` also gets one where there is none."""

import contextlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

FLAGS = (
    "--no-sandbox",  # refuses to run as root otherwise; it only ever sees our own pages
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)
_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")


def find() -> str | None:
    if named := os.environ.get("CHROMIUM"):
        return shutil.which(named)
    installed = (shutil.which(name) for name in _NAMES)
    return next(filter(None, installed), None) or _playwrights_own()


def _playwrights_own() -> str | None:
    kept = Path(os.environ.get("PLAYWRIGHT_BROWSERS_PATH") or Path.home() / ".cache" / "ms-playwright")
    found = sorted(kept.glob("chromium-*/chrome-*/chrome"))
    return str(found[-1]) if found else None


def install() -> str | None:
    """Debian's when we may, else Playwright's. Returns None where neither can be had."""
    for command in _ways():
        with contextlib.suppress(OSError, subprocess.TimeoutExpired):
            subprocess.run(command, check=False, timeout=600, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        if found := find():
            return found
    return None


def _ways() -> Iterator[list[str]]:
    if os.geteuid() == 0 and shutil.which("apt-get"):
        yield ["apt-get", "-q", "update"]
        wanted = ["chromium", "fonts-dejavu-core"]
        yield ["env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-qy", "install", "--no-install-recommends", *wanted]
    yield [sys.executable, "-m", "playwright", "install", "chromium"]


def main() -> None:
    if find() is None and not os.environ.get("CHROMIUM"):
        print("Getting Chromium for the browser tests (once) ...", flush=True)
        install()


if __name__ == "__main__":
    main()
