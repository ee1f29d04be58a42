"""nginx before several groups of web processes, as on several machines."""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from app.hosting import orphans
from tests.benchmarks.client import Client
from tests.benchmarks.databases import PLACE
from tests.benchmarks.programs import free_port

_PATIENCE = 20.0
_MISSING = (
    "nginx is not here and could not be fetched, so clients go to the groups directly.\n"
    "To have it: apt-get install nginx, or put the program on PATH."
)
_CONFIGURATION = """
daemon off; worker_processes 1; pid {folder}/pid; error_log {folder}/errors; {user}
events {{ worker_connections 1024; }}
http {{
  access_log off;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  upstream web {{ {servers} keepalive 64; }}
  server {{
    listen 127.0.0.1:{port};
    location / {{
      proxy_pass http://web; proxy_http_version 1.1;
      proxy_set_header Connection ""; proxy_set_header Host $http_host;
    }}
  }}
}}
"""


@contextmanager
def before(ports: Sequence[int]) -> Iterator[tuple[list[int], list[int]]]:
    """The ports that clients go to, and the processes of nginx; without it, the groups' own ports and none."""
    program = _find() or _fetch()
    if program is None:
        print(_MISSING, file=sys.stderr)
        yield list(ports), []
        return
    with tempfile.TemporaryDirectory(prefix="cf-nginx-") as folder:
        port = free_port()
        process = _start(program, Path(folder), port, ports)
        try:
            _wait_for_answer(process, port)
            yield [port], [process.pid, *_children(process.pid)]
        finally:
            process.terminate()
            process.wait(20)


def _find() -> str | None:
    return shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin:{PLACE / 'nginx' / 'usr' / 'sbin'}")


def _fetch() -> str | None:
    """Debian's, unpacked beside the other things of benchmarks: nothing is installed."""
    folder = PLACE / "nginx"
    folder.mkdir(parents=True, exist_ok=True)
    try:
        subprocess.run(("apt-get", "download", "nginx"), cwd=folder, check=True, capture_output=True)
        for package in folder.glob("nginx_*.deb"):
            subprocess.run(("dpkg", "-x", package.name, "."), cwd=folder, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return _find()


def _start(program: str, folder: Path, port: int, ports: Sequence[int]) -> subprocess.Popen:
    servers = " ".join(f"server 127.0.0.1:{each};" for each in ports)
    user = "user root;" if os.geteuid() == 0 else ""
    path = folder / "nginx.conf"
    path.write_text(_CONFIGURATION.format(folder=folder, user=user, servers=servers, port=port))
    words = (program, "-p", str(folder), "-c", str(path), "-e", str(folder / "errors"))
    return subprocess.Popen(words, preexec_fn=orphans.before_exec())


def _wait_for_answer(process: subprocess.Popen, port: int) -> None:
    deadline = time.perf_counter() + _PATIENCE
    while True:
        try:
            if Client(port).get("/healthz").status == 200:
                return
        except OSError:
            time.sleep(0.02)
        if process.poll() is not None or time.perf_counter() > deadline:
            raise RuntimeError("nginx did not start")


def _children(pid: int) -> list[int]:
    return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
