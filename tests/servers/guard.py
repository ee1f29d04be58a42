"""Keeps the tests on this machine: a connection or a name look-up that would leave it is an error."""

import ipaddress
import socket
from typing import Any


class LeavesTheMachine(AssertionError):
    """A test tried to reach another machine."""


_connect = socket.socket.connect
_connect_ex = socket.socket.connect_ex
_getaddrinfo = socket.getaddrinfo


def install() -> None:
    socket.socket.connect = connect  # type: ignore[method-assign]
    socket.socket.connect_ex = connect_ex  # type: ignore[method-assign]
    socket.getaddrinfo = getaddrinfo


def connect(self: socket.socket, address: Any) -> None:
    _refuse_remote(self.family, address)
    _connect(self, address)


def connect_ex(self: socket.socket, address: Any) -> int:
    _refuse_remote(self.family, address)
    return _connect_ex(self, address)


def getaddrinfo(host: Any, *args: Any, **kwargs: Any) -> Any:
    if host and not _is_local(host):
        raise LeavesTheMachine(f"a test looked up {host!r}")
    return _getaddrinfo(host, *args, **kwargs)


def _refuse_remote(family: int, address: Any) -> None:
    if family in {socket.AF_INET, socket.AF_INET6} and not _is_local(address[0]):
        raise LeavesTheMachine(f"a test connected to {address!r}")


def _is_local(host: str | bytes) -> bool:
    name = host.decode() if isinstance(host, bytes) else host
    if name in {"localhost", ""}:
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False
