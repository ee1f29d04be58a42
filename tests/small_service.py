"""A service of three small programs under the real supervisor: `python -m tests.small_service FOLDER [NAME=PROGRAM]`.

Each program writes its process id to FOLDER/<name>.pid (each start on a line of its own).
"""

import functools
import logging
import os
import sys
from pathlib import Path

from app.hosting.supervisor import Program, Supervisor

STEADY = "import time; time.sleep(600)"
# As a queue's worker does it: the work happens in a child, in a process group of its own.
WITH_CHILD = """
import os, pathlib, time
if os.fork() == 0:
    os.setpgrp()
    with open(os.environ["FOLDER"] + "/child.pid", "a") as file:
        print(os.getpid(), file=file, flush=True)
    time.sleep(600)
time.sleep(600)
"""
DEAF = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); time.sleep(600)"
BROKEN = "raise SystemExit(3)"
PROGRAMS = {"steady": STEADY, "with-child": WITH_CHILD, "deaf": DEAF, "broken": BROKEN}
_NOTE_PID = """
import os
with open(os.environ["FOLDER"] + "/" + os.environ["NAME"] + ".pid", "a") as file:
    print(os.getpid(), file=file, flush=True)
"""


def main(folder: Path, kinds: dict[str, str]) -> int:
    logging.basicConfig(format="%(message)s")
    chosen = {"queue": "steady", "web": "steady", "worker": "with-child"} | kinds
    programs = [_program(folder, name, PROGRAMS[kind]) for name, kind in chosen.items()]
    works = "broken" not in chosen.values()
    return Supervisor(
        programs, lambda: works and _are_started(folder, list(chosen)), lambda: print("ready", flush=True), grace=2.0
    ).run()


def _program(folder: Path, name: str, text: str) -> Program:
    environment = {**os.environ, "FOLDER": str(folder), "NAME": name}
    is_up = functools.partial(_are_started, folder, [name]) if name == "queue" else None
    log = folder / f"{name}.log"
    return Program(name, (sys.executable, "-c", _NOTE_PID + text), environment, log=log, is_up=is_up)


def _are_started(folder: Path, names: list[str]) -> bool:
    return all((folder / f"{name}.pid").exists() for name in names)


if __name__ == "__main__":
    raise SystemExit(main(Path(sys.argv[1]), dict(word.split("=") for word in sys.argv[2:])))
