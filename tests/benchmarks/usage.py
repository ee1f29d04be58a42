"""What processes use: seconds of a processor, memory, connections, and waits for each other in the database."""

import os
import threading
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import psycopg

_TICKS = os.sysconf("SC_CLK_TCK")
_PAUSE = 0.05
_OURS = "FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
# All that the server runs counts as its work: writing the log ahead, too.
_SERVERS = "SELECT pid FROM pg_stat_activity"


def processor_seconds(pids: Iterable[int]) -> float:
    return sum(map(_seconds_of, pids))


def _seconds_of(pid: int) -> float:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / _TICKS


def serving(url: str) -> list[int]:
    """The database's processes, if it runs on this machine."""
    with psycopg.connect(url) as connection:
        pids = [pid for (pid,) in connection.execute(_SERVERS)]
    return [pid for pid in pids if _is_postgres(pid)]


def _is_postgres(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/comm").read_text().startswith("postgres")
    except OSError:
        return False


def connections(url: str) -> int:
    with psycopg.connect(url) as connection:
        row = connection.execute(f"SELECT count(*) {_OURS}").fetchone()
    return int(row[0]) if row else 0


class Meter:
    """Between `start` and `stop`: a processor's seconds for each group of processes, and waits in the database."""

    def __init__(self, url: str, groups: Mapping[str, Sequence[int]]) -> None:
        self._url, self._groups = url, groups
        self._before: dict[int, float] = {}
        self._waits: Counter[str] = Counter()
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="waits", daemon=True)

    def start(self) -> None:
        self._before = {pid: _seconds_of(pid) for pids in self._all().values() for pid in pids}
        self._thread.start()

    def stop(self) -> tuple[dict[str, float], float]:
        """Seconds by group, and which share of the statements under way waited for another's lock."""
        self._is_over.set()
        self._thread.join()
        spent = {
            name: sum(_seconds_of(pid) - self._before.get(pid, 0.0) for pid in pids)
            for name, pids in self._all().items()
        }
        return spent, self._waits["Lock"] / max(self._waits.total(), 1)

    def _all(self) -> dict[str, Sequence[int]]:
        return {**self._groups, "database": serving(self._url)}

    def _watch(self) -> None:
        with psycopg.connect(self._url, autocommit=True) as connection:
            query = f"SELECT coalesce(wait_event_type, '') {_OURS} AND state = 'active'"
            while not self._is_over.wait(_PAUSE):
                self._waits.update(kind for (kind,) in connection.execute(query))
