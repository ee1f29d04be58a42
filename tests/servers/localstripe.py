"""Somebody else's idea of Stripe: localstripe, in a process of its own that listens on this machine alone.

Its own command would listen to the whole network and keep its books in a file that all users share.
"""

import socket
import subprocess
import sys
from dataclasses import dataclass

import requests

from app.hosting import orphans


@dataclass(frozen=True, slots=True)
class LocalStripe:
    process: subprocess.Popen
    url: str

    def post_to(self, address: str, secret: str, *, name: str = "shop") -> None:
        """Its messages go there from now on, signed, after those to addresses named before."""
        told = {"url": address, "secret": secret}
        requests.post(f"{self.url}/_config/webhooks/{name}", data=told, timeout=10).raise_for_status()

    def forget(self) -> None:
        requests.delete(f"{self.url}/_config/data", timeout=10).raise_for_status()

    def stop(self) -> None:
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def start() -> LocalStripe:
    """It answers as soon as it is up: callers wait in the queue of a socket that exists already."""
    with socket.create_server(("127.0.0.1", 0), backlog=128) as listening:
        number = listening.fileno()
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.servers.localstripe", str(number)],
            pass_fds=[number],
            preexec_fn=orphans.before_exec(),
        )
        return LocalStripe(process, f"http://127.0.0.1:{listening.getsockname()[1]}")


def serve(number: int) -> None:
    from aiohttp import web
    from localstripe import resources, server

    resources.Store.dump_to_disk = lambda _self: None
    web.run_app(server.app, sock=socket.socket(fileno=number), print=None, access_log=None)


if __name__ == "__main__":
    serve(int(sys.argv[1]))
