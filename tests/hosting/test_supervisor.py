"""The programs of the service live and die together."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

linux_only = pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child that its parent was killed")


class Service:
    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def start(self, **kinds: str) -> "Service":
        self.kinds = kinds
        words = [f"{name}={kind}" for name, kind in kinds.items()]
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.small_service", self.folder, *words],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            # Whoever runs the tests by nohup has us ignore it too.
            preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_DFL),
        )
        return self

    def wait_until_ready(self) -> "Service":
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == "ready\n"
        eventually(lambda: "child" in self.pids() or self.kinds.get("worker") == "steady")
        return self

    def pids(self) -> dict[str, int]:
        """The latest process of each name."""
        files = {path.stem: path.read_text().split() for path in self.folder.glob("*.pid")}
        return {name: int(pids[-1]) for name, pids in files.items() if pids}

    def end(self) -> str:
        said, _ = self.process.communicate(timeout=30)
        return said


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    service = Service(tmp_path)
    yield service
    if service.process.poll() is None:
        service.process.kill()
    service.end()


def eventually(holds: Callable[[], bool], within: float = 60.0) -> None:
    deadline = time.monotonic() + within
    while not holds():
        assert time.monotonic() < deadline, "did not happen in time"
        time.sleep(0.02)


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def all_gone(pids: dict[str, int]) -> Callable[[], bool]:
    return lambda: not any(is_alive(pid) for pid in pids.values())


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
@linux_only
def test_a_signal_stops_everything(service: Service, number: signal.Signals) -> None:
    pids = service.start().wait_until_ready().pids()
    service.process.send_signal(number)
    service.end()
    assert service.process.returncode == 0
    assert set(pids) == {"queue", "web", "worker", "child"}
    eventually(all_gone(pids))


@linux_only
def test_a_killed_supervisor_takes_its_programs_along(service: Service) -> None:
    pids = service.start(worker="steady").wait_until_ready().pids()
    service.process.kill()
    eventually(all_gone(pids))


@linux_only
def test_a_killed_program_is_started_again_and_what_it_left_behind_is_ended(service: Service) -> None:
    before = service.start().wait_until_ready().pids()
    os.kill(before["worker"], signal.SIGKILL)
    eventually(lambda: service.pids()["worker"] != before["worker"])
    eventually(lambda: service.pids()["child"] != before["child"])
    assert not is_alive(before["child"])
    assert service.pids()["web"] == before["web"]
    service.process.terminate()
    assert "worker ended (SIGKILL)" in service.end()


@linux_only
def test_a_program_that_will_not_stop_is_killed(service: Service) -> None:
    pids = service.start(web="deaf").wait_until_ready().pids()
    eventually(lambda: "deaf" in (service.folder / "web.log").read_text())
    service.process.terminate()
    service.end()
    eventually(all_gone(pids))


def test_a_program_that_cannot_start_ends_the_service_and_is_named(service: Service) -> None:
    service.start(scheduler="broken")
    said = service.end()
    assert service.process.returncode == 1
    assert "ready" not in said
    assert f"scheduler does not start; its last words are in {service.folder}/scheduler.log" in said
    assert all_gone(service.pids())()
