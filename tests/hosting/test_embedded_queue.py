"""Our own queue server: private, durable, and startable from any folder."""

import os
import stat
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import redis

from app.hosting import embedded_queue
from app.hosting.embedded_queue import EmbeddedQueue, QueueServerMissing


@contextmanager
def running(queue: EmbeddedQueue) -> Iterator[redis.Redis]:
    with subprocess.Popen(queue.command, stdout=subprocess.DEVNULL) as process:
        try:
            deadline = time.monotonic() + 60
            while not queue.answers():
                assert process.poll() is None
                assert time.monotonic() < deadline
                time.sleep(0.02)
            with redis.Redis.from_url(queue.url) as connection:
                yield connection
        finally:
            process.kill()


def test_what_was_queued_outlives_a_kill(tmp_path: Path) -> None:
    queue = embedded_queue.prepare(tmp_path)
    with running(queue) as connection:
        connection.rpush("jobs", "one", "two")
    assert not queue.answers()
    with running(embedded_queue.prepare(tmp_path)) as connection:
        assert connection.lrange("jobs", 0, -1) == [b"one", b"two"]


def test_only_its_owner_reaches_it(tmp_path: Path) -> None:
    queue = embedded_queue.prepare(tmp_path)
    with running(queue) as connection:
        assert stat.S_IMODE(queue.socket_path.stat().st_mode) == 0o700
        assert stat.S_IMODE(queue.directory.stat().st_mode) == 0o700
        assert connection.config_get("port") == {"port": "0"}


@pytest.mark.parametrize("name", ["with blanks", "100% \"#?'é漢", "long" * 50])
def test_it_starts_in_any_folder(tmp_path: Path, name: str) -> None:
    queue = embedded_queue.prepare(tmp_path / name)
    assert len(os.fsencode(queue.socket_path)) < 104
    with running(queue) as connection:
        assert connection.ping()
    if not queue.socket_path.is_relative_to(tmp_path):
        queue.socket_path.unlink()
        queue.socket_path.parent.rmdir()


def test_a_short_folder_of_somebody_else_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    deep = tmp_path / ("long" * 50)
    short = embedded_queue.prepare(deep).socket_path.parent
    short.chmod(0o777)
    try:
        with pytest.raises(PermissionError):
            embedded_queue.prepare(deep)
    finally:
        short.rmdir()


def test_another_version_gets_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ours = embedded_queue.prepare(tmp_path).directory
    older = tmp_path / "bin" / "valkey-server"
    older.parent.mkdir()
    older.write_text("#!/bin/sh\necho 'Valkey server v=8.0.1 sha=0 malloc=libc bits=64'\n")
    older.chmod(0o755)
    monkeypatch.setenv("PATH", str(older.parent))
    assert embedded_queue.prepare(tmp_path).directory == tmp_path / "valkey-8.0.1"
    assert ours != tmp_path / "valkey-8.0.1"


def test_without_a_server_it_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(QueueServerMissing, match="set REDIS_URL"):
        embedded_queue.prepare(tmp_path)
