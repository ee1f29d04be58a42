"""A Redis-compatible server of this test run's own; the same one that `make demo` would embed."""

import shutil
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from app.hosting import embedded_queue, orphans


@dataclass(frozen=True, slots=True)
class QueueServer:
    process: subprocess.Popen
    directory: Path
    url: str

    def stop(self) -> None:
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        shutil.rmtree(self.directory, ignore_errors=True)


def start() -> QueueServer:
    directory = Path(tempfile.mkdtemp(prefix="cf-queue-"))
    queue = embedded_queue.prepare(directory)
    process = subprocess.Popen(
        [*queue.command, "--appendonly", "no"], stdout=subprocess.DEVNULL, preexec_fn=orphans.before_exec()
    )
    deadline = time.monotonic() + 60
    while not queue.answers():
        if process.poll() is not None or time.monotonic() > deadline:
            process.kill()
            raise RuntimeError(f"{queue.program} did not start")
        time.sleep(0.02)
    return QueueServer(process, directory, queue.url)
