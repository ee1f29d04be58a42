from collections.abc import Iterator

import pytest

from app.gateways.network.http import Patience, PatientSession
from tests.gateways.counterparties.simulated import simulator as shared_simulator
from tests.simulator import Simulator


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    shared_simulator().clear()
    yield shared_simulator()
    shared_simulator().clear()


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The pauses between tries, in seconds: noted, not slept. An answer is waited for a quarter of a second."""
    waits: list[float] = []
    monkeypatch.setattr(PatientSession, "patience", Patience(connect_seconds=1, read_seconds=0.25, sleep=waits.append))
    return waits


@pytest.fixture
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tries follow each other at once, and answers have time on a busy machine: for tests in which nobody hangs."""
    patience = Patience(connect_seconds=10, read_seconds=30, sleep=lambda _seconds: None)
    monkeypatch.setattr(PatientSession, "patience", patience)
