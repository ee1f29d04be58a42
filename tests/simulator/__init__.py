"""Three payment companies on this machine: one ledger, three façades that speak their HTTP APIs, and their bad days.

It shares no code with the adapters, so that an error made there is not made here again. `python -m tests.simulator`
runs it for a rehearsal.
"""

from tests.simulator.faults import Fault
from tests.simulator.server import Simulator

__all__ = ["Fault", "Simulator"]
